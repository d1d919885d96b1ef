"""By which channels could somebody of ours write to a person right now? The gates themselves answer, nothing is written."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from campaigns.enums import State
from campaigns.sending import gates, rules
from campaigns.sending.batch import empty_table, survey
from contacts.enums import Purpose
from scrm.lib import clock

COMMENT = "comment"
_KINDS = {"email": "email"}
"""The kind of a written body by channel; everywhere else it is plain text."""
_SELECT = """ SELECT n, coalesce(channel, ''), coalesce(account_id, 0), address_id, state, reason, last_inbound_at, message_seconds,
    since_message, message_limit, coalesce(message_open, false), coalesce(touch_open, false), last_touch_at, touch_seconds,
    since_touch, touch_limit FROM verdict ORDER BY n"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer. ``reason`` is empty or a campaigns.enums.Reason; one may wait (a paused channel) and still be ``open``."""

    channel: str
    kind: str
    account_id: int
    identity_id: int | None
    state: str
    reason: str
    closes_at: datetime | None = None
    """End of the platform's reply window; None when the channel has none or it is closed."""
    used: int = 0
    limit: int = 0

    @property
    def open(self) -> bool:
        return self.state in {State.QUEUED, State.HELD}

    @property
    def left(self) -> int:
        """Messages that the platform still takes in this window."""
        return max(self.limit - self.used, 0)

    @property
    def key(self) -> str:
        return COMMENT if self.kind == COMMENT else self.channel


@transaction.atomic
def ways(contact_id: int, *, channel: str = "", identity_id: int | None = None, comment: bool = False) -> list[Way]:
    """Ways to a person: first ``channel`` by the address ``identity_id`` (a conversation's own), as a comment too when there is
    one to answer, then every other channel that can send. A constant number of queries."""
    asked: list[tuple[str, str, int | None]] = []
    if channel:
        asked.append((channel, kind_for(channel), identity_id))
        if comment:
            asked.append((channel, COMMENT, identity_id))
    others = dict.fromkeys(route.channel for route in rules.routes() if route.channel != channel)
    asked += [(other, kind_for(other), None) for other in others]
    if not asked:
        return []
    with connection.cursor() as cursor:
        empty_table(cursor)
        cursor.execute(
            "INSERT INTO sending_req (n, key, contact_id, purpose, origin, origin_id, channels, ref, context, defer_quiet,"
            " identity_id, body) SELECT t.n, t.n::text, %s, %s, 'agent', 0, ARRAY[t.channel], '{}', '{}', true, t.identity,"
            " jsonb_build_object('kind', t.kind)"
            " FROM unnest(%s::int[], %s::text[], %s::text[], %s::bigint[]) AS t(n, channel, kind, identity)",
            [
                contact_id,
                Purpose.SERVICE,
                list(range(len(asked))),
                [way[0] for way in asked],
                [way[1] for way in asked],
                [way[2] for way in asked],
            ],
        )
        batch = survey(cursor, "plan", clock.now(), lock=False)
        if batch is None:
            return []
        cursor.execute(gates.verdicts(cursor, batch) + _SELECT)
        return [_way(asked[row[0]], row[1:]) for row in cursor.fetchall()]


def kind_for(channel: str) -> str:
    return _KINDS.get(channel, "text")


def body(way_kind: str, text: str, **data: object) -> dict[str, object]:
    """What SendRequest.body takes."""
    return {"kind": way_kind, "text": text, "data": {name: value for name, value in data.items() if value}}


def _way(asked: tuple[str, str, int | None], row: tuple) -> Way:
    channel, kind, identity_id = asked
    account_id, address_id, state, reason = row[1:5]
    closes_at, used, limit = (None, 0, 0) if kind == COMMENT else _window(*row[5:])
    return Way(channel, kind, account_id, address_id or identity_id, state, reason, closes_at, used, limit)


def _window(
    inbound: datetime | None,
    seconds: int | None,
    used: int,
    limit: int,
    open_: bool,
    touched: bool,
    touch_at: datetime | None,
    touch_seconds: int,
    touch_used: int,
    touch_limit: int,
) -> tuple[datetime | None, int, int]:
    if seconds is None:
        return None, 0, 0
    if open_ and inbound:
        return inbound + timedelta(seconds=seconds), used, limit
    if touched and touch_at:
        return touch_at + timedelta(seconds=touch_seconds), touch_used, touch_limit
    return None, 0, limit
