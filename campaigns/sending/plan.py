"""Planning: requests become rows of the ledger, each with its verdict, in a constant number of statements."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from django.db import connection, transaction

from campaigns.enums import State
from campaigns.sending import gates, outcomes
from campaigns.sending.batch import empty_table, survey
from campaigns.sending.requests import SendRequest
from scrm.lib import clock, hints

COLUMNS = "n, key, contact_id, content_id, purpose, origin, origin_id, channels, ref, context, expires_at, defer_quiet, identity_id"

INSERT = """, added AS (
    INSERT INTO campaigns_message (key, contact_id, identity_id, pinned, channel, account_id, channels, content_id, body, purpose,
        origin, origin_id, lane, ref, context, tags, state, reason, decisions, defer_quiet, paused, hold_until, next_at, expires_at,
        fence, attempt_no, planned_at, platform_id, error)
    SELECT r.key, r.contact_id, CASE WHEN v.fail IS NULL THEN v.address_id END, r.identity_id IS NOT NULL,
        CASE WHEN v.fail IS NULL THEN coalesce(v.channel, '') ELSE '' END,
        CASE WHEN v.fail IS NULL THEN coalesce(v.account_id, 0) ELSE 0 END, r.channels, r.content_id, r.body, r.purpose,
        r.origin, r.origin_id, CASE WHEN r.purpose <> 'marketing' THEN 0 WHEN r.origin = 'campaign' THEN 2 ELSE 1 END,
        r.ref, r.context, coalesce(v.tags, '{}'), v.state, v.reason, coalesce(v.look, '[]'), r.defer_quiet, false,
        CASE WHEN v.state = 'held' THEN v.hold_until END, v.send_at, r.expires_at, 0, 0, $now$::timestamptz, '', ''
    FROM verdict v JOIN sending_req r ON r.n = v.n ORDER BY r.n
    ON CONFLICT (key) DO NOTHING
    RETURNING id, contact_id, channel, account_id, content_id, purpose, origin, origin_id, state, reason, ref, body,
        hold_until)
"""


@transaction.atomic
def submit(requests: Sequence[SendRequest]) -> dict[str, int]:
    """Plan messages; answers {key: message id} for every request, also those planned before.

    Idempotent by key. Locks the contacts in id order until the caller's transaction ends, so that two askers cannot both take
    the last place under a frequency cap. Excluded requests are rows too, with their reason; message_held and message_suppressed
    events are appended in the same transaction. The dispatcher is poked when it commits.
    """
    unique = list({request.key: request for request in reversed(requests)}.values())[::-1]
    if not unique:
        return {}
    with connection.cursor() as cursor:
        empty_table(cursor)
        _copy(cursor, unique)
        # What was planned before keeps its verdict and must not stand in its own way.
        cursor.execute("DELETE FROM sending_req r USING campaigns_message m WHERE m.key = r.key RETURNING m.key, m.id")
        known = dict(cursor.fetchall())
        if len(known) < len(unique):
            _plan(cursor, clock.now())
            cursor.execute("SELECT m.key, m.id FROM sending_req r JOIN campaigns_message m ON m.key = r.key")
            known.update(cursor.fetchall())
    return {request.key: known[request.key] for request in unique}


@transaction.atomic
def submit_audience(
    contact_ids: Iterable[int],
    *,
    key_prefix: str,
    content_id: int,
    purpose: str,
    origin: str,
    origin_id: int,
    channels: list[str],
    ref: dict | None = None,
    expires_at: datetime | None = None,
    defer_quiet: bool = True,
) -> Counter[str]:
    """``submit`` for many people who get the same: key is ``key_prefix`` + contact id. Batches of about 20,000 sorted neighbours
    are fastest. Answers how many new rows are in each state."""
    with connection.cursor() as cursor:
        empty_table(cursor)
        cursor.execute(
            f"INSERT INTO sending_req ({COLUMNS}) SELECT ids.n, %s || ids.id, ids.id, %s, %s, %s, %s, %s, %s, '{{}}', %s, %s, NULL"
            " FROM unnest(%s::bigint[]) WITH ORDINALITY AS ids(id, n)",
            [
                key_prefix,
                content_id,
                purpose,
                origin,
                origin_id,
                channels,
                orjson.dumps(ref or {}).decode(),
                expires_at,
                defer_quiet,
                list(contact_ids),
            ],
        )
        cursor.execute("DELETE FROM sending_req r USING campaigns_message m WHERE m.key = r.key")
        return _plan(cursor, clock.now())


def _plan(cursor, now: datetime) -> Counter[str]:
    batch = survey(cursor, "plan", now, lock=True)
    if batch is None:
        return Counter()
    sql = gates.verdicts(cursor, batch) + INSERT.replace("$now$", cursor.mogrify("%s", [now]).decode())
    columns = ", ".join(outcomes.Outcome.COLUMNS)
    cursor.execute(
        f"{sql} SELECT {columns}, 0 FROM added WHERE state <> 'queued'"
        f" UNION ALL SELECT {', '.join('NULL' for _ in outcomes.Outcome.COLUMNS)}, count(*) FROM added WHERE state = 'queued'"
    )
    rows = cursor.fetchall()
    states = Counter({State.QUEUED.value: rows[-1][-1]})
    settled = [outcomes.Outcome(*row[:-1]) for row in rows[:-1]]
    states.update(outcome.state for outcome in settled)
    # Last, because appending takes the lock that orders the log until the transaction ends.
    outcomes.append(settled, now)
    if states[State.QUEUED]:
        hints.poke_on_commit("dispatch")
    return +states


def _copy(cursor, requests: list[SendRequest]) -> None:
    lines = io.StringIO()
    writer = csv.writer(lines)
    for n, r in enumerate(requests):
        writer.writerow(
            (
                n,
                r.key,
                r.contact_id,
                r.content_id,
                r.purpose,
                r.origin,
                r.origin_id,
                f"{{{','.join(map(str, r.channels))}}}",
                orjson.dumps(r.ref).decode(),
                orjson.dumps(r.context, default=str).decode(),
                r.expires_at.isoformat() if r.expires_at else None,
                "t" if r.defer_quiet else "f",
                r.identity_id,
                orjson.dumps(r.body).decode() if r.body is not None else None,
            )
        )
    lines.seek(0)
    cursor.copy_expert(f"COPY sending_req ({COLUMNS}, body) FROM STDIN WITH (FORMAT csv)", lines)
