"""The gates, as one SQL statement over a batch of requests: the same one plans, is asked again at dispatch, and previews.

``sending_req`` is a temporary table with one row per request. ``verdicts()`` answers the text of ``WITH ... verdict AS
(...)``; its rows have everything a Message needs. Parts that a batch does not need (reply windows, caps, several
channels) are left out of the text.
"""

from datetime import timedelta

from campaigns.enums import ACTIVE, MARKETING_ONLY, Reason, State
from campaigns.sending import quiet_hours, rules
from campaigns.sending.batch import Batch
from channels_ingest.enums import State as ChannelState
from contacts.enums import ConsentState

COUNTED = [*ACTIVE, State.SENT, State.DELIVERED, State.UNKNOWN]
"""Planning: what left us, or may have, or has reserved its place."""
LEFT = [State.ATTEMPTING, State.SENT, State.DELIVERED, State.UNKNOWN]
"""Dispatch: the message has its own place already, so only what really left counts."""


def verdicts(cursor, batch: Batch) -> str:
    """The WITH clause, values filled in; its last part is ``verdict``: one row per row of sending_req."""
    parts = [
        _facts(cursor, batch),
        _person(cursor, batch),
        _address(cursor, batch),
        *([_window_use(cursor, batch)] if batch.windowed else []),
        _candidate(cursor, batch),
        _best(batch),
        *([_cap_use(cursor, batch)] if batch.caps else []),
        _verdict(cursor, batch),
    ]
    return "WITH " + ",\n".join(parts)


def _say(cursor, sql: str, values: dict) -> str:
    return cursor.mogrify(sql, values).decode()


def _values(cursor, name: str, columns: str, types: str, rows: list[tuple]) -> str:
    """A constant table; with no rows, one that is empty but typed."""
    casts = types.split()
    width = len(casts)
    first = "(" + ", ".join(f"%s::{cast}" for cast in casts) + ")"
    if not rows:
        nothing = ", ".join(f"NULL::{cast}" for cast in casts)
        return f"{name}({columns}) AS (SELECT {nothing} WHERE false)"
    rest = ["(" + ", ".join(["%s"] * width) + ")"] * (len(rows) - 1)
    flat = [value for row in rows for value in row]
    return f"{name}({columns}) AS (VALUES " + cursor.mogrify(", ".join([first, *rest]), flat).decode() + ")"


def _facts(cursor, batch: Batch) -> str:
    now, caps = batch.now, batch.caps
    return ",\n".join(
        [
            _values(
                cursor,
                "route",
                "account_id, channel, identity_kind, state, is_default, message_seconds, message_limit, touch_seconds, touch_limit",
                "bigint text text text boolean integer integer integer integer",
                [
                    (r.account_id, r.channel, r.identity_kind, r.state, r.default, *rules.window_values(r.channel))
                    for r in batch.routes
                ],
            ),
            _values(cursor, "content", "content_id, approved, tags", "bigint boolean text[]", batch.contents),
            _values(
                cursor,
                "offer",
                "content_id, channel, template",
                "bigint text boolean",
                [(o.content_id, o.channel, o.template) for o in batch.offers],
            ),
            _values(
                cursor,
                "zone",
                "number, time_zone, region, name, source, quiet_until, plain",
                "integer text text text text timestamptz jsonb",
                [
                    (n, z.time_zone, z.region, z.name, z.source, z.quiet_until, rules.look(batch.stage, now, z, caps))
                    for n, z in enumerate(batch.zones)
                ],
            ),
        ]
    )


def _person(cursor, batch: Batch) -> str:
    """When each message could leave: now, or for marketing at the end of the person's quiet hours, spread."""
    held = sum(1 for zone in batch.zones if zone.quiet_until)
    spread = 0
    if held and batch.marketing:
        ends = sorted({zone.quiet_until for zone in batch.zones if zone.quiet_until})
        cursor.execute(
            "SELECT (SELECT count(*) FROM sending_req) + count(*) FROM (SELECT FROM campaigns_message WHERE state = %s"
            " AND hold_until BETWEEN %s AND %s LIMIT %s) waiting",
            [
                State.HELD,
                ends[0],
                ends[-1] + timedelta(seconds=quiet_hours.SPREAD_SECONDS),
                quiet_hours.SPREAD_SECONDS + quiet_hours.UNSPREAD,
            ],
        )
        spread = quiet_hours.spread_seconds(cursor.fetchone()[0])
    # Position in the spread is stable by contact: a person's messages keep their distance, neighbours in id go evenly.
    return _say(
        cursor,
        """person AS (
        SELECT r.n, r.contact_id, r.purpose, r.content_id, r.channels, r.expires_at, r.defer_quiet, r.message_id, c.id
        IS NOT NULL AS found,
            r.body ->> 'kind' AS body_kind, (r.body IS NOT NULL OR k.approved) AS approved,
            z.number AS zone_number, q.hold_until, coalesce(q.hold_until, %(now)s::timestamptz) AS send_at
        FROM sending_req r
        LEFT JOIN contacts_contact c ON c.id = r.contact_id AND c.id BETWEEN %(low)s AND %(high)s
        LEFT JOIN content k ON k.content_id = r.content_id
        LEFT JOIN zone z ON z.time_zone = c.time_zone AND z.region = c.region
        CROSS JOIN LATERAL (SELECT CASE WHEN r.purpose = 'marketing' AND z.quiet_until IS NOT NULL
            THEN z.quiet_until + make_interval(secs => (r.contact_id * 611 %% 900) * %(spread)s / 900.0) END AS hold_until) q)""",
        {"now": batch.now, "low": batch.low, "high": batch.high, "spread": spread},
    )


