"""Consumer ``daily``: events -> counts per day, channel and programme.

Exactly once, since the cursor moves in the same transaction.
"""

from collections import Counter
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg2.extras import execute_values

from analytics.metrics import BY_EVENT, Metric
from analytics.models import DailyCount, FirstTouch, ProgrammeCount
from scrm.core.models import Company


def consume(events: list) -> None:
    """``events``: contacts.consumers.EventRow in commit order. A constant number of statements per batch."""
    zone = ZoneInfo(Company.get().time_zone)
    counted = [(BY_EVENT[event.kind], event) for event in events if event.kind in BY_EVENT]
    counted = [pair for pair in counted if not (pair[0].key == "opened" and pair[1].properties.get("machine"))]
    fresh = _first_touches(counted)
    days: Counter[tuple] = Counter()
    programmes: Counter[tuple] = Counter()
    for metric, event in counted:
        if metric.once and not _take(fresh, metric, event):
            continue
        detail = str(event.properties.get(metric.detail, ""))[:40] if metric.detail else ""
        days[(event.occurred_at.astimezone(zone).date(), metric.key, event.channel, detail)] += 1
        origin, origin_id = event.properties.get("origin"), event.properties.get("origin_id")
        if origin and origin_id is not None:
            programmes[(str(origin)[:12], int(origin_id), metric.key)] += 1
    _add("analytics_dailycount", ("day", "metric", "channel", "detail"), days)
    _add("analytics_programmecount", ("origin", "origin_id", "metric"), programmes)


def _message_id(event) -> int | None:
    value = event.properties.get("message")
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else None


def _first_touches(counted: list[tuple[Metric, object]]) -> set[tuple[int, str]]:
    """The (message, metric) pairs of this batch that were never seen before; remembered from now on."""
    wanted = {(_message_id(event), metric.key) for metric, event in counted if metric.once}
    wanted = sorted((message, key) for message, key in wanted if message is not None)
    if not wanted:
        return set()
    with connection.cursor() as cursor:
        rows = execute_values(
            cursor.cursor,
            "INSERT INTO analytics_firsttouch (message_id, metric) VALUES %s ON CONFLICT DO NOTHING RETURNING message_id, metric",
            wanted,
            page_size=len(wanted),
            fetch=True,
        )
    return set(rows)


def _take(fresh: set[tuple[int, str]], metric: Metric, event) -> bool:
    """True for the first event of a fresh message; an event without a message always counts."""
    message = _message_id(event)
    if message is None:
        return True
    if (message, metric.key) in fresh:
        fresh.discard((message, metric.key))
        return True
    return False


def _add(table: str, keys: tuple[str, ...], counts: Counter) -> None:
    if not counts:
        return
    columns = ", ".join(keys)
    rows = [(*key, count) for key, count in sorted(counts.items(), key=lambda item: tuple(map(str, item[0])))]
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            f"INSERT INTO {table} ({columns}, count) VALUES %s"
            f" ON CONFLICT ({columns}) DO UPDATE SET count = {table}.count + EXCLUDED.count",
            rows,
            page_size=len(rows),
        )


def reset() -> None:
    """Empty what this consumer builds, before it reads the log from the beginning (contacts.consumers.rewind)."""
    for model in (DailyCount, ProgrammeCount, FirstTouch):
        model.objects.all().delete()
