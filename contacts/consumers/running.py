"""Running consumers: a batch of events, its effects and the move of the cursor are one transaction.

Two workers never run one consumer at the same time: the cursor's row is the lock, and who does not get it goes on with the
next consumer.
"""

import logging
from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.module_loading import import_string

from contacts.consumers.reading import EventRow, by_ids, last_id, since, waiting_after
from contacts.models import ConsumerCursor, PoisonEvent
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock

log = logging.getLogger(__name__)

BATCH = 2000
_MOST_POISON = 20
"""More bad events than this in one batch: the consumer is broken, not the events. It stops, nothing is set aside."""


class TooManyPoison(Exception):
    """The consumer fails on event after event; its cursor stays where it is."""


def run_all() -> bool:
    """One batch for each consumer; True if any has more. A failing consumer does not hold up the others; the first error is
    raised at the end, for the pump's record."""
    more, trouble = False, None
    for name in settings.EVENT_CONSUMERS:
        try:
            more = run(name) or more
        except Exception as error:
            log.exception("consumer %s stopped", name)
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return more


def run(name: str) -> bool:
    """One batch of one consumer; True if there is more. False too when another worker is at it."""
    consume = import_string(name)
    with transaction.atomic():
        cursor = _take(name)
        if cursor is None or cursor.position >= last_id():
            return False
        events = since(cursor.position, BATCH)
        if not events:
            return False
        _digest(name, consume, events)
        _move(cursor, events[-1].id)
    return events[-1].id < last_id()


def replay(poison: PoisonEvent, by: User | None = None) -> bool:
    """Give an event that was set aside to its consumer again; True when it went through. Audited."""
    consume = import_string(poison.consumer)
    try:
        with transaction.atomic():
            poison = PoisonEvent.objects.select_for_update().get(pk=poison.pk)
            if poison.replayed_at is not None:
                return True
            consume(by_ids([poison.event_id]))
            poison.replayed_at = clock.real_now()
            poison.save(update_fields=["replayed_at"])
            audit.record(by, "event.replayed", None, consumer=poison.consumer, event=poison.event_id)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        PoisonEvent.objects.filter(pk=poison.pk).update(error=_told(error), set_aside_at=clock.real_now())
        return False
    return True


def rewind(name: str, position: int = 0, by: User | None = None) -> None:
    """Let a consumer read again from after ``position``. From 0 its module's ``reset()`` is called first, if it has one, to
    empty what it builds. Waits for a running batch. Audited. Raises ValueError for an unknown consumer."""
    if name not in settings.EVENT_CONSUMERS:
        raise ValueError(f"No consumer {name!r}.")
    with transaction.atomic():
        _make(name)
        cursor = ConsumerCursor.objects.select_for_update().get(pk=name)
        reset = getattr(import_module(name.rpartition(".")[0]), "reset", None)
        if position == 0 and reset is not None:
            reset()
        PoisonEvent.objects.filter(consumer=name, event_id__gt=position).delete()
        _move(cursor, position)
        audit.record(by, "consumer.rewound", None, consumer=name, position=position)


def lag() -> dict:
    """Of the consumer furthest behind (see ``waiting_after``)."""
    newest = last_id()
    held = dict(ConsumerCursor.objects.values_list("name", "position"))
    return waiting_after(min((held.get(name, 0) for name in settings.EVENT_CONSUMERS), default=newest))


def _take(name: str) -> ConsumerCursor | None:
    rows = ConsumerCursor.objects.select_for_update(skip_locked=True)
    cursor = rows.filter(pk=name).first()
    if cursor is None and not ConsumerCursor.objects.filter(pk=name).exists():
        _make(name)
        cursor = rows.filter(pk=name).first()
    return cursor


def _make(name: str) -> None:
    ConsumerCursor.objects.bulk_create([ConsumerCursor(name=name)], ignore_conflicts=True)


def _move(cursor: ConsumerCursor, position: int) -> None:
    cursor.position, cursor.moved_at = position, clock.real_now()
    cursor.save(update_fields=["position", "moved_at"])


def _digest(name: str, consume: Callable[[list[EventRow]], None], events: list[EventRow]) -> None:
    """Consume; on an error halve the batch until the bad events stand alone, and set those aside."""
    poison: list[PoisonEvent] = []

    def attempt(part: list[EventRow]) -> None:
        try:
            with transaction.atomic():
                consume(part)
        except (OperationalError, InterfaceError):
            raise  # a deadlock, a dead connection: says nothing about the events, the batch comes again
        except Exception as error:
            if len(part) > 1:
                attempt(part[: len(part) // 2])
                attempt(part[len(part) // 2 :])
                return
            log.warning("consumer %s set aside event %s", name, part[0].id, exc_info=True)
            poison.append(
                PoisonEvent(
                    consumer=name,
                    event_id=part[0].id,
                    occurred_at=part[0].occurred_at,
                    error=_told(error),
                    set_aside_at=clock.real_now(),
                )
            )
            if len(poison) > _MOST_POISON:
                raise TooManyPoison(
                    f"{name}: more than {_MOST_POISON} bad events in one batch; last: {error}"
                ) from error

    attempt(events)
    PoisonEvent.objects.bulk_create(poison, ignore_conflicts=True)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2000]
