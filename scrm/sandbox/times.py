"""The business clock's buttons."""

import re
from datetime import datetime, timedelta

from django.utils import timezone

from scrm.lib import clock

MOST = timedelta(days=400)


class BadShift(ValueError):
    pass


def shift(how: str) -> None:
    """``+30m``, ``+2h``, ``+1d``, a wall-clock time ``22:30`` (its next one in the company's zone) or ``real``. Raises BadShift."""
    if how == "real":
        back_to_real()
        return
    step = re.fullmatch(r"\+(\d{1,4})([mhd])", how)
    if step:
        unit = {"m": "minutes", "h": "hours", "d": "days"}[step[2]]
        _set(clock.offset() + timedelta(**{unit: int(step[1])}))
        return
    wall = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", how)
    if not wall:
        raise BadShift("shift must be +30m, +2h, +1d, HH:MM or real")
    now = timezone.localtime(clock.now())
    _set(clock.offset() + (next_time(now, int(wall[1]), int(wall[2])) - now))


def next_time(now: datetime, hour: int, minute: int) -> datetime:
    """The next moment, after ``now`` (aware, local), at which the wall clock shows the time."""
    aim = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return aim if aim > now else aim + timedelta(days=1)


def set_seconds(seconds: float) -> None:
    _set(timedelta(seconds=seconds))


def back_to_real() -> None:
    clock.set_offset(timedelta())


def _set(offset: timedelta) -> None:
    if abs(offset) > MOST:
        raise BadShift(f"the business clock stays within {MOST.days} days of the real one")
    clock.set_offset(offset)
