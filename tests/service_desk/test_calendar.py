"""Business hours against a model that asks the wall clock minute by minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from clockwork import naive_open
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service_desk import calendar
from service_desk.calendar import ALWAYS, Hours

NINE_TO_SIX = ((540, 720), (780, 1080))
WEEK = (NINE_TO_SIX,) * 5 + ((), ())
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def hours(week=WEEK, zone="Asia/Shanghai", valid_from=LONG_AGO, **more) -> Hours:
    return Hours(valid_from, zone, week, **more)


def local(*parts, zone=SHANGHAI) -> datetime:
    return datetime(*parts, tzinfo=zone)


def test_lunch_and_weekend_do_not_count():
    friday, monday = local(2026, 6, 26, 17, 0), local(2026, 6, 29, 14, 0)
    assert calendar.business_seconds((hours(),), friday, monday) == (1 + 3 + 1) * 3600
    assert calendar.after((hours(),), friday, 5 * 3600) == monday
    assert calendar.after((hours(),), local(2026, 6, 29, 12, 30), 60) == local(2026, 6, 29, 13, 1)


def test_public_holidays_and_swapped_working_days():
    assert hours().windows(date(2026, 10, 1)) == ()
    assert hours().windows(date(2026, 10, 10)) == NINE_TO_SIX, "a Saturday that is worked for the holiday"
    assert hours(holidays=False).windows(date(2026, 10, 10)) == ()
    assert calendar.after((hours(),), local(2026, 9, 30, 17, 30), 3600) == local(2026, 10, 8, 9, 30)


def test_a_year_not_published_yet_goes_by_weekdays():
    unknown = calendar.published_years().stop
    new_year = date(unknown, 1, 1)
    expected = NINE_TO_SIX if new_year.weekday() < 5 else ()
    assert hours().windows(new_year) == expected


def test_own_days_decide_over_everything():
    version = hours(closed=frozenset({date(2026, 10, 10)}), opened=frozenset({date(2026, 10, 1)}))
    assert version.windows(date(2026, 10, 10)) == ()
    assert version.windows(date(2026, 10, 1)) == NINE_TO_SIX


def test_new_hours_leave_the_past_alone():
    change = local(2026, 6, 30, 0, 0)
    later = hours((((600, 660),),) * 7, valid_from=change)
    before = calendar.business_seconds((hours(),), local(2026, 6, 29, 9), change)
    assert calendar.business_seconds((hours(), later), local(2026, 6, 29, 9), change) == before == 8 * 3600
    assert calendar.after((hours(), later), local(2026, 6, 29, 17, 30), 3600) == local(2026, 6, 30, 10, 30)


@pytest.mark.parametrize(
    "day, worked",
    [(date(2026, 3, 8), 3 * 3600), (date(2026, 11, 1), 5 * 3600), (date(2026, 6, 7), 4 * 3600)],
    ids=["gap", "fold", "plain"],
)
def test_clock_changes(day, worked):
    """00:00-04:00 in New York: an hour less in the gap, an hour more in the fold."""
    version = hours((((0, 240),),) * 7, zone="America/New_York", holidays=False)
    assert sum(end - start for start, end in calendar.day_spans(version, day)) == worked


def test_never_open_is_never_due():
    assert calendar.after((hours(((),) * 7),), LONG_AGO, 60) is None
    assert calendar.business_seconds((hours(((),) * 7),), LONG_AGO, LONG_AGO + timedelta(days=9)) == 0
    assert calendar.after(ALWAYS, LONG_AGO, 60) == LONG_AGO + timedelta(minutes=1)


WINDOWS = st.lists(st.integers(0, 96), min_size=0, max_size=6, unique=True).map(
    lambda cuts: tuple((a * 15, b * 15) for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False))
)
ANCHORS = [(2026, 3, 7), (2026, 10, 31), (2026, 9, 29), (2026, 2, 13), (2026, 12, 30), (2026, 10, 3)]
ZONES = ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Europe/London"]


@st.composite
def versions(draw):
    anchor = datetime(*draw(st.sampled_from(ANCHORS)), tzinfo=UTC)
    found = []
    for n in range(draw(st.integers(1, 2))):
        week = tuple(draw(st.lists(WINDOWS, min_size=7, max_size=7)))
        valid_from = anchor + timedelta(minutes=draw(st.integers(0, 4000))) if n else LONG_AGO
        found.append(Hours(valid_from, draw(st.sampled_from(ZONES)), week, draw(st.booleans())))
    return anchor, tuple(found)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(versions(), st.integers(0, 1500), st.integers(0, 4000), st.integers(1, 3000))
def test_equals_the_wall_clock_minute_by_minute(drawn, start, length, wanted):
    anchor, found = drawn
    since = anchor + timedelta(minutes=start)
    flags = [naive_open(found, since + timedelta(minutes=n)) for n in range(length)]
    assert calendar.business_seconds(found, since, since + timedelta(minutes=length)) == sum(flags) * 60
    worked = 0
    for n, flag in enumerate(flags):
        worked += flag
        if worked == wanted:
            assert calendar.after(found, since, wanted * 60) == since + timedelta(minutes=n + 1)
            break
