"""What the profile page shows of one contact, read with a fixed handful of queries."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from contacts import reach as reaching
from contacts.enums import ChannelKind, IdentityKind, MergeState, Purpose, Stage, TagSource, kind_label
from contacts.forms.contact import written
from contacts.lines.ours import how_label
from contacts.models import Consent, Contact, Identity, Merge, Tag
from scrm.core.enums import Permission
from scrm.core.models import User

log = logging.getLogger(__name__)

MAIN_PATH = [Stage.PUBLIC, Stage.PROSPECT, Stage.NEW, Stage.REPEAT, Stage.LOYAL]
STAGE_SHORT = {
    Stage.PROSPECT: pgettext_lazy("stage", "Prospect"),
    Stage.NEW: pgettext_lazy("stage", "New"),
    Stage.REPEAT: pgettext_lazy("stage", "Repeat"),
}
"""Words for the narrow path of stages."""
MOST_TAGS = 300
"""Read for the card of tags: the contact's own, then names to choose from."""
SOURCE_ICONS = {
    TagSource.MANUAL: "user",
    TagSource.RULE: "bolt",
    TagSource.JOURNEY: "route",
    TagSource.IMPORT: "file-import",
    TagSource.PLATFORM: "brand-wechat",
}


@dataclass(frozen=True)
class ShownIdentity:
    identity: Identity
    shown: str
    """The masked hint; in full only in the answer to a reveal."""
    can_reveal: bool
    evidence: str

    @property
    def channel(self) -> str:
        return reaching.CHANNEL_OF[self.identity.kind].value

    @property
    def is_address(self) -> bool:
        return any(self.identity.kind in kinds for kinds in reaching.ADDRESS_KINDS.values())


def shown_identities(identities: list[Identity], user: User) -> list[ShownIdentity]:
    return [show(identity, user) for identity in identities]


def show(identity: Identity, user: User, revealed: str = "") -> ShownIdentity:
    """One identity for this reader: masked, with a button to reveal contact points for those who may."""
    may = identity.kind in reaching.POINT_KINDS and user.can(Permission.CONTACTS_REVEAL) and not revealed
    return ShownIdentity(identity, revealed or identity.hint, may, evidence_line(identity.evidence))


def evidence_line(evidence: dict) -> str:
    """What raised the trust of an identity, on one line."""
    known = {
        "platform callback": _("the platform told us"),
        "server key": _("told by our own server"),
        "confirmed link": _("confirmed by a link in a mail"),
        "form": _("typed in a form"),
        "browser": _("seen in a browser"),
        "staff": _("entered by staff"),
        "import": _("from an import"),
    }
    how = str(evidence.get("by") or evidence.get("how") or "")
    return str(known.get(how, how))


def merge_reasons(evidence: dict) -> list[str]:
    """The evidence of a merge as sentences; what is not known is shown as it is. Handles come masked from the engine."""
    sentences = {
        "link_message": _("Came to the site by the personal link of a message."),
        "link": _("Came to the site by the personal link of a message."),
        "email_confirmed": _("Confirmed the e-mail address by the mail’s link."),
        "answered": _("Answered “Yes, that’s me”."),
        "answered_by_person": _("Answered “Yes, that’s me”."),
        "staff": _("Decided by staff."),
    }
    told = [sentences[key] for key, value in evidence.items() if key in sentences and value]
    if evidence.get("event"):
        told.insert(0, _shown_together(evidence))
    for key, value in evidence.items():
        if (
            key in sentences
            or key in {"event", "channel", "account_id", "occurred_at", "handles", "opt_in"}
            or value in (None, "", False)
        ):
            continue
        if key in {"why", "rule", "reason", "note"}:
            told.append(str(value))
        elif isinstance(value, str | int | float):
            told.append(f"{key.replace('_', ' ')}: {value}")
    return told


def _shown_together(evidence: dict) -> str:
    """“Paid an order” on 2026-05-03 showed: E-mail lin.x***@163.com (verified), ..."""
    kind, day = str(evidence["event"]), str(evidence.get("occurred_at", ""))[:10]
    name = kind_label(kind)
    handles = [
        f"{IdentityKind(handle['kind']).label if handle.get('kind') in IdentityKind.values else handle.get('kind', '')}"
        f" {handle.get('hint', '')}"
        for handle in evidence.get("handles", [])
        if isinstance(handle, dict)
    ]
    return _("“%(event)s” on %(day)s showed together: %(handles)s") % {
        "event": name,
        "day": day,
        "handles": ", ".join(handles),
    }


