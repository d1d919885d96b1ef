"""The door into contacts: doors and rooms hand in events, intake finds whose they are and stores them.

``append`` for what comes from outside, ``append_own`` for what our own side did. Both are set-based: a chunk of up to 5,000
events costs a constant number of statements.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import OperationalError, transaction

from contacts.identity.people import Raced, resolve
from contacts.log import Appended, Handle, Incoming, Placed, append_own, write
from contacts.log.partitions import ensure, month_of
from contacts.log.writing import plausible
from scrm.lib import clock

__all__ = ["Appended", "Handle", "Incoming", "append", "append_own", "uncollected"]

CHUNK = 5000
_ATTEMPTS = 6
_AGAIN = {"40P01", "40001"}
"""Deadlock, serialisation failure: nothing is stored, the chunk may simply be tried again."""


def append(batch: Sequence[Incoming]) -> list[Appended]:
    """Store events from outside; answers in the order of the batch.

    Called outside of a transaction it commits per chunk, people first and then events (so that two workers never wait for
    each other's new people while they hold the log); a crash in between leaves people without that event, and the redelivery
    completes it. Inside a transaction everything is part of it, and the order lock is held until its end.
    """
    answers: list[Appended] = []
    for start in range(0, len(batch), CHUNK):
        with uncollected():
            answers += _chunk(batch[start : start + CHUNK])
    return answers


@contextmanager
def uncollected() -> Iterator[None]:
    """A batch makes tens of thousands of objects and no cycles; looking for cycles meanwhile costs a fifth of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _chunk(batch: Sequence[Incoming]) -> list[Appended]:
    alone = not transaction.get_connection().in_atomic_block
    settled = _again(lambda: _people(batch), alone)
    placed = [item for item in settled if item.contact_id is not None]
    written = iter(_again(lambda: _events(placed), alone))
    answers = []
    for whose in settled:
        if whose.contact_id is None:
            answers.append(Appended(None, None))
        else:
            answer = next(written)
            answer.created = whose.created
            answers.append(answer)
    return answers


def _people(batch: Sequence[Incoming]) -> list[Placed]:
    with transaction.atomic():
        now = clock.now()
        ensure({month_of(plausible(event.occurred_at, now)) for event in batch})
        return resolve(batch)


def _events(placed: Sequence[Placed]) -> list[Appended]:
    with transaction.atomic():
        return write(placed)


def _again(step, alone: bool):
    """Run a step of its own transaction again when it lost a race. Inside the caller's transaction a deadlock is the caller's."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return step()
        except Raced:
            if attempt == _ATTEMPTS:
                raise
        except OperationalError as error:
            code = getattr(error.__cause__, "pgcode", None)
            if not alone or code not in _AGAIN or attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")
