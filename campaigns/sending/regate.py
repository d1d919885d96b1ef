"""The gates again: for messages that exist already. Used at dispatch and whenever something about a person has changed."""

from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection

from campaigns.enums import Reason
from campaigns.sending import gates, outcomes
from campaigns.sending.batch import empty_table, survey

LOAD = """
INSERT INTO sending_req (n, key, contact_id, content_id, purpose, origin, origin_id, channels, ref, context,
expires_at, defer_quiet,
    identity_id, message_id, body)
SELECT row_number() OVER (ORDER BY m.id), m.key, m.contact_id, m.content_id, m.purpose, m.origin, m.origin_id,
    -- Those the platform has refused for this message are spent; of the others the present one first.
    coalesce((SELECT array_agg(c.channel ORDER BY c.channel <> m.channel, c.ord)
        FROM unnest(m.channels::text[]) WITH ORDINALITY AS c(channel, ord)
        WHERE NOT m.decisions @> jsonb_build_array(jsonb_build_object('result', 'next', 'channel', c.channel))), '{}'),
    m.ref, '{}', m.expires_at, m.defer_quiet, CASE WHEN m.pinned THEN m.identity_id END, m.id, m.body
FROM campaigns_message m WHERE m.id = ANY(%s)
"""
# A claimed message goes on when the gates choose the same account; another channel means the queue of another account.
UPDATE = """, settled AS (
    UPDATE campaigns_message m SET contact_id = r.contact_id,
        identity_id = CASE WHEN d.chosen THEN v.address_id ELSE m.identity_id END,
        channel = CASE WHEN d.chosen THEN v.channel ELSE m.channel END,
        account_id = CASE WHEN d.chosen THEN v.account_id ELSE m.account_id END,
        state = CASE WHEN d.go THEN 'leased' ELSE v.state END,
        reason = CASE WHEN v.state = 'suppressed' AND $fallback$ <> '' THEN $fallback$ ELSE v.reason END,
        decisions = CASE WHEN d.go THEN m.decisions ELSE m.decisions || v.look END,
        hold_until = CASE WHEN v.state = 'held' THEN v.hold_until ELSE m.hold_until END,
        next_at = CASE WHEN v.state = 'held' THEN v.send_at WHEN d.go OR v.state = 'suppressed' THEN m.next_at ELSE $now$ END,
        fence = m.fence + 1, lease_until = CASE WHEN d.go THEN $lease$ END
    FROM verdict v JOIN sending_req r ON r.n = v.n
    CROSS JOIN LATERAL (SELECT v.fail IS NULL AND v.address_id IS NOT NULL AND v.state IN ('queued', 'held') AS chosen) c
    CROSS JOIN LATERAL (SELECT c.chosen, $claim$ AND v.state = 'queued' AND v.reason = '' AND v.account_id = $account$ AS go) d
    WHERE m.id = r.message_id
    RETURNING m.id, m.contact_id, m.channel, m.account_id, m.content_id, m.purpose, m.origin, m.origin_id, m.state, m.reason, m.ref,
        m.body, m.hold_until, d.go, m.identity_id, m.key, m.context, m.fence, m.attempt_no, m.expires_at, r.channels)
"""


@dataclass(slots=True)
class Claimed:
    """A message this worker may send."""

    id: int
    contact_id: int
    channel: str
    content_id: int | None
    purpose: str
    origin: str
    origin_id: int
    ref: dict
    identity_id: int
    key: str
    context: dict
    fence: int
    attempt_no: int
    expires_at: datetime | None
    channels: list[str]
    """Those that may still be tried, this one included."""
    body: dict | None = None


def regate(
    ids: list[int],
    now: datetime,
    *,
    claim_for: int | None = None,
    lease_until: datetime | None = None,
    fallback: Reason | str = "",
) -> tuple[list[Claimed], list[outcomes.Outcome]]:
    """Ask the gates about messages whose rows the caller has locked. ``claim_for``: the account whose messages are to
    be leased when they pass. ``fallback``: the reason to keep when no other channel can take over. Answers the leased
    ones, and the changed ones whose events the caller appends at the end of its transaction."""
    if not ids:
        return [], []
    with connection.cursor() as cursor:
        empty_table(cursor)
        cursor.execute(LOAD, [ids])
        batch = survey(cursor, "dispatch", now, lock=False)
        if batch is None:
            return [], []
        values = {
            "$now$": cursor.mogrify("%s::timestamptz", [now]).decode(),
            "$lease$": cursor.mogrify("%s::timestamptz", [lease_until]).decode(),
            "$claim$": "true" if claim_for is not None else "false",
            "$account$": str(int(claim_for or 0)),
            "$fallback$": cursor.mogrify("%s", [str(fallback)]).decode(),
        }
        sql = UPDATE
        for name, value in values.items():
            sql = sql.replace(name, value)
        cursor.execute(f"{gates.verdicts(cursor, batch)}{sql} SELECT * FROM settled ORDER BY id")
        rows = cursor.fetchall()
    claimed, changed = [], []
    for row in rows:
        outcome, (go, identity_id, key, context, fence, attempt_no, expires_at, channels) = (
            outcomes.Outcome(*row[:13]),
            row[13:],
        )
        if go:
            o = outcome
            claimed.append(
                Claimed(
                    o.id,
                    o.contact_id,
                    o.channel,
                    o.content_id,
                    o.purpose,
                    o.origin,
                    o.origin_id,
                    o.ref,
                    identity_id,
                    key,
                    orjson.loads(context),
                    fence,
                    attempt_no,
                    expires_at,
                    channels,
                    o.body,
                )
            )
        elif outcome.state != "queued":
            changed.append(outcome)
    return claimed, changed
