"""Opening, rescoring and closing leads, for many people at once, in the current transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts.enums import ChannelKind, EventKind, LeadActKind, LeadState
from contacts.leads import assigning, scoring
from contacts.log.incoming import Incoming
from contacts.log.rollups import lock
from contacts.models import Contact, Lead, LeadAct
from scrm.core import notify
from scrm.core.enums import Level, Permission
from scrm.core.models import User

THRESHOLD = 50
"""Points at which a lead opens by itself."""
REST = timedelta(days=30)
"""A lead that was closed does not open again by itself within this time."""
_SINGLY = 5
"""Up to so many alerts to one person at a time are told one by one, more as one line."""


def reconsider(contact_ids: Iterable[int], now: datetime) -> list[Incoming]:
    """Score people again: open leads take the new score, new ones open at the threshold and go to somebody, owners hear of
    both. Unknown visitors have no leads. Answers the events to append last. Locks the contacts in id order."""
    living = set(lock(contact_ids).values())
    contacts = {c.pk: c for c in Contact.objects.known().filter(pk__in=living).defer("name_grams", "attributes")}
    if not contacts:
        return []
    found = scoring.score(contacts, now)
    held = {lead.contact_id: lead for lead in Lead.objects.open().filter(contact_id__in=contacts)}
    _rescore(held.values(), contacts, found, now)
    hot = {pk for pk, reasons in found.items() if scoring.total(reasons) >= THRESHOLD} - held.keys()
    resting = Lead.objects.filter(contact_id__in=hot, closed_at__gt=now - REST).values_list("contact_id", flat=True)
    fresh = sorted(hot - set(resting))
    return _open([contacts[pk] for pk in fresh], found, now, by=None)


def open_by_hand(contact: Contact, now: datetime, by: User, owner: User | None) -> tuple[Lead, list[Incoming]]:
    """Make a lead of somebody, or answer the open one. Locks the contact; its lead goes to ``owner``, else by rule."""
    lock([contact.pk])
    held = Lead.objects.open().filter(contact=contact).first()
    if held:
        return held, []
    found = scoring.score([contact.pk], now)
    told = _open([contact], found, now, by=by, owner=owner)
    return Lead.objects.open().get(contact=contact), told


def won_by_order(contact_ids: Iterable[int], now: datetime) -> list[Incoming]:
    """An order of a person with an open lead: it is won. One lead each, history included."""
    leads = list(Lead.objects.open().select_for_update().filter(contact_id__in=set(contact_ids)).order_by("pk"))
    for lead in leads:
        lead.state, lead.closed_at, lead.version = LeadState.WON, now, lead.version + 1
    Lead.objects.bulk_update(leads, ["state", "closed_at", "version"])
    acts = [
        LeadAct(lead=lead, kind=LeadActKind.STATE, details={"to": LeadState.WON, "order": True}, at=now)
        for lead in leads
    ]
    LeadAct.objects.bulk_create(acts)
    return [closed_event(lead, now) for lead in leads]


def closed_event(lead: Lead, now: datetime) -> Incoming:
    return _event(EventKind.LEAD_CLOSED, lead, now, outcome=lead.state, reason=lead.lost_reason)


def assigned_event(lead: Lead, owner: User, now: datetime) -> Incoming:
    return _event(EventKind.LEAD_ASSIGNED, lead, now, owner=owner.pk, owner_name=owner.name)


def alert_assigned(lead: Lead, name: str, owner: User) -> None:
    text = format_lazy(_("New lead: {name}, {score} points"), name=name, score=lead.score)
    notify.tell(owner, text, lead_url(lead), Level.INFO)


def lead_url(lead: Lead) -> str:
    return reverse("contacts:lead", args=[lead.pk])


def take_contacts(leads: Sequence[Lead]) -> None:
    """Who works a lead must see the person: contacts without an owner go to the lead's owner."""
    by_owner: dict[int, list[Lead]] = defaultdict(list)
    for lead in leads:
        if lead.owner_id:
            by_owner[lead.owner_id].append(lead)
    for owner_id, mine in by_owner.items():
        rows = Contact.objects.filter(pk__in=[lead.contact_id for lead in mine], owner=None)
        rows.update(owner_id=owner_id, team_id=mine[0].team_id, version=F("version") + 1)


