"""The only Celery tasks. Their arguments are names, never work: see scrm.core.pumps."""

import logging

from celery import shared_task
from django.conf import settings
from django.db import transaction

from scrm.celery import app
from scrm.core import pumps
from scrm.core.models.runtime import Canary
from scrm.lib import clock, hints

log = logging.getLogger(__name__)


@shared_task(name="scrm.core.tasks.pump")
def pump(name: str) -> None:
    """Run a pump until it is dry or its time is over; then ask for another turn behind whatever waits in the queue."""
    hints.taken(name)
    found = pumps.pumps().get(name)
    if found is None:
        log.warning("hint for a pump that does not exist: %s", name)
        return
    try:
        more = pumps.run_for_a_while(found, settings.PUMP_SECONDS)
    except Exception:
        # Not raised: the rows are untouched or rolled back, and beat's next sweep tries again.
        log.exception("pump %s failed", name)
        return
    if more:
        hints.poke(name)


@shared_task(name="scrm.core.tasks.canary")
def canary() -> None:
    """Send one small message through every queue and note when it left (real time)."""
    now = clock.real_now()
    with transaction.atomic():
        for queue in settings.QUEUES:
            Canary.objects.update_or_create(queue=queue, defaults={"sent_at": now})
    seconds = pumps.CANARY_SECONDS
    for queue in settings.QUEUES:
        app.send_task("scrm.core.tasks.canary_back", args=[queue], queue=queue, retry=False, expires=seconds)


@shared_task(name="scrm.core.tasks.canary_back")
def canary_back(queue: str) -> None:
    """A worker serves this queue: note how long the message took."""
    row = Canary.objects.get(queue=queue)
    row.returned_at = clock.real_now()
    row.round_trip_ms = max(0, round((row.returned_at - row.sent_at).total_seconds() * 1000))
    row.save(update_fields=["returned_at", "round_trip_ms"])