def _address(cursor, batch: Batch) -> str:
    """The best address per request and channel: reachable before not, surer before less sure, then where the person
    was last seen."""
    return _say(
        cursor,
        """address AS (
        SELECT DISTINCT ON (r.n, t.channel) r.n, t.channel, t.account_id, t.state, t.message_seconds, t.message_limit,
            t.touch_seconds, t.touch_limit, i.id AS identity_id, i.kind, i.scope, i.index, i.reachable,
            i.last_inbound_at, i.last_touch_at
        FROM sending_req r
        JOIN contacts_identity i ON i.contact_id = r.contact_id AND i.contact_id BETWEEN %(low)s AND %(high)s
            AND (r.identity_id IS NULL OR i.id = r.identity_id)
        JOIN route t ON t.identity_kind = i.kind AND (i.scope = t.account_id OR (i.scope = 0 AND t.is_default))
        ORDER BY r.n, t.channel, i.reachable DESC, i.trust DESC, greatest(i.last_inbound_at, i.last_touch_at) DESC NULLS LAST,
            i.id DESC)""",
        {"low": batch.low, "high": batch.high},
    )


def _window_use(cursor, batch: Batch) -> str:
    return _say(
        cursor,
        """window_use AS (
        SELECT a.n, a.channel, count(*) FILTER (WHERE m.next_at >= a.last_inbound_at) AS since_message,
            count(*) FILTER (WHERE m.next_at >= a.last_touch_at) AS since_touch
        FROM address a JOIN sending_req r ON r.n = a.n
        JOIN campaigns_message m ON m.identity_id = a.identity_id AND m.channel = ANY(%(windowed)s) AND m.state = ANY(%(counted)s)
            AND m.next_at >= least(a.last_inbound_at, a.last_touch_at) AND m.id IS DISTINCT FROM r.message_id
            AND m.channel IN ('oa', 'wecom', 'weibo', 'douyin') AND (m.body IS NULL OR m.body ->> 'kind' <> 'comment')
        WHERE a.message_seconds IS NOT NULL GROUP BY 1, 2)""",
        {"windowed": batch.windowed, "counted": _counted(batch)},
    )


def _counted(batch: Batch) -> list[str]:
    return [str(state) for state in (LEFT if batch.stage == "dispatch" else COUNTED)]


