"""Pumps: every piece of background work, as a function that does one bounded batch and says whether there is more.

The work itself is rows in Postgres. A Celery message only says "pump X may have work" (scrm.lib.hints); beat says so
every ``every`` seconds as well, so a lost message delays work and never loses it.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.db import Error
from django.db.models import F
from django.utils.module_loading import import_string
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from scrm.core.models.runtime import PumpRun
from scrm.lib import clock, hints

log = logging.getLogger(__name__)

CANARY_SECONDS = 15
_ROUNDS_BEFORE_GIVING_UP = 100_000
_NOTE_EVERY_SECONDS = 10.0
_noted: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Pump:
    """``run()`` does one bounded batch in its own transaction(s) and returns True if there is more; two workers may run
    it at the same time. ``every`` is the sweep in seconds. ``lag()`` answers {"waiting": rows, "oldest_seconds": x}."""

    name: str
    queue: str
    run: Callable[[], bool]
    every: int
    lag: Callable[[], dict]


@lru_cache(maxsize=1)
def pumps() -> dict[str, Pump]:
    """Every pump of settings.PUMPS by name, in that order."""
    found: dict[str, Pump] = {}
    for path in settings.PUMPS:
        pump = import_string(path)
        if pump.queue not in settings.QUEUES:
            raise ValueError(f"{path}: queue {pump.queue!r} is not one of settings.QUEUES.")
        if pump.name in found:
            raise ValueError(f"{path}: a pump named {pump.name!r} exists already.")
        found[pump.name] = pump
    return found


def route(name: str, args=None, kwargs=None, options=None, task=None, **kw) -> dict[str, str] | None:
    """Celery's router (settings.CELERY_TASK_ROUTES): a hint goes to its pump's queue."""
    if name == "scrm.core.tasks.pump" and args:
        return {"queue": pumps()[args[0]].queue}
    return None


def run_for_a_while(pump: Pump, seconds: float) -> bool:
    """Batches until there is no more work or the time is over; True if work is left. Failures are noted and raised."""
    started_at, deadline = clock.real_now(), time.monotonic() + seconds
    try:
        more = pump.run()
        while more and time.monotonic() < deadline:
            more = pump.run()
    except Exception as error:
        _note(pump, started_at, f"{type(error).__name__}: {error}")
        raise
    _note(pump, started_at, "")
    return more


def drain() -> int:
    """All pumps in turn until none has work; the number of batches that did some. For tests and one-off commands."""
    batches = 0
    for _round in range(_ROUNDS_BEFORE_GIVING_UP):
        worked = [pump.name for pump in pumps().values() if pump.run()]
        if not worked:
            return batches
        batches += len(worked)
    raise RuntimeError(f"Pumps that never come to an end: {', '.join(worked)}")


def poke_all() -> None:
    for name in pumps():
        hints.poke(name)


def sync_schedule() -> int:
    """Make beat's rows equal to the pumps: one sweep each, plus the canary. Returns the number of changed rows.

    A sweep's message expires after one period, so an absent worker finds at most one per pump when it comes back.
    """
    wanted = {f"pump {pump.name}": ("scrm.core.tasks.pump", [pump.name], pump.every) for pump in pumps().values()}
    wanted["canary"] = ("scrm.core.tasks.canary", [], CANARY_SECONDS)
    changed = 0
    for name, (task, args, every) in wanted.items():
        interval = IntervalSchedule.objects.filter(every=every, period=IntervalSchedule.SECONDS).first()
        interval = interval or IntervalSchedule.objects.create(every=every, period=IntervalSchedule.SECONDS)
        row = PeriodicTask.objects.filter(name=name).first() or PeriodicTask(name=name)
        values = {
            "task": task,
            "args": json.dumps(args),
            "interval": interval,
            "expire_seconds": every,
            "enabled": True,
        }
        if row.pk is None or any(getattr(row, field) != value for field, value in values.items()):
            for field, value in values.items():
                setattr(row, field, value)
            row.save()
            changed += 1
    for stale in PeriodicTask.objects.filter(task__startswith="scrm.").exclude(name__in=wanted):
        stale.delete()
        changed += 1
    return changed


def lags() -> dict[str, dict]:
    """Lag of every pump with its last run, for the health page; a pump whose lag cannot be told says why."""
    runs = {run.name: run for run in PumpRun.objects.all()}
    found = {}
    for pump in pumps().values():
        try:
            lag = dict(pump.lag())
        except Error as error:
            lag = {"waiting": None, "oldest_seconds": None, "error": type(error).__name__}
        run = runs.get(pump.name)
        lag["last_run"] = run.finished_at.isoformat() if run and run.finished_at else None
        if run and run.error:
            # Only its kind: the message may carry a customer's data, and health is open to monitoring.
            lag |= {"error": run.error.partition(":")[0], "failures": run.failures}
        found[pump.name] = lag
    return found


def _note(pump: Pump, started_at, error: str) -> None:
    """Keep the last run. An idle pump writes at most every ten seconds; a database that is down is not told."""
    if not error and time.monotonic() - _noted.get(pump.name, -_NOTE_EVERY_SECONDS) < _NOTE_EVERY_SECONDS:
        return
    values = {"started_at": started_at, "error": error[:2000]}
    try:
        if error:
            failed = PumpRun.objects.filter(name=pump.name).update(**values, failures=F("failures") + 1)
            if not failed:
                PumpRun.objects.bulk_create([PumpRun(name=pump.name, failures=1, **values)], ignore_conflicts=True)
            _noted.pop(pump.name, None)
        else:
            values |= {"finished_at": clock.real_now(), "failures": 0}
            PumpRun.objects.update_or_create(name=pump.name, defaults=values)
            _noted[pump.name] = time.monotonic()
    except Error as trouble:
        log.warning("run of %s not noted: %s", pump.name, trouble)
