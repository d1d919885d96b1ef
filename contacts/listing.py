"""The contact list: what the address bar asks for, as one queryset that only walks indexes.

Every filter is either an index of Contact, or a set of contact ids out of an indexed table (Exists), so that the planner may
start from the rarer side.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import get_current_timezone

from contacts.enums import ChannelKind, IdentityKind, Stage
from contacts.identity.normalise import normalise
from contacts.models import Contact, Identity, SegmentMember, Tagging
from contacts.reach import ADDRESS_KINDS
from scrm.core.models import User
from scrm.lib import cjk, crypto

SORTS = {"seen": "-last_seen_at", "created": "-created_at", "value": "-order_total"}
POOLS = ("known", "visitors")
EXACT_KINDS = (IdentityKind.EMAIL, IdentityKind.PHONE, IdentityKind.CUSTOMER, IdentityKind.MEMBER, IdentityKind.USER_ID)
"""Identities that a person at our side may type into the search box."""


@dataclass(frozen=True)
class Wish:
    """The filters of a list, read from the address bar; anything that makes no sense there is left out."""

    pool: str = "known"
    text: str = ""
    stage: str = ""
    source: str = ""
    channel: str = ""
    tag: int = 0
    owner: str = ""
    """A user's id, ``me`` or ``none``."""
    segment: int = 0
    since: date | None = None
    until: date | None = None
    """Range of created_at, days of the pages' time zone, both included."""
    sort: str = "seen"

    @property
    def active(self) -> int:
        """How many filters beside the pool narrow the list."""
        held = (
            self.text,
            self.stage,
            self.source,
            self.channel,
            self.tag,
            self.owner,
            self.segment,
            self.since,
            self.until,
        )
        return sum(1 for value in held if value)


def read(query) -> Wish:
    """The wish in a QueryDict; unknown values are ignored rather than refused, since people edit addresses by hand."""
    pool, stage, channel, sort = (query.get(name, "") for name in ("pool", "stage", "channel", "sort"))
    owner = query.get("owner", "")
    return Wish(
        pool=pool if pool in POOLS else "known",
        text=crypto.fold(query.get("q", ""))[:100].replace("\x00", ""),
        stage=stage if stage in Stage.values else "",
        source=query.get("source", "")[:24].replace("\x00", ""),
        channel=channel if channel in ADDRESS_KINDS else "",
        tag=_number(query.get("tag", "")),
        owner=owner if owner in {"me", "none"} or _number(owner) else "",
        segment=_number(query.get("segment", "")),
        since=_day(query.get("since", "")),
        until=_day(query.get("until", "")),
        sort=sort.lstrip("-") if sort.lstrip("-") in SORTS else "seen",
    )


def rows(wish: Wish, user: User) -> QuerySet[Contact]:
    """Contacts that fit, unordered, only such as the user may see."""
    found = Contact.objects.visible_to(user).filter(known=wish.pool == "known")
    if wish.text:
        found = matching(found, wish.text)
    if wish.stage:
        found = found.filter(stage=wish.stage)
    if wish.source:
        found = found.filter(source_kind=wish.source)
    if wish.channel:
        kinds = ADDRESS_KINDS[ChannelKind(wish.channel)]
        found = found.filter(Exists(Identity.objects.filter(contact=OuterRef("pk"), kind__in=kinds, reachable=True)))
    if wish.tag:
        found = found.filter(Exists(Tagging.objects.filter(contact=OuterRef("pk"), tag=wish.tag)))
    if wish.segment:
        found = found.filter(Exists(SegmentMember.objects.filter(contact=OuterRef("pk"), segment=wish.segment)))
    if wish.owner:
        owner = {"me": user.pk, "none": None}.get(wish.owner, wish.owner)
        found = found.filter(owner=owner)
    if wish.since:
        found = found.filter(created_at__gte=_midnight(wish.since))
    if wish.until:
        found = found.filter(created_at__lt=_midnight(wish.until + timedelta(days=1)))
    if wish.sort == "value":
        found = found.filter(order_count__gt=0)  # the index that sorts by value holds buyers only
    return found


def matching(found: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Name contains ``text`` (by grams), or ``text`` is exactly an e-mail address, phone or customer number (blind index)."""
    by_name = Q(name__icontains=text)
    if grams := cjk.grams(text):
        by_name &= Q(name_grams__contains=grams)
    by_identity = identified_by(text)
    return found.filter(by_name | Q(pk__in=by_identity)) if by_identity else found.filter(by_name)


def identified_by(text: str) -> list[int]:
    """Ids of the contacts that own exactly this e-mail address, phone or number. One indexed query."""
    wanted = Q()
    for kind in EXACT_KINDS:
        if value := normalise(kind, text):
            wanted |= Q(kind=kind, index=crypto.blind_index(kind, value))
    return list(Identity.objects.filter(wanted).values_list("contact", flat=True)[:50]) if wanted else []


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), get_current_timezone())
