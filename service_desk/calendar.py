"""Business hours: when the desk works, as a sequence of versions that each hold from a moment on.

Pure: no database. What an hour of the past counted for never changes when the hours are edited, because the version in force
then still stands. Days follow the wall clock of the version's zone: in a spring gap the hours that do not exist are not
worked, in an autumn fold those that come twice are worked twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chinese_calendar.constants import holidays as _holidays
from chinese_calendar.constants import workdays as _workdays

DAY_MINUTES = 1440
FARTHEST_DAYS = 800
"""A due moment farther off than this is none: such hours are as good as never open."""
_YEARS = range(min(_holidays).year, max(_holidays).year + 1)

Window = tuple[int, int]
"""From and to in minutes of the day; to may be 1440."""
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Hours:
    """One version. ``week`` holds the windows of Monday to Sunday. ``holidays``: keep the public holidays and the swapped
    working days of mainland China. A day in ``closed`` or ``opened`` is decided by that alone."""

    valid_from: datetime
    zone: str
    week: tuple[tuple[Window, ...], ...]
    holidays: bool = True
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()

    def windows(self, day: date) -> tuple[Window, ...]:
        own = self.week[day.weekday()]
        if day in self.closed:
            return ()
        if day in self.opened or (self.holidays and day in _workdays):
            return own or next((windows for windows in self.week if windows), ())
        return () if self.holidays and day in _holidays else own


Calendar = tuple[Hours, ...]
"""Versions in the order of ``valid_from``, at least one; the first also holds for all time before it."""

ALWAYS: Calendar = (Hours(datetime(1970, 1, 1, tzinfo=UTC), "UTC", (((0, DAY_MINUTES),),) * 7, holidays=False),)


def published_years() -> range:
    """Years whose holidays the library knows. In others a day is a working day if its weekday is."""
    return _YEARS


def business_seconds(calendar: Calendar, since: datetime, until: datetime) -> float:
    """Working seconds between two moments; 0 when ``until`` is not after ``since``."""
    return sum(end - start for start, end in open_spans(calendar, since.timestamp(), until.timestamp()))


def after(calendar: Calendar, since: datetime, seconds: float) -> datetime | None:
    """The moment at which ``seconds`` working seconds have passed; None when that never happens."""
    if seconds <= 0:
        return since
    left = seconds
    start = since.timestamp()
    for begin, end in open_spans(calendar, start, start + FARTHEST_DAYS * 86400):
        if end - begin >= left:
            return datetime.fromtimestamp(begin + left, UTC)
        left -= end - begin
    return None


def is_open(calendar: Calendar, moment: datetime) -> bool:
    at = moment.timestamp()
    return any(True for _span in open_spans(calendar, at, at + 0.001))


def open_spans(calendar: Calendar, since: float, until: float) -> Iterator[tuple[float, float]]:
    """The worked parts of [since, until) in order, as POSIX seconds."""
    for n, hours in enumerate(calendar):
        start = since if n == 0 else max(since, hours.valid_from.timestamp())
        end = until if n + 1 == len(calendar) else min(until, calendar[n + 1].valid_from.timestamp())
        if start >= end:
            continue
        zone = ZoneInfo(hours.zone)
        day = datetime.fromtimestamp(start, zone).date()
        last = datetime.fromtimestamp(end, zone).date()
        while day <= last:
            for begin, finish in day_spans(hours, day):
                if finish > start and begin < end:
                    yield max(begin, start), min(finish, end)
            day += timedelta(days=1)


@lru_cache(maxsize=20_000)
def day_spans(hours: Hours, day: date) -> Spans:
    """The windows of a local day as POSIX spans, in order."""
    windows = hours.windows(day)
    if not windows:
        return ()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    found = []
    for begin, end, offset in _offsets(hours.zone, day):
        for start, finish in windows:
            low = max(begin, midnight + start * 60 - offset)
            high = min(end, midnight + finish * 60 - offset)
            if low < high:
                found.append((low, high))
    return tuple(sorted(found))


@lru_cache(maxsize=5_000)
def _offsets(zone_name: str, day: date) -> tuple[tuple[float, float, float], ...]:
    """The stretches of a local day with one offset each: begin, end (POSIX), offset in seconds. Two when the clocks change."""
    zone = ZoneInfo(zone_name)

    def offset(at: float) -> float:
        moved = datetime.fromtimestamp(at, zone).utcoffset()
        assert moved is not None
        return moved.total_seconds()

    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    # The widest the day can be in any zone; what lies outside it is cut off by the windows of the day itself.
    low, high = midnight - 15 * 3600, midnight + 39 * 3600
    stretches, begin = [], low
    step = 3600.0
    at = low
    while at < high:
        if offset(at) != offset(at + step):
            left, right = at, at + step
            while right - left > 1:
                middle = (left + right) // 2
                left, right = (middle, right) if offset(middle) == offset(left) else (left, middle)
            stretches.append((begin, right, offset(begin)))
            begin = right
        at += step
    stretches.append((begin, high, offset(begin)))
    return tuple(stretches)
