"""Heavy reports: a page asks, a pump computes, the page shows the last result with its age and is told when a new one is there.

Postgres holds the wish and the result; a killed worker's report is computed by another one after the lease.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils.module_loading import import_string

from analytics.models import Report
from scrm.core import live
from scrm.lib import clock, hints

log = logging.getLogger(__name__)

FRESH_FOR = timedelta(minutes=10)
LEASE = timedelta(minutes=5)
KINDS = {
    "funnel": "analytics.funnel.compute",
    "cohorts": "analytics.cohorts.compute",
    "service": "analytics.service.compute",
}
"""Name -> ``compute(**params)``, which answers something that JSON can hold."""


def get(name: str, *, again: bool = False, **params: Any) -> Report:
    """The report as it stands; a missing or old one is asked for (``again``: in any case). Params must be JSON values."""
    key = f"{name}:{orjson.dumps(params, option=orjson.OPT_SORT_KEYS).decode()}"[:64]
    report, _made = Report.objects.get_or_create(key=key, defaults={"name": name, "params": params})
    now = clock.real_now()
    if report.wanted_at is None and (again or report.computed_at is None or report.computed_at < now - FRESH_FOR):
        Report.objects.filter(pk=report.pk, wanted_at=None).update(wanted_at=now)
        report.wanted_at = now
        hints.poke_on_commit("reports")
    return report


def run() -> bool:
    """One report; True when there may be more."""
    now = clock.real_now()
    with transaction.atomic():
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        wanted = Report.objects.select_for_update(skip_locked=True).filter(free, wanted_at__isnull=False)
        report = wanted.order_by("wanted_at").first()
        if report is None:
            return False
        report.leased_until = now + LEASE
        report.save(update_fields=["leased_until"])
    _compute(report)
    return True


def lag() -> dict[str, float]:
    wanted = Report.objects.filter(wanted_at__isnull=False).order_by("wanted_at")
    oldest = wanted.values_list("wanted_at", flat=True).first()
    return {
        "waiting": wanted.count(),
        "oldest_seconds": (clock.real_now() - oldest).total_seconds() if oldest else 0,
    }


def _compute(report: Report) -> None:
    compute: Callable[..., Any] = import_string(KINDS[report.name])
    started = time.monotonic()
    values: dict[str, Any] = {"error": ""}
    try:
        with transaction.atomic():
            values["data"] = compute(**report.params)
    except (DatabaseError, ValueError, TypeError) as error:
        log.exception("report %s", report.key)
        values = {"error": f"{type(error).__name__}: {error}"[:200]}
    values |= {"seconds": time.monotonic() - started, "computed_at": clock.real_now()}
    Report.objects.filter(pk=report.pk).update(wanted_at=None, leased_until=None, **values)
    live.touch_on_commit("report", report.pk)