def _candidate(cursor, batch: Batch) -> str:
    """Every channel asked for, in order, with why it fails (null: it passes) and how far it came."""
    windowed = bool(batch.windowed)
    earlier = "(row_number() OVER (PARTITION BY a.identity_id ORDER BY p.n) - 1)" if batch.repeats and windowed else "0"
    window = f"""
            p.send_at < a.last_inbound_at + make_interval(secs => a.message_seconds) AS message_open,
            p.send_at < a.last_touch_at + make_interval(secs => a.touch_seconds) AS touch_open,
            coalesce(u.since_message, 0) + {earlier} AS since_message, coalesce(u.since_touch, 0) + {earlier} AS since_touch,"""
    none = "false AS message_open, false AS touch_open, 0 AS since_message, 0 AS since_touch,"
    return _say(
        cursor,
        f"""looked AS (
        SELECT p.n, p.purpose, p.send_at, ch.ord, ch.channel, a.account_id, a.state AS account_state, a.identity_id, a.reachable,
            a.message_seconds, a.message_limit, a.touch_seconds, a.touch_limit, a.last_inbound_at, a.last_touch_at,
            {window if windowed else none}
            p.body_kind IS NOT NULL OR (o.channel IS NOT NULL AND NOT (o.template AND p.purpose = 'marketing')) AS offered,
            coalesce(o.template, p.body_kind = 'comment', false) AS template,
            s.reason AS suppression, cs.state AS consent, cs.changed_at AS consent_at
        FROM person p CROSS JOIN LATERAL unnest(p.channels) WITH ORDINALITY AS ch(channel, ord)
        LEFT JOIN offer o ON o.content_id = p.content_id AND o.channel = ch.channel
        LEFT JOIN address a ON a.n = p.n AND a.channel = ch.channel
        {"LEFT JOIN window_use u ON u.n = p.n AND u.channel = ch.channel" if windowed else ""}
        LEFT JOIN campaigns_suppression s ON s.kind = a.kind AND s.scope = a.scope AND s.index = a.index
        LEFT JOIN contacts_consent cs ON cs.contact_id = p.contact_id AND cs.contact_id BETWEEN %(low)s AND %(high)s
            AND cs.channel = ch.channel AND cs.purpose = 'marketing'),
    candidate AS (
        SELECT l.*, f.fail, array_position(%(order)s, f.fail) AS rank
        FROM looked l CROSS JOIN LATERAL (SELECT CASE
            WHEN NOT l.offered THEN 'no_variant'
            WHEN NOT l.channel = ANY(%(connected)s) THEN 'no_account'
            WHEN l.identity_id IS NULL THEN 'no_address'
            WHEN NOT l.reachable THEN 'unreachable'
            WHEN l.suppression = ANY(%(soft)s) AND l.purpose = 'marketing' THEN 'unsubscribed'
            WHEN l.suppression IS NOT NULL AND NOT l.suppression = ANY(%(soft)s) THEN 'suppressed_address'
            WHEN l.purpose = 'marketing' AND l.consent = %(withdrawn)s THEN 'unsubscribed'
            WHEN l.purpose = 'marketing' AND l.channel = ANY(%(needs_yes)s) AND l.consent IS DISTINCT FROM %(granted)s
            THEN 'no_consent' WHEN l.template OR l.message_seconds IS NULL THEN NULL
            WHEN l.message_open AND l.since_message < l.message_limit THEN NULL
            WHEN l.touch_open AND l.since_touch < l.touch_limit THEN NULL
            WHEN l.message_open OR l.touch_open THEN 'window_used'
            ELSE 'window_closed' END::text AS fail) f)""",
        {
            "low": batch.low,
            "high": batch.high,
            "connected": sorted({route.channel for route in batch.routes}),
            "order": [str(reason) for reason in _FAR],
            "soft": [str(reason) for reason in MARKETING_ONLY],
            "withdrawn": ConsentState.WITHDRAWN,
            "granted": ConsentState.GRANTED,
            "needs_yes": [str(c) for c in rules.NEEDS_YES],
        },
    )


_FAR = [
    Reason.NO_VARIANT,
    Reason.NO_ACCOUNT,
    Reason.NO_ADDRESS,
    Reason.UNREACHABLE,
    Reason.SUPPRESSED_ADDRESS,
    Reason.UNSUBSCRIBED,
    Reason.NO_CONSENT,
    Reason.WINDOW_CLOSED,
    Reason.WINDOW_USED,
]
"""When every channel fails, the message carries the reason of the one that came farthest."""


def _best(batch: Batch) -> str:
    tried = """tried AS (
        SELECT n, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('channel', channel, 'reason', fail, 'identity', identity_id,
            'suppression', suppression, 'consent', consent, 'consent_at', consent_at, 'last_inbound_at', last_inbound_at,
            'last_touch_at', last_touch_at, 'since_message', since_message, 'since_touch', since_touch,
            'message_limit', message_limit, 'touch_limit', touch_limit)) ORDER BY ord) AS tried
        FROM candidate WHERE fail IS NOT NULL GROUP BY n)"""
    if batch.most_channels <= 1:
        return f"best AS (SELECT * FROM candidate),\n{tried}"
    return f"""best AS (SELECT DISTINCT ON (n) * FROM candidate
        ORDER BY n, (fail IS NOT NULL), CASE WHEN fail IS NULL THEN ord ELSE -rank END, ord),\n{tried}"""


def _cap_use(cursor, batch: Batch) -> str:
    """Marketing messages of the last 1, 7, 30 days before the message would leave, over all channels."""
    columns = ", ".join(
        f"count(*) FILTER (WHERE m.next_at > p.send_at - make_interval(days => {days})) AS used_{days}"
        for days, _limit in batch.caps
    )
    return _say(
        cursor,
        f"""cap_use AS (
        SELECT p.n, {columns}
        FROM person p JOIN campaigns_message m ON m.contact_id = p.contact_id
        WHERE m.contact_id BETWEEN %(low)s AND %(high)s AND p.purpose = 'marketing' AND m.purpose = 'marketing'
            AND m.state = ANY(%(counted)s) AND m.next_at > %(since)s AND m.id IS DISTINCT FROM p.message_id
            AND m.state IN ('queued', 'held', 'leased', 'attempting', 'sent', 'delivered', 'unknown')
        GROUP BY 1)""",
        {
            "low": batch.low,
            "high": batch.high,
            "counted": _counted(batch),
            "since": batch.now - timedelta(days=max(days for days, _ in batch.caps)),
        },
    )


