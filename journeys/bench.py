"""How fast people are moved: wait -> split -> send, against claiming and updating the same rows and nothing else."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from campaigns import sending
from campaigns.enums import ContentFormat, ContentState
from campaigns.models import Content, Message, Variant
from campaigns.sending import SendRequest
from journeys import actions, engine
from journeys.models import Journey
from journeys.tree import blank
from journeys.walk import ids_text
from scrm.core.benching import Bench, Scale, bracketed
from scrm.lib import clock

BATCH = engine.BATCH
SPARE = """
    CREATE TABLE bench_send (key text PRIMARY KEY, contact_id bigint NOT NULL, content_id bigint NOT NULL,
        purpose text NOT NULL, channels text[] NOT NULL, ref jsonb NOT NULL)
"""


def run(scale: Scale) -> dict[str, Any]:
    """Rows are fresh for every measurement; each moves ``share`` people in the engine's batches, a transaction a batch; one round
    warms up. Sends go
    into a plain table with the idempotency key (the gates of the ledger have a bench of their own, ``fanout``);
    ``through_gates`` is the same once more through the real ledger."""
    share, rounds = scale.pick(8_000, 50_000), scale.pick(5, 7)
    journey = _journey()
    _people(journey, share * (3 * rounds + 3))
    with connection.cursor() as cursor:
        cursor.execute(SPARE)
    slices = iter(range(3 * rounds + 3))
    real, sending.submit = sending.submit, _rows_only
    try:
        _rate(journey, next(slices), share, _ours)
        _rate(journey, next(slices), share, lambda: _limit(journey))
        result = bracketed(
            lambda: _rate(journey, next(slices), share, _ours),
            lambda: _rate(journey, next(slices), share, lambda: _limit(journey)),
            rounds,
        )
    finally:
        sending.submit = real
    gated = _rate(journey, next(slices), share, _ours)
    assert Message.objects.count() == share
    return result | {
        "unit": "people/s",
        "through_gates": round(gated),
        "through_gates_ratio": round(gated / result["limit"], 3),
        "people": share * (3 * rounds + 3),
    }


def _journey() -> Journey:
    content = Content.objects.create(name="bench")
    Variant.objects.create(content=content, channel="oa", format=ContentFormat.TEXT, body="Hello {{ contact.name }}")
    Content.objects.filter(pk=content.pk).update(state=ContentState.APPROVED)
    send = {"content": content.pk, "channels": ["oa"]}
    rule = {"kind": "attribute", "name": "city", "op": "eq", "value": "Shanghai"}
    definition = blank() | {
        "steps": [
            {
                "key": "w",
                "kind": "wait",
                "name": "",
                "config": {"mode": "for", "amount": 1, "unit": "hours"},
                "branches": [],
            },
            {
                "key": "s",
                "kind": "split",
                "name": "",
                "config": {},
                "branches": [
                    {"key": "b1", "name": "", "rule": rule, "steps": [_send("m1", send)]},
                    {"key": "else", "name": "", "steps": [_send("m2", send)]},
                ],
            },
            {"key": "x", "kind": "exit", "name": "", "config": {}, "branches": []},
        ]
    }
    definition["trigger"] |= {"kind": "manual"}
    journey = actions.create_journey(name="bench", by=None, definition=definition)
    actions.publish_draft(journey=journey, by=None)
    return journey


def _send(key: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "kind": "send", "name": "", "config": config, "branches": []}


def _people(journey: Journey, people: int) -> None:
    """Everybody waits in the first step, due in a far future."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contact (name, name_grams, known, stage, time_zone, language, region, city, attributes,"
            " source_kind, source_label, source_account_id, first_seen_at, last_seen_at, event_count, order_count,"
            " order_total, version, created_at)"
            " SELECT 'n' || n, '{}', true, 'lead', '', '', '', CASE WHEN n %% 3 = 0 THEN 'Shanghai' ELSE 'Beijing' END,"
            " '{}', '', '', 0, %s, %s, 0, 0, 0, 1, %s FROM generate_series(1, %s) n",
            [now, now, now, people],
        )
        cursor.execute(
            "INSERT INTO journeys_enrolment (journey_id, version_id, contact_id, state, step, visit, due_at, wake,"
            " wake_event_id, context, entered_at, entry_event_id, run, reason, faults, fault)"
            " SELECT %s, %s, id, 'waiting', 'w', 1, %s, '', 0, '{}', %s, 0, 'k:', '', 0, '' FROM contacts_contact ORDER BY id",
            [journey.pk, journey.versions.get().pk, now + timedelta(days=365), now],
        )
        cursor.execute("ANALYZE contacts_contact, journeys_enrolment")


def _rate(journey: Journey, number: int, share: int, work: Callable[[], None]) -> float:
    """People per second. Before the clock runs, the next ``share`` people become due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE journeys_enrolment SET due_at = %s WHERE id IN (SELECT id FROM journeys_enrolment"
            " WHERE journey_id = %s ORDER BY id OFFSET %s LIMIT %s)",
            [clock.now() - timedelta(minutes=1), journey.pk, number * share, share],
        )
    started = time.perf_counter()
    work()
    elapsed = time.perf_counter() - started
    assert not engine.waiting()["waiting"]
    return share / elapsed


def _ours() -> None:
    while engine.advance(BATCH):
        pass


def _limit(journey: Journey) -> None:
    """Claim and update, nothing else, not even kept counts: the same rows, columns and indexes, the same batches."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE journeys_enrolment DISABLE TRIGGER USER")
    moved = BATCH
    while moved:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE journeys_enrolment e SET step = 'm1', due_at = NULL, state = 'waiting' FROM"
                " (SELECT id FROM journeys_enrolment WHERE journey_id = %s AND state IN ('active', 'waiting')"
                " AND due_at IS NOT NULL AND due_at <= %s ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED) c"
                " WHERE e.id = c.id",
                [journey.pk, now, BATCH],
            )
            moved = cursor.rowcount
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE journeys_enrolment ENABLE TRIGGER USER")


def _rows_only(requests: list[SendRequest]) -> dict[str, int]:
    """The ledger without its gates: one row a request, once per key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_send (key, contact_id, content_id, purpose, channels, ref)"
            " SELECT key, contact, content, %s, %s, ref::jsonb"
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[]) v(key, contact, content, ref)"
            " ON CONFLICT (key) DO NOTHING",
            [
                requests[0].purpose,
                requests[0].channels,
                [one.key for one in requests],
                ids_text(one.contact_id for one in requests),
                ids_text(one.content_id for one in requests),
                [_json(one.ref) for one in requests],
            ],
        )
    return {}


def _json(ref: dict[str, Any]) -> str:
    return f'{{"enrolment": {ref["enrolment"]}, "step": "{ref["step"]}", "visit": {ref["visit"]}}}'


BENCHES = [Bench("journey_advance", run)]
