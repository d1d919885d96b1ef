"""A naive model of business hours: what the wall clock says of one minute."""

from datetime import datetime
from zoneinfo import ZoneInfo

import chinese_calendar

from service_desk import calendar


def naive_open(versions, moment: datetime) -> bool:
    """Straight from the wall clock, no spans."""
    version = versions[0]
    for later in versions[1:]:
        if moment >= later.valid_from:
            version = later
    wall = moment.astimezone(ZoneInfo(version.zone))
    day, minute = wall.date(), wall.hour * 60 + wall.minute
    windows = version.week[day.weekday()]
    known = calendar.published_years()
    if day in version.closed:
        return False
    extra = day in version.opened
    if not extra and version.holidays and day.year in known:
        if day.weekday() < 5 and chinese_calendar.is_holiday(day):
            return False
        if day.weekday() >= 5 and chinese_calendar.is_workday(day):
            extra = True
        if day.weekday() >= 5 and chinese_calendar.get_holiday_detail(day)[1] and not extra:
            return False
    if extra and not windows:
        windows = next((w for w in version.week if w), ())
    return any(start <= minute < end for start, end in windows)
