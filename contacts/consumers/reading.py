"""Reading the log by cursor. Ids are commit-ordered: after reading up to N nothing at or below N will ever appear."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from scrm.lib import clock

_COUNT_UP_TO = 10_000
_COLUMNS = "id, contact_id, identity_id, kind, channel, account_id, occurred_at, recorded_at, properties"


@dataclass(slots=True)
class EventRow:
    id: int
    contact_id: int
    identity_id: int | None
    kind: str
    channel: str
    account_id: int
    occurred_at: datetime
    recorded_at: datetime
    properties: dict[str, Any]


def since(event_id: int, limit: int = 1000, kinds: Sequence[str] | None = None) -> list[EventRow]:
    """The next events after ``event_id`` in commit order, at most ``limit``; only these kinds when given."""
    narrowed = " AND kind = ANY(%s)" if kinds is not None else ""
    parameters: list[Any] = [event_id, *([list(map(str, kinds))] if kinds is not None else []), limit]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM contacts_event WHERE id > %s{narrowed} ORDER BY id LIMIT %s", parameters
        )
        return _rows(cursor.fetchall())


def by_ids(event_ids: Iterable[int]) -> list[EventRow]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM contacts_event WHERE id = ANY(%s) ORDER BY id", [list(event_ids)])
        return _rows(cursor.fetchall())


def last_id() -> int:
    """The highest id given out so far (perhaps not committed yet). No table is read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM contacts_event_id_seq")
        return cursor.fetchone()[0]


def waiting_after(position: int) -> dict[str, int]:
    """Events behind a cursor (exact up to 10,000, then by the ids), and for how many seconds of business time the first waits."""
    newest = last_id()
    first = since(position, 1) if position < newest else []
    if not first:
        return {"waiting": 0, "oldest_seconds": 0}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM contacts_event WHERE id > %s LIMIT %s) found", [position, _COUNT_UP_TO]
        )
        number = cursor.fetchone()[0]
    if number == _COUNT_UP_TO:
        number = max(number, newest - position)
    return {"waiting": number, "oldest_seconds": max(0, round((clock.now() - first[0].recorded_at).total_seconds()))}


def _rows(found: list[tuple]) -> list[EventRow]:
    return [EventRow(*row[:8], orjson.loads(row[8])) for row in found]
