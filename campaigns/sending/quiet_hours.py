"""Quiet hours: wall-clock windows in the contact's own zone. Pure.

A window belongs to the weekday on which it starts and may run past midnight (start > end). Edges are turned into instants in
the IANA zone when deciding: a wall time that a clock change skips becomes the first instant after it, one that happens twice
begins quiet at its first and ends it at its second occurrence.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
MOST_MINUTES = 20 * 60
SPREAD_SECONDS = 15 * 60
UNSPREAD = 30
"""So few messages leave together at the end of the quiet hours; more are spread."""
_EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` until ``end``, on the next day when end <= start. ``days``: weekdays on which it starts, Monday 0."""

    start: time
    end: time
    days: frozenset[int] = _EVERY_DAY

    @property
    def overnight(self) -> bool:
        return self.end <= self.start

    @property
    def minutes(self) -> int:
        return (_minute(self.end) - _minute(self.start)) % DAY_MINUTES or DAY_MINUTES


class TooLong(ValueError):
    """More than 20 quiet hours in a day or in a row: messages would pile up for days."""


@dataclass(frozen=True)
class QuietHours:
    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        """Raises TooLong."""
        week = bytearray(7 * DAY_MINUTES)
        for window in self.windows:
            for day in window.days:
                start = day * DAY_MINUTES + _minute(window.start)
                for minute in range(start, start + window.minutes):
                    week[minute % len(week)] = 1
        longest = max((len(run) for run in (bytes(week) * 2).split(b"\0")), default=0)
        fullest = max(sum(week[day * DAY_MINUTES : (day + 1) * DAY_MINUTES]) for day in range(7))
        if max(longest, fullest) > MOST_MINUTES:
            raise TooLong("quiet hours may not be longer than 20 hours a day")


def daily(start: time, end: time) -> QuietHours:
    """The same window every day; equal edges mean none. Raises TooLong."""
    return QuietHours(() if start == end else (Window(start, end),))


def release(now: datetime, zone: str, hours: QuietHours) -> datetime | None:
    """When a message that is due ``now`` may leave: None when at once, else the end of the quiet hours, aware, UTC."""
    tz = _zone(zone)
    moment = now.astimezone(UTC)
    held = False
    # Windows may touch or overlap: go on from each end until no window covers the moment.
    while ends := [end for end in _ends(moment, tz, hours) if end > moment]:
        moment, held = max(ends), True
    return moment if held else None


def spread_seconds(waiting: int) -> int:
    """Over how many seconds the messages that wait for the same instant leave: none for a few, 15 minutes for many."""
    return min(SPREAD_SECONDS, max(0, waiting - UNSPREAD))


def _ends(moment: datetime, tz: ZoneInfo, hours: QuietHours) -> list[datetime]:
    """Ends of the windows that cover the moment."""
    today = moment.astimezone(tz).date()
    found = []
    for window in hours.windows:
        for back in (2, 1, 0):
            day = today - timedelta(days=back)
            if day.weekday() not in window.days:
                continue
            start = _instant(day, window.start, tz, later=False)
            end = _instant(day + timedelta(days=int(window.overnight)), window.end, tz, later=True)
            if start <= moment < end:
                found.append(end)
    return found


def _instant(day: date, wall: time, tz: ZoneInfo, *, later: bool) -> datetime:
    """The instant of a wall time: the first valid one after a gap, in a fold the later or the earlier one."""
    local = datetime.combine(day, wall, tz)
    first = local.replace(fold=0).astimezone(UTC)
    second = local.replace(fold=1).astimezone(UTC)
    if first.astimezone(tz).replace(tzinfo=None) != local.replace(tzinfo=None):
        return _change_between(second, first, tz)
    return second if later else first


def _change_between(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """The second at which the zone's offset changes, bisected."""
    old = before.astimezone(tz).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, tz).utcoffset() == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


@lru_cache(maxsize=700)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
