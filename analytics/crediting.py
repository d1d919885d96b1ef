"""Attribution: which programme an order is credited to.

Last non-direct touch: the newest click, reply (or, where the company wants it, open or delivery) of a message of a campaign or
journey, inside the window of its channel, before the order was placed. Source: the design's ``insight.md`` (default: click or
reply 5 days, SMS also delivery 12 hours, opens off; opens by machines never count).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from psycopg2.extras import execute_values

from analytics.enums import ProgrammeKind, TouchKind
from analytics.models import ChannelTerms
from contacts.enums import ChannelKind

PROGRAMMES = tuple(ProgrammeKind.values)
CHANNELS = [ChannelKind.OA, ChannelKind.EMAIL, ChannelKind.WEIBO, ChannelKind.SMS]
"""Channels that messages leave by, today or soon."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Hours that a touch counts, 0 = does not; price of one message in the company's currency."""

    price: Decimal = Decimal(0)
    click_hours: int = 120
    reply_hours: int = 120
    open_hours: int = 0
    delivery_hours: int = 0

    def hours(self, kind: str) -> int:
        return {
            TouchKind.CLICKED: self.click_hours,
            TouchKind.REPLIED: self.reply_hours,
            TouchKind.OPENED: self.open_hours,
            TouchKind.DELIVERED: self.delivery_hours,
        }[TouchKind(kind)]


DEFAULTS = {ChannelKind.SMS.value: Terms(price=Decimal("0.05"), delivery_hours=12)}


def terms() -> dict[str, Terms]:
    """Channel -> terms in force. One query."""
    found = {channel.value: DEFAULTS.get(channel.value, Terms()) for channel in CHANNELS}
    for row in ChannelTerms.objects.all():
        found[row.channel] = Terms(row.price, row.click_hours, row.reply_hours, row.open_hours, row.delivery_hours)
    return found


def keep_touches(rows: list[tuple]) -> None:
    """(event id, contact, at, kind, channel, origin, origin id, message). One statement; a touch that is there stays."""
    if rows:
        with connection.cursor() as cursor:
            execute_values(
                cursor.cursor,
                "INSERT INTO analytics_touch (event_id, contact_id, at, kind, channel, origin, origin_id, message_id)"
                " VALUES %s ON CONFLICT DO NOTHING",
                rows,
                page_size=len(rows),
            )


def answered(messages_in: list[tuple[int, int, datetime, str]]) -> list[tuple]:
    """Touches of kind reply from (event id, contact, at, channel): each goes to the last message of a programme that was sent to
    the person on that channel before. One statement."""
    if not messages_in:
        return []
    with connection.cursor() as cursor:
        return execute_values(
            cursor.cursor,
            "SELECT v.event_id, v.contact_id, v.at, 'replied', v.channel, m.origin, m.origin_id, m.id"
            " FROM (VALUES %s) AS v(event_id, contact_id, at, channel) CROSS JOIN LATERAL ("
            "  SELECT id, origin, origin_id FROM campaigns_message m WHERE m.contact_id = v.contact_id"
            "  AND m.channel = v.channel AND m.sent_at <= v.at AND m.sent_at > v.at - interval '30 days'"
            "  ORDER BY m.id DESC LIMIT 1) m WHERE m.origin IN ('campaign', 'journey')",
            messages_in,
            template="(%s::bigint, %s::bigint, %s::timestamptz, %s::text)",
            page_size=len(messages_in),
            fetch=True,
        )


def orders_after(touches: Iterable[tuple[int, datetime]]) -> set[int]:
    """Orders that the touches (contact, at) may be credited with. One statement."""
    first: dict[int, datetime] = {}
    for contact_id, at in touches:
        first[contact_id] = min(first.get(contact_id, at), at)
    if not first:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.id FROM contacts_order o JOIN unnest(%s::bigint[], %s::timestamptz[]) AS t(contact_id, at)"
            " ON t.contact_id = o.contact_id AND o.placed_at >= t.at",
            [list(first), list(first.values())],
        )
        return {row[0] for row in cursor.fetchall()}


def orders_named(keys: Iterable[tuple[int, str]]) -> set[int]:
    """Orders by (account, number)."""
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.id FROM contacts_order o JOIN unnest(%s::bigint[], %s::text[]) AS t(account_id, number)"
            " ON t.account_id = o.account_id AND t.number = o.external_id",
            [[key[0] for key in wanted], [key[1] for key in wanted]],
        )
        return {row[0] for row in cursor.fetchall()}


def credit(order_ids: Iterable[int]) -> None:
    """Credit orders anew, in the current transaction. Idempotent; one statement, two without any window."""
    ids = sorted(set(order_ids))
    if not ids:
        return
    spans = [
        (channel, kind.value, timedelta(hours=hours))
        for channel, held in terms().items()
        for kind in TouchKind
        if (hours := held.hours(kind))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO analytics_credit AS c"
            " (order_id, contact_id, at, origin, origin_id, channel, kind, touched_at, message_id)"
            " SELECT o.id, o.contact_id, o.placed_at, coalesce(t.origin, ''), coalesce(t.origin_id, 0),"
            "  coalesce(t.channel, ''), coalesce(t.kind, ''), t.at, t.message_id"
            " FROM contacts_order o LEFT JOIN LATERAL ("
            "  SELECT touch.* FROM analytics_touch touch"
            "  JOIN unnest(%s::text[], %s::text[], %s::interval[]) AS w(channel, kind, span)"
            "   ON w.channel = touch.channel AND w.kind = touch.kind"
            "  WHERE touch.contact_id = o.contact_id AND touch.at <= o.placed_at AND touch.at > o.placed_at - w.span"
            "  ORDER BY touch.at DESC, touch.event_id DESC LIMIT 1) t ON true"
            " WHERE o.id = ANY(%s::bigint[]) ORDER BY o.id"
            " ON CONFLICT (order_id) DO UPDATE SET contact_id = excluded.contact_id, at = excluded.at,"
            "  origin = excluded.origin, origin_id = excluded.origin_id, channel = excluded.channel,"
            "  kind = excluded.kind, touched_at = excluded.touched_at, message_id = excluded.message_id",
            [[s[0] for s in spans], [s[1] for s in spans], [s[2] for s in spans], ids],
        )


def credit_all() -> int:
    """Every order again, after the windows were changed; answers how many. In batches of 5,000."""
    done, last = 0, 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM contacts_order WHERE id > %s ORDER BY id LIMIT 5000", [last])
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return done
        credit(ids)
        done, last = done + len(ids), ids[-1]


def merged(survivor_id: int, other_id: int) -> None:
    """A merge (settings.CONTACT_MERGE_HANDLERS): touches follow; the consumer credits the orders again, when it reads of it."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE analytics_touch SET contact_id = %s WHERE contact_id = %s", [survivor_id, other_id])


def unmerged(survivor_id: int, other_id: int) -> None:
    """Touches follow their messages, which have gone back already (campaigns.merging comes before)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE analytics_touch t SET contact_id = m.contact_id FROM campaigns_message m"
            " WHERE t.contact_id = %s AND m.id = t.message_id AND m.contact_id = %s",
            [survivor_id, other_id],
        )
