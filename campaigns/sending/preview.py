"""Who will get it, who is held until when, who not and why: the verdicts of the gates, without writing anything."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from campaigns.enums import Reason, State
from campaigns.models import Content
from campaigns.sending import gates
from campaigns.sending.batch import empty_table, survey
from campaigns.sending.plan import COLUMNS
from scrm.lib import clock

CHUNK = 20_000
SAMPLE = 5


@dataclass(slots=True)
class Line:
    """Everybody with the same verdict. ``state``: queued (will get it now), held, suppressed or expired."""

    state: str
    reason: str
    channel: str
    count: int = 0
    first_until: datetime | None = None
    last_until: datetime | None = None
    sample: list[int] = field(default_factory=list)
    """A few contact ids."""

    @property
    def words(self) -> str:
        return str(Reason(self.reason).label) if self.reason else ""


@dataclass(slots=True)
class Preview:
    lines: list[Line]

    def _count(self, *states: str) -> int:
        return sum(line.count for line in self.lines if line.state in states)

    @property
    def total(self) -> int:
        return sum(line.count for line in self.lines)

    @property
    def will(self) -> int:
        return self._count(State.QUEUED)

    @property
    def held(self) -> int:
        return self._count(State.HELD)

    @property
    def not_sent(self) -> int:
        return self._count(State.SUPPRESSED, State.EXPIRED)


def preview(
    people: Iterable[int] | QuerySet,
    *,
    content: Content,
    channels: list[str],
    purpose: str | None = None,
    at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Preview:
    """The verdict table if ``content`` were sent to these contacts at ``at`` (business time, default now). ``people``:
    ids or a queryset of contacts. The content counts as approved, so that a draft can be previewed. Locks and keeps
    nothing; one person twice counts twice."""
    if isinstance(people, QuerySet):
        people = people.order_by().values_list("id", flat=True)
    ids = sorted(people)
    lines: dict[tuple[str, str, str], Line] = {}
    for start in range(0, len(ids), CHUNK):
        for row in _look(
            ids[start : start + CHUNK], content, purpose or content.purpose, channels, at or clock.now(), expires_at
        ):
            _add(lines, row)
    order = {State.QUEUED: 0, State.HELD: 1}
    return Preview(sorted(lines.values(), key=lambda line: (order.get(State(line.state), 2), -line.count)))


@transaction.atomic
def _look(
    ids: list[int], content: Content, purpose: str, channels: list[str], now: datetime, expires_at: datetime | None
) -> list[tuple]:
    with connection.cursor() as cursor:
        empty_table(cursor)
        cursor.execute(
            f"INSERT INTO sending_req ({COLUMNS}) SELECT ids.n, ids.n, ids.id, %s, %s, 'system', 0, %s, '{{}}', '{{}}', %s, true,"
            " NULL"
            " FROM unnest(%s::bigint[]) WITH ORDINALITY AS ids(id, n)",
            [content.pk, purpose, channels, expires_at, ids],
        )
        batch = survey(cursor, "plan", now, lock=False)
        if batch is None:
            return []
        batch.contents = [(pk, True, tags) for pk, _approved, tags in batch.contents]
        cursor.execute(
            f"{gates.verdicts(cursor, batch)} SELECT state, reason, CASE WHEN fail IS NULL THEN coalesce(channel, '') ELSE '' END,"
            f" count(*), min(hold_until), max(hold_until), (array_agg(contact_id))[1:{SAMPLE}] FROM verdict GROUP BY 1, 2, 3"
        )
        return cursor.fetchall()


def _add(lines: dict[tuple[str, str, str], Line], row: tuple) -> None:
    state, reason, channel, count, first, last, sample = row
    line = lines.setdefault((state, reason, channel), Line(state, reason, channel))
    line.count += count
    line.sample = (line.sample + sample)[:SAMPLE]
    if state == State.HELD:
        line.first_until = min(first, line.first_until or first)
        line.last_until = max(last, line.last_until or last)
