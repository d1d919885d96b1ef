"""Wall-clock times in each person's own zone (semantics: quiet hours). The zone is the contact's, else that of the region,
else the company's."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contacts.models import Contact
from scrm.core.models import Company
from scrm.lib import regions

_GAP_STEP = timedelta(minutes=1)


def zones_of(contact_ids: Iterable[int]) -> dict[int, ZoneInfo]:
    """Zone of each contact, in two queries for any number."""
    company = Company.get().time_zone
    rows = Contact.objects.filter(pk__in=list(contact_ids)).values_list("pk", "time_zone", "region")
    return {pk: _zone(own, region, company) for pk, own, region in rows}


def company_zone() -> ZoneInfo:
    return _zone("", "", Company.get().time_zone)


@lru_cache(maxsize=4096)
def _zone(own: str, region: str, company: str) -> ZoneInfo:
    for name in (own, (regions.time_zone(region) or "") if region else "", company):
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return ZoneInfo("Asia/Shanghai")


def instant(zone: ZoneInfo, date, clock: time) -> datetime:
    """The wall-clock moment as UTC. In the gap of a DST change: the first valid instant; in the fold: the later one."""
    wall = datetime.combine(date, clock, tzinfo=zone).replace(fold=1)
    moment = wall.astimezone(UTC)
    while moment.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        # Inside a gap: walk to the minute in which the clocks have jumped.
        wall += _GAP_STEP
        moment = wall.replace(fold=1).astimezone(UTC)
    return moment


def next_at(zone: ZoneInfo, now: datetime, clock: time, days: int = 0, weekday: int | None = None) -> datetime:
    """The next such time that is still ahead, at least ``days`` calendar days on, on ``weekday`` (Monday 0) if given."""
    date = now.astimezone(zone).date() + timedelta(days=days)
    if weekday is not None:
        date += timedelta(days=(weekday - date.weekday()) % 7)
    step = timedelta(days=1 if weekday is None else 7)
    moment = instant(zone, date, clock)
    while moment <= now:
        date += step
        moment = instant(zone, date, clock)
    return moment


def day_of(zone: ZoneInfo, moment: datetime):
    """Calendar date of the moment where the person is."""
    return moment.astimezone(zone).date()