def _open(contacts: list[Contact], found, now: datetime, *, by: User | None, owner: User | None = None):  # type: ignore[no-untyped-def]
    if not contacts:
        return []
    chosen = {c.pk: owner for c in contacts} if owner else assigning.owners(contacts, now)
    leads = []
    for contact in contacts:
        person = chosen.get(contact.pk)
        reasons = sorted(found[contact.pk], key=lambda reason: -reason["points"])
        leads.append(
            Lead(
                contact=contact,
                score=scoring.total(reasons),
                reasons=reasons,
                scored_at=now,
                owner=person,
                team_id=person.team_id if person else contact.team_id,
                opened_by=by,
                opened_at=now,
                assigned_at=now if person else None,
            )
        )
    Lead.objects.bulk_create(leads)
    take_contacts(leads)
    told: list[Incoming] = []
    acts = []
    for lead in leads:
        acts.append(LeadAct(lead=lead, kind=LeadActKind.OPENED, by=by, details={"score": lead.score}, at=now))
        why = "、".join(gettext(reason["name"]) for reason in lead.reasons)
        told.append(_event(EventKind.LEAD_OPENED, lead, now, score=lead.score, why=why))
        if lead.owner:
            acts.append(LeadAct(lead=lead, kind=LeadActKind.ASSIGNED, by=by, details={"to": lead.owner_id}, at=now))
            told.append(assigned_event(lead, lead.owner, now))
    LeadAct.objects.bulk_create(acts)
    _tell_owners(leads)
    return told


def _tell_owners(leads: list[Lead]) -> None:
    by_owner: dict[User | None, list[Lead]] = defaultdict(list)
    for lead in leads:
        by_owner[lead.owner].append(lead)
    for owner, mine in by_owner.items():
        readers = [owner] if owner else list(User.objects.able(Permission.LEADS_MANAGE))
        if owner and len(mine) <= _SINGLY:
            for lead in mine:
                alert_assigned(lead, lead.contact.display_name, owner)
        elif owner:
            text = ngettext_lazy("{n} new lead", "{n} new leads", len(mine)).format(n=len(mine))
            notify.tell(readers, text, reverse("contacts:lead_list"), Level.INFO)
        else:
            text = ngettext_lazy(
                "{n} new lead and nobody to take it", "{n} new leads and nobody to take them", len(mine)
            ).format(n=len(mine))
            notify.tell(readers, text, reverse("contacts:lead_list") + "?owner=none", Level.WARN)


def _rescore(leads: Iterable[Lead], contacts: dict[int, Contact], found: dict[int, Any], now: datetime) -> None:
    """Take the new scores; a rule that fits now and did not before is told to the owner (behaviour alert)."""
    leads = list(leads)
    users = {user.pk: user for user in User.objects.active().filter(pk__in={lead.owner_id for lead in leads})}
    alerts: dict[int, list[tuple[Lead, str]]] = defaultdict(list)
    for lead in leads:
        reasons = sorted(found[lead.contact_id], key=lambda reason: -reason["points"])
        known = {reason["rule"] for reason in lead.reasons}
        new = [reason for reason in reasons if reason["rule"] not in known and reason["points"] > 0]
        lead.reasons, lead.score, lead.scored_at = reasons, scoring.total(reasons), now
        if new and lead.owner_id in users:
            alerts[lead.owner_id].append((lead, new[0]["name"]))
    Lead.objects.bulk_update(leads, ["reasons", "score", "scored_at"], batch_size=500)
    for owner_id, entries in alerts.items():
        for lead, name in entries[:_SINGLY]:
            person = contacts[lead.contact_id].display_name
            text = format_lazy(_("{name}: {what} ({score} points)"), name=person, what=_(name), score=lead.score)
            notify.tell(users[owner_id], text, lead_url(lead), Level.INFO)


def _event(kind: EventKind, lead: Lead, now: datetime, **properties: Any) -> Incoming:
    return Incoming(
        kind=kind.value,
        channel=ChannelKind.SYS.value,
        occurred_at=now,
        contact_id=lead.contact_id,
        properties={"lead": lead.pk, **{name: value for name, value in properties.items() if value not in ("", None)}},
    )
