"""Two clocks. ``now()`` is business time (due times, quiet hours, windows) and may be shifted by demo mode and tests;
``real_now()`` (leases, rate limits, sessions, token ages, audit) never is. SQL takes business time as a parameter."""

import json
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings

_seen: tuple[float, timedelta] = (-1.0, timedelta())
_override: datetime | None = None
_RECHECK_SECONDS = 0.1


def real_now() -> datetime:
    return datetime.now(UTC)


def now() -> datetime:
    """Business time, aware, UTC."""
    if _override is not None:
        return _override
    return real_now() + offset()


def offset() -> timedelta:
    """How far business time is ahead of real time: the CLOCK_FILE's shift in demo mode, zero otherwise."""
    global _seen
    if settings.CLOCK_FILE is None:
        return timedelta()
    checked, shift = _seen
    if time.monotonic() - checked > _RECHECK_SECONDS:
        try:
            shift = timedelta(seconds=float(json.loads(settings.CLOCK_FILE.read_text())["offset_seconds"]))
        except (OSError, ValueError, KeyError, TypeError):
            shift = timedelta()
        _seen = (time.monotonic(), shift)
    return shift


def set_offset(shift: timedelta) -> None:
    """Shift business time for every process that shares DATA_DIR (demo mode only). Written atomically."""
    global _seen
    if settings.CLOCK_FILE is None:
        raise RuntimeError("The business clock is shifted in demo mode only.")
    draft = settings.CLOCK_FILE.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"offset_seconds": shift.total_seconds()}))
    os.replace(draft, settings.CLOCK_FILE)
    _seen = (-1.0, timedelta())


@contextmanager
def frozen(moment: datetime):
    """Tests: business time stands at ``moment`` (aware) inside the block, in this process."""
    global _override
    before, _override = _override, moment
    try:
        yield
    finally:
        _override = before
