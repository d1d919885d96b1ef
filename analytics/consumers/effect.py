"""Consumer ``effect``: touches, credited orders, and messages per programme and channel.

Touches and credits are idempotent by their keys, the counts are exactly once since the cursor moves in the same transaction.
"""

from collections import Counter

from django.db import connection
from psycopg2.extras import execute_values

from analytics import crediting
from analytics.enums import TouchKind
from analytics.models import Credit, ProgrammeSent, Touch
from contacts.enums import EventKind
from contacts.models import Order

_TOUCHES = {
    EventKind.MESSAGE_CLICKED.value: TouchKind.CLICKED,
    EventKind.MESSAGE_OPENED.value: TouchKind.OPENED,
    EventKind.MESSAGE_DELIVERED.value: TouchKind.DELIVERED,
}
_MERGES = {EventKind.CONTACT_MERGED.value, EventKind.CONTACT_UNMERGED.value}


def consume(events: list) -> None:
    """``events``: contacts.consumers.EventRow in commit order. A constant number of statements per batch."""
    touches = [row for event in events if (row := _touch(event))]
    asked = [(e.id, e.contact_id, e.occurred_at, e.channel) for e in events if e.kind == EventKind.MESSAGE_IN]
    touches += crediting.answered(asked)
    crediting.keep_touches(touches)
    orders = crediting.orders_after((row[1], row[2]) for row in touches)
    orders |= crediting.orders_named(
        (event.account_id, str(event.properties.get("order_id") or "").strip()[:120])
        for event in events
        if event.kind.startswith("order_")
    )
    joined = {event.contact_id for event in events if event.kind in _MERGES}
    if joined:
        orders |= set(Order.objects.filter(contact_id__in=joined).values_list("pk", flat=True))
    crediting.credit(orders)
    _count(events)


def reset() -> None:
    """Empty what this consumer builds, before it reads the log from the beginning (contacts.consumers.rewind)."""
    for model in (Touch, Credit, ProgrammeSent):
        model.objects.all().delete()


def _touch(event) -> tuple | None:  # type: ignore[no-untyped-def]
    kind, told = _TOUCHES.get(event.kind), event.properties
    if kind is None or told.get("origin") not in crediting.PROGRAMMES or not isinstance(told.get("message"), int):
        return None
    if kind == TouchKind.OPENED and told.get("machine"):
        return None
    programme = (told["origin"], int(told.get("origin_id") or 0), told["message"])
    return (event.id, event.contact_id, event.occurred_at, kind.value, event.channel, *programme)


def _count(events: list) -> None:
    sent = Counter(
        (str(event.properties["origin"]), int(event.properties.get("origin_id") or 0), event.channel)
        for event in events
        if event.kind == EventKind.MESSAGE_SENT and event.properties.get("origin") in crediting.PROGRAMMES
    )
    if not sent:
        return
    rows = [(*key, number) for key, number in sorted(sent.items())]
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "INSERT INTO analytics_programmesent AS p (origin, origin_id, channel, count) VALUES %s"
            " ON CONFLICT (origin, origin_id, channel) DO UPDATE SET count = p.count + excluded.count",
            rows,
            page_size=len(rows),
        )
