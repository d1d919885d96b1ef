"""Moving people: claim those whose time has come, walk them, write. Every function here is one bounded transaction, and
any number of workers may run it at the same time."""

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection, transaction

from campaigns import sending
from contacts import intake
from contacts.enums import EventKind
from journeys.enums import EnrolmentState, JourneyState, Reason
from journeys.steps import KINDS
from journeys.steps.send import message_key
from journeys.walk import COLUMNS, Person, Walk, add_counts, exit_events
from scrm.lib import clock

log = logging.getLogger(__name__)

BATCH = 2000
DEADLOCK = "40P01"
_ATTEMPTS = 4
OPEN_SQL = "state IN ('active', 'waiting')"

# One probe of the due index per live journey: paused ones cost nothing. In random order, so that a journey with a long
# queue does not keep the others waiting.
CLAIM = f"""
    SELECT e.* FROM (SELECT id FROM journeys_journey WHERE state = %(state)s ORDER BY random()) j CROSS JOIN LATERAL (
        SELECT {COLUMNS} FROM journeys_enrolment
        WHERE journey_id = j.id AND {OPEN_SQL} AND due_at IS NOT NULL AND due_at <= %(now)s
        ORDER BY due_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
    ) e
    LIMIT %(limit)s
"""


def claim(now: datetime, limit: int = BATCH) -> list[Person]:
    """Lock and read people of live journeys whose time has come. The locks last until the transaction ends; whoever dies
    with them leaves everything as it was."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "limit": limit, "state": JourneyState.LIVE.value})
        return [Person(*row) for row in cursor.fetchall()]


def advance(limit: int = BATCH) -> int:
    """One batch; answers how many people were moved. A batch that the ledger refuses as a whole is walked again with care,
    so that only the culprits stay behind."""
    try:
        return _again_after_deadlock(limit)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a batch of people could not be moved; going through it group by group")
        return _advance(limit, careful=True)


def _again_after_deadlock(limit: int) -> int:
    """Coupons and messages lock rows of other rooms; when two workers meet there, the loser simply walks again."""
    for _attempt in range(_ATTEMPTS - 1):
        try:
            return _advance(limit, careful=False)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) != DEADLOCK:
                raise
    return _advance(limit, careful=False)


def _advance(limit: int, careful: bool) -> int:
    now = clock.now()
    with _no_garbage(), transaction.atomic():
        people = claim(now, limit)
        if not people:
            return 0
        walk = Walk(now, careful=careful)
        walk.carry(people, KINDS.__getitem__)
        walk.write()
    return len(people)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """A batch makes tens of thousands of objects and no cycles: letting the collector look through them again and again
    cost a tenth of the speed."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def close_ended(limit: int = BATCH) -> int:
    """Take people out of journeys that were ended, a batch at a time."""
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.id FROM journeys_journey j CROSS JOIN LATERAL (SELECT id FROM journeys_enrolment"
            f" WHERE journey_id = j.id AND {OPEN_SQL} ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED) e"
            " WHERE j.state = %s LIMIT %s",
            [limit, JourneyState.ENDED.value, limit],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
        return take_out(ids, Reason.ENDED, now) if ids else 0


def take_out(ids: list[int], reason: Reason, now: datetime, *, converted: bool = False) -> int:
    """End the open ones among these runs at once, also in a wait. The caller holds their row locks, or accepts to wait for
    them in id order; inside its transaction, as the last thing it does (the log's order lock is taken here)."""
    with connection.cursor() as cursor:
        events = take_out_quietly(cursor, ids, reason, now, converted=converted)
    if events:
        intake.append_own(events)
    return sum(event.kind == EventKind.JOURNEY_EXITED for event in events)


def take_out_quietly(
    cursor, ids: list[int], reason: Reason, now: datetime, *, converted: bool = False
) -> list[intake.Incoming]:
    """As ``take_out``, but the caller appends the events that are answered. A message of the step they are taken from that has
    not left yet is called off: what it waited for (the morning, the channel) comes too late for them."""
    state = EnrolmentState.DONE if reason is Reason.GOAL else EnrolmentState.EXITED
    cursor.execute(
        f"WITH held AS (SELECT id FROM journeys_enrolment WHERE id = ANY(%(ids)s) AND {OPEN_SQL}"
        " ORDER BY id FOR NO KEY UPDATE)"
        " UPDATE journeys_enrolment e SET state = %(state)s, due_at = NULL, exited_at = %(now)s, reason = %(reason)s,"
        " trail = trail || %(stamp)s || ' ' || step || '>' || %(reason)s || E'\\n',"
        " converted_at = CASE WHEN %(converted)s THEN coalesce(converted_at, %(now)s) ELSE converted_at END"
        " FROM held h WHERE e.id = h.id RETURNING e.contact_id, e.journey_id, e.id, e.step, e.version_id, e.visit",
        {
            "ids": list(ids),
            "state": state,
            "now": now,
            "reason": reason,
            "converted": converted,
            "stamp": str(int(now.timestamp())),
        },
    )
    rows = cursor.fetchall()
    cursor.execute("DELETE FROM journeys_subscription WHERE enrolment_id = ANY(%s)", [[row[2] for row in rows]])
    add_counts(cursor, Counter((version_id, step, reason.value) for *_ids, step, version_id, _visit in rows))
    stopped = sending.call_off(message_key(pk, step, visit) for _contact, _journey, pk, step, _version, visit in rows)
    return stopped + exit_events(
        [(contact, journey, pk, reason, step) for contact, journey, pk, step, _version, _visit in rows], now
    )


def compact_counts(most: int = 5000) -> int:
    """Add the deltas of the step counts up once there are many; answers how many rows went away."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM (SELECT FROM journeys_stepcount LIMIT %s) few", [most])
        if cursor.fetchone()[0] < most:
            return 0
        cursor.execute(
            "WITH gone AS (DELETE FROM journeys_stepcount WHERE id IN"
            " (SELECT id FROM journeys_stepcount ORDER BY id LIMIT 50000 FOR UPDATE SKIP LOCKED)"
            " RETURNING version_id, step, branch, n)"
            " INSERT INTO journeys_stepcount (version_id, step, branch, n)"
            " SELECT version_id, step, branch, sum(n) FROM gone GROUP BY 1, 2, 3"
        )
        return cursor.rowcount


def waiting() -> dict[str, float]:
    """People whose time has come and who have not been moved yet, and since when the first of them is due (seconds)."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(sum(e.n), 0), min(e.first) FROM journeys_journey j CROSS JOIN LATERAL ("
            f" SELECT count(*) n, min(due_at) first FROM journeys_enrolment WHERE journey_id = j.id AND {OPEN_SQL}"
            " AND due_at IS NOT NULL AND due_at <= %s) e WHERE j.state = %s",
            [now, JourneyState.LIVE.value],
        )
        count, first = cursor.fetchone()
    return {"waiting": int(count), "oldest_seconds": (now - first).total_seconds() if first else 0.0}