def tags(contact: Contact) -> dict[str, Any]:
    """The card of tags: those of the contact by where they came from, in the order of TagSource, and names to choose from. One
    query: the dictionary with the contact's taggings beside it, these first."""
    mine = FilteredRelation("taggings", condition=Q(taggings__contact=contact))
    found = (
        Tag.objects.annotate(mine=mine)
        .order_by(F("mine__id").asc(nulls_last=True), "name")
        .values_list("id", "name", "mine__source", "mine__confidence", "mine__created_at", "mine__by__name")
    )
    grouped: dict[str, list[dict[str, Any]]] = {}
    names = []
    for pk, name, source, confidence, created_at, by in found[:MOST_TAGS]:
        names.append(name)
        if source:
            tagging = {"tag_id": pk, "name": name, "confidence": confidence, "created_at": created_at, "by": by}
            grouped.setdefault(source, []).append(tagging)
    for taggings in grouped.values():
        taggings.sort(key=lambda tagging: tagging["name"])
    sources = [
        {"label": source.label, "icon": SOURCE_ICONS[source], "taggings": grouped[source.value]}
        for source in TagSource
        if source.value in grouped
    ]
    return {"tag_sources": sources, "tag_names": sorted(names)}


def consent_rows(identities: list[Identity], consents: list[Consent], *, channel="", typed="", error="") -> list[dict]:
    """One row per channel with an address or an answer, marketing only; what was typed wrongly stays in its row."""
    given = {consent.channel: consent for consent in consents if consent.purpose == Purpose.MARKETING}
    rows = []
    for kind, identity_kinds in reaching.ADDRESS_KINDS.items():
        consent = given.get(kind.value)
        if consent is None and not any(identity.kind in identity_kinds for identity in identities):
            continue
        mine = channel == kind.value
        rows.append(
            {
                "channel": kind.value,
                "label": kind.label,
                "consent": consent,
                "state": consent.state if consent else "",
                "how": _proof(consent) if consent else "",
                "typed": typed if mine else "",
                "error": error if mine else "",
            }
        )
    return rows


def _proof(consent: Consent) -> str:
    parts = [how_label(str(consent.proof.get("how", ""))), str(consent.proof.get("reason", ""))]
    return " · ".join(part for part in parts if part)


def stage_path(contact: Contact) -> list[dict[str, Any]]:
    """The main stages, which of them lie behind and when each was last reached (``contact`` from access.profile_of). A stage
    beside the main path (lead, at risk, lost, won back) stands where the person is now."""
    reached = {change["stage"]: change["at"] for change in contact.stages}
    path = list(MAIN_PATH)
    if contact.stage == Stage.LEAD:
        path.insert(2, Stage.LEAD)
    elif contact.stage not in path:
        path = [stage for stage in path if stage.value in reached or stage == Stage.PUBLIC] + [Stage(contact.stage)]
    now = path.index(Stage(contact.stage))
    return [
        {
            "label": STAGE_SHORT.get(stage, stage.label),
            "at": reached.get(stage.value) or (contact.first_seen_at if at == 0 else None),
            "state": "now" if at == now else "done" if at < now else "",
        }
        for at, stage in enumerate(path)
    ]


def merges_of(contact: Contact) -> tuple[list[Merge], list[Merge]]:
    """Settled merges into this contact, newest first, and proposals with it on either side. One query."""
    rows = (
        Merge.objects.filter(Q(survivor=contact) | Q(other=contact, state=MergeState.PROPOSED))
        .exclude(state=MergeState.REJECTED)
        .select_related("survivor", "other", "by")
        .order_by("-created_at", "-id")[:50]
    )
    done, proposed = [], []
    for merge in rows:
        merge.reasons = merge_reasons(merge.evidence)
        if merge.state == MergeState.PROPOSED:
            merge.counterpart = merge.other if merge.survivor_id == contact.pk else merge.survivor
            proposed.append(merge)
        else:
            done.append(merge)
    return done, proposed


def days_ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    days = max((now - moment).days, 0)
    return ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days} if days else _("today")


def attribute_rows(contact: Contact) -> list[tuple[str, str]]:
    return [(name, written(value)) for name, value in sorted(contact.attributes.items())]


def points(shown: list[ShownIdentity]) -> dict[str, str]:
    """The first phone number and e-mail address for the header, masked."""
    found: dict[str, str] = {}
    for item in shown:
        if item.identity.kind in reaching.POINT_KINDS:
            found.setdefault(item.identity.kind, item.shown)
    return found


def channel_label(kind: str) -> str:
    return str(ChannelKind(kind).label) if kind in ChannelKind.values else str(ChannelKind.SYS.label)


def panels(request: HttpRequest, contact: Contact, paths: list[str]) -> list[SafeString]:
    """What rooms on the left add to the profile: each function gives HTML for one card, or None for nothing to show. A
    card that fails says so and leaves the rest of the page alone."""
    found = []
    for path in paths:
        try:
            panel = import_string(path)(request, contact)
        except Exception:
            log.exception("panel %s of contact %s", path, contact.pk)
            panel = render_to_string("contacts/_panel_failed.html", request=request)
        if panel:
            found.append(conditional_escape(panel))
    return found