def _verdict(cursor, batch: Batch) -> str:
    caps = batch.caps
    # Of several requests for one person in this batch the earlier ones that pass reserve their place first.
    earlier = ""
    if batch.repeats and caps and batch.stage != "dispatch":
        earlier = """ + (count(*) FILTER (WHERE b.fail IS NULL AND p.purpose = 'marketing')
            OVER (PARTITION BY p.contact_id ORDER BY p.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))"""
    used = {days: f"(coalesce(cu.used_{days}, 0){earlier})" for days, _ in caps}
    capped = " OR ".join(f"{used[days]} >= {int(limit)}" for days, limit in caps) or "false"
    cap_facts = ", ".join(
        f"jsonb_build_object('days', {days}, 'limit', {int(limit)}, 'used', {used[days]})" for days, limit in caps
    )
    unused = "cu.n IS NULL" if caps and not earlier else "false" if caps else "true"
    return _say(
        cursor,
        f"""judged AS (
        SELECT p.*, b.channel, b.account_id, b.account_state, b.identity_id AS address_id, b.fail, b.message_open, b.touch_open,
            b.since_message, b.since_touch, b.message_limit, b.touch_limit, b.last_inbound_at, b.last_touch_at, b.message_seconds,
            b.touch_seconds, t.tried, (p.purpose = 'marketing' AND ({capped})) AS capped, {unused} AS caps_unused,
            CASE WHEN p.purpose = 'marketing' THEN jsonb_build_array({cap_facts}) END AS caps
        FROM person p LEFT JOIN best b ON b.n = p.n LEFT JOIN tried t ON t.n = p.n
        {"LEFT JOIN cap_use cu ON cu.n = p.n" if caps else ""}),
    reasoned AS (
        SELECT j.*, r.reason FROM judged j CROSS JOIN LATERAL (SELECT CASE
            WHEN NOT j.found THEN 'contact_gone'
            WHEN j.approved IS NOT TRUE THEN 'not_approved'
            WHEN j.expires_at <= %(now)s THEN 'expired'
            WHEN j.channel IS NULL THEN 'no_variant'
            WHEN j.fail IS NOT NULL THEN j.fail
            WHEN j.hold_until IS NOT NULL AND NOT j.defer_quiet THEN 'late'
            WHEN j.expires_at <= j.send_at THEN 'expired'
            WHEN j.capped THEN 'capped'
            WHEN j.hold_until IS NOT NULL THEN 'quiet_hours'
            WHEN j.account_state = %(broken)s THEN 'channel_broken'
            WHEN j.account_state = %(paused)s THEN 'channel_paused'
            ELSE '' END AS reason) r),
    verdict AS (
        SELECT v.*, k.tags, CASE WHEN reason IN ('', 'channel_broken', 'channel_paused') THEN 'queued'
                WHEN reason = 'quiet_hours' THEN 'held' WHEN reason = 'expired' THEN 'expired' ELSE 'suppressed' END AS state,
            CASE WHEN reason = '' AND tried IS NULL AND caps_unused AND message_seconds IS NULL THEN z.plain
            ELSE jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('stage', %(stage)s, 'at', to_jsonb(%(now)s::timestamptz),
                'reason', reason, 'zone', z.name, 'zone_from', z.source, 'quiet_until', z.quiet_until, 'hold_until', hold_until,
                'channel', CASE WHEN fail IS NULL THEN channel END, 'tried', tried, 'caps', caps,
                'expires_at', expires_at, 'window', CASE WHEN message_seconds IS NOT NULL AND fail IS NULL THEN
                    CASE WHEN message_open THEN jsonb_build_object('opened_by', 'message', 'opened_at', last_inbound_at,
                        'closes_at', last_inbound_at + make_interval(secs => message_seconds), 'used', since_message,
                        'limit', message_limit)
                    ELSE jsonb_build_object('opened_by', 'touch', 'opened_at', last_touch_at,
                        'closes_at', last_touch_at + make_interval(secs => touch_seconds), 'used', since_touch,
                        'limit', touch_limit)
                    END END))) END AS look
        FROM reasoned v LEFT JOIN zone z ON z.number = v.zone_number LEFT JOIN content k ON k.content_id = v.content_id)""",
        {"now": batch.now, "stage": batch.stage, "broken": ChannelState.BROKEN, "paused": ChannelState.PAUSED},
    )
