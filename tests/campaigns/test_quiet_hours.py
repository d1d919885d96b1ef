"""Quiet hours over all zones and every kind of clock change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.sending.quiet_hours import QuietHours, TooLong, Window, daily, release, spread_seconds

NIGHT = daily(time(22), time(8))
ZONES = sorted(available_timezones())
moments = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)).map(lambda m: m.replace(tzinfo=UTC, microsecond=0))
walls = st.times().map(lambda t: t.replace(second=0, microsecond=0))


def at(zone: str, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold)


def quiet_at(moment: datetime, zone: str, start: time, end: time) -> bool:
    wall = moment.astimezone(ZoneInfo(zone)).time()
    return start <= wall < end if start < end else wall >= start or wall < end


def test_overnight_is_held_until_the_morning():
    assert release(at("Asia/Shanghai", 2025, 11, 20, 22, 30), "Asia/Shanghai", NIGHT) == at(
        "Asia/Shanghai", 2025, 11, 21, 8
    )
    assert release(at("Asia/Shanghai", 2025, 11, 20, 3), "Asia/Shanghai", NIGHT) == at("Asia/Shanghai", 2025, 11, 20, 8)


@pytest.mark.parametrize("hour,quiet", [(21, False), (22, True), (7, True), (8, False), (12, False)])
def test_edges(hour, quiet):
    assert (release(at("Asia/Shanghai", 2025, 11, 20, hour), "Asia/Shanghai", NIGHT) is not None) is quiet


def test_the_zone_of_the_person_counts():
    moment = at("Asia/Shanghai", 2025, 11, 20, 23)
    assert release(moment, "Europe/Berlin", NIGHT) is None
    assert release(moment, "Asia/Tokyo", NIGHT) == at("Asia/Tokyo", 2025, 11, 21, 8)


def test_an_end_in_the_gap_is_the_first_valid_instant():
    hours = daily(time(22), time(2, 30))
    assert release(at("Europe/Berlin", 2025, 3, 30, 1), "Europe/Berlin", hours) == at("Europe/Berlin", 2025, 3, 30, 3)


def test_an_end_in_the_fold_is_the_later_one():
    hours = daily(time(22), time(2, 30))
    until = release(at("Europe/Berlin", 2025, 10, 26, 2, 40, fold=0), "Europe/Berlin", hours)
    assert until == at("Europe/Berlin", 2025, 10, 26, 2, 30, fold=1).astimezone(UTC)


def test_a_zone_that_skips_a_day():
    assert release(at("Pacific/Apia", 2011, 12, 29, 23), "Pacific/Apia", NIGHT) == at("Pacific/Apia", 2011, 12, 31, 8)


def test_weekdays_and_touching_windows():
    weekend = QuietHours((Window(time(20), time(0), frozenset({5})), Window(time(0), time(10), frozenset({6}))))
    assert release(at("Asia/Shanghai", 2025, 11, 22, 21), "Asia/Shanghai", weekend) == at(
        "Asia/Shanghai", 2025, 11, 23, 10
    )
    assert release(at("Asia/Shanghai", 2025, 11, 21, 21), "Asia/Shanghai", weekend) is None


def test_equal_edges_mean_no_quiet_hours():
    assert release(at("Asia/Shanghai", 2025, 11, 20, 3), "Asia/Shanghai", daily(time(8), time(8))) is None


@pytest.mark.parametrize(
    "windows",
    [
        (Window(time(3), time(0)),),
        (Window(time(2), time(0), frozenset({0})), Window(time(0), time(20), frozenset({1}))),
        (Window(time(0), time(11), frozenset({2})), Window(time(12), time(22), frozenset({2}))),
    ],
)
def test_more_than_twenty_hours_are_refused(windows):
    with pytest.raises(TooLong):
        QuietHours(windows)


@settings(max_examples=1500, deadline=None)
@given(moments, st.sampled_from(ZONES), walls, walls)
@example(datetime(2025, 3, 30, 0, 59, tzinfo=UTC), "Europe/Berlin", time(22), time(2, 30))
@example(datetime(2011, 12, 30, 9, 0, tzinfo=UTC), "Pacific/Apia", time(22), time(8))
def test_a_hold_is_in_the_future_ends_outside_the_window_and_soon(moment, zone, start, end):
    try:
        hours = daily(start, end)
    except TooLong:
        return
    until = release(moment, zone, hours)
    if until is None:
        if start != end:
            # Inside by the wall clock but free happens only right around a clock change.
            local = moment.astimezone(ZoneInfo(zone))
            shifts = {(local + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in (-26, 0, 26)}
            near = {(moment + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-26, 27)}
            assert not quiet_at(moment, zone, start, end) or len(shifts | near) > 1
        return
    assert until > moment
    assert until - moment <= timedelta(hours=24)
    assert release(until, zone, hours) is None
    near = {(until + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-26, 27)}
    assert len(near) > 1 or not quiet_at(until, zone, start, end)


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Sao_Paulo"]
)
def test_every_quarter_hour_around_clock_changes(zone):
    """Scanning a year: whoever waits is released at the morning's edge or at the first valid instant after it."""
    moment, tz = datetime(2018, 1, 1, tzinfo=UTC), ZoneInfo(zone)
    while moment < datetime(2019, 1, 1, tzinfo=UTC):
        before, after = moment.astimezone(tz).utcoffset(), (moment + timedelta(hours=12)).astimezone(tz).utcoffset()
        if before != after:
            for minutes in range(0, 24 * 60, 15):
                probe = moment + timedelta(minutes=minutes)
                until = release(probe, zone, NIGHT)
                assert (until is not None) == quiet_at(probe, zone, time(22), time(8))
                assert until is None or until.astimezone(tz).time() == time(8)
        moment += timedelta(hours=12)


def test_few_leave_together_and_many_are_spread():
    assert spread_seconds(1) == 0
    assert spread_seconds(30) == 0
    assert spread_seconds(100) == 70
    assert spread_seconds(1_000_000) == 900
