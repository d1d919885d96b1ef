"""Waiting for an event. The lock order is always enrolments (by id) before subscriptions."""

import json
from collections import defaultdict

from django.db import connection, transaction

from journeys import where
from journeys.steps.wait_event import HAPPENED
from scrm.lib import clock, hints

BATCH = 2000

Wake = tuple[int, int]
"""(enrolment id, event id)."""


def check(limit: int = BATCH) -> int:
    """Read the log once more for subscriptions committed since: an event that was consumed just before the subscription
    became visible is found here, a later one finds the subscription. Answers how many were checked."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.enrolment_id FROM journeys_subscription s JOIN journeys_enrolment e ON e.id = s.enrolment_id"
            " WHERE NOT s.checked ORDER BY s.enrolment_id LIMIT %s FOR NO KEY UPDATE OF e SKIP LOCKED",
            [limit],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
        if not ids:
            return 0
        cursor.execute(
            'SELECT s.enrolment_id, s."where"::text, e.id, e.properties::text FROM journeys_subscription s'
            " JOIN contacts_event e ON e.contact_id = s.contact_id AND e.kind = s.kind AND e.id > s.floor_id"
            " AND (s.floor_at IS NULL OR e.occurred_at >= s.floor_at)"
            " WHERE s.enrolment_id = ANY(%s) ORDER BY s.enrolment_id, e.id",
            [ids],
        )
        wakes = _first_matching(cursor.fetchall())
        cursor.execute("UPDATE journeys_subscription SET checked = true WHERE enrolment_id = ANY(%s)", [ids])
        wake(wakes)
    return len(ids)


def find(kinds: dict[str, list[tuple[int, int]]]) -> list[Wake]:
    """Subscriptions that these events fulfil: {kind: [(contact id, event id), ...]} in log order."""
    wakes: dict[int, int] = {}
    with connection.cursor() as cursor:
        for kind, pairs in kinds.items():
            cursor.execute(
                'SELECT s.enrolment_id, s."where"::text, v.id, e.properties::text'
                " FROM unnest(%s::bigint[], %s::bigint[]) v(contact_id, id)"
                " JOIN journeys_subscription s ON s.contact_id = v.contact_id AND s.kind = %s AND s.floor_id < v.id"
                " JOIN contacts_event e ON e.id = v.id AND (s.floor_at IS NULL OR e.occurred_at >= s.floor_at)"
                " ORDER BY s.enrolment_id, v.id",
                [[contact for contact, _event in pairs], [event for _contact, event in pairs], kind],
            )
            wakes |= dict(_first_matching(cursor.fetchall()))
    return list(wakes.items())


def wake(wakes: list[Wake]) -> int:
    """Delete the subscriptions and make their people due, in the caller's transaction. Whoever is already gone (time-out,
    exit) is left alone. Answers how many were woken."""
    if not wakes:
        return 0
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH held AS (SELECT e.id, v.event_id FROM journeys_enrolment e"
            " JOIN unnest(%s::bigint[], %s::bigint[]) v(id, event_id) ON v.id = e.id ORDER BY e.id FOR NO KEY UPDATE OF e),"
            " gone AS (DELETE FROM journeys_subscription s USING held h WHERE s.enrolment_id = h.id"
            " RETURNING s.enrolment_id)"
            " UPDATE journeys_enrolment e SET due_at = %s, wake = %s, wake_event_id = h.event_id"
            " FROM held h JOIN gone g ON g.enrolment_id = h.id WHERE e.id = h.id AND e.state = 'waiting'",
            [[pk for pk, _event in wakes], [event for _pk, event in wakes], now, HAPPENED],
        )
        woken = cursor.rowcount
    if woken:
        hints.poke_on_commit("journeys.advance")
    return woken


def _first_matching(rows: list[tuple[int, str, int, str]]) -> list[Wake]:
    """The first event per enrolment whose properties meet the subscription's conditions."""
    conditions: dict[str, list] = {}
    found: dict[int, int] = {}
    by_enrolment = defaultdict(list)
    for enrolment_id, condition, event_id, properties in rows:
        by_enrolment[enrolment_id].append((condition, event_id, properties))
    for enrolment_id, candidates in by_enrolment.items():
        for condition, event_id, properties in candidates:
            if condition not in conditions:
                conditions[condition] = json.loads(condition)
            if not conditions[condition] or where.holds(conditions[condition], json.loads(properties)):
                found[enrolment_id] = event_id
                break
    return list(found.items())
