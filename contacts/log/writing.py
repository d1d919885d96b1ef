"""The one writer of the event log.

Lock order in one transaction, the same for everybody: event keys (sorted), contacts (by id), identities, orders, and last the
order lock. Whoever holds the order lock takes no further row lock before it commits: so append last in your transaction.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from contacts.enums import EventKind
from contacts.log import orders, partitions, rollups
from contacts.log.copying import NULL, array, copy_rows, copy_text, json_text
from contacts.log.incoming import Appended, Incoming, Placed
from scrm.core import live
from scrm.core.models import Company
from scrm.lib import clock
from scrm.lib.hints import poke_on_commit

ORDER_LOCK = 0x7A6B0001
"""Advisory lock that makes event ids commit-ordered; held from just before ``nextval`` until the commit."""

_COLUMNS = "id, contact_id, identity_id, kind, channel, account_id, occurred_at, recorded_at, local_date, properties"
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_LONGEST_KIND = 100
_MOST_ANNOUNCED = 10

OWN_KINDS = frozenset(
    {
        EventKind.AUTO_REPLIED,
        EventKind.STAGE_CHANGED,
        EventKind.TAG_ADDED,
        EventKind.TAG_REMOVED,
        EventKind.CONTACT_MERGED,
        EventKind.CONTACT_UNMERGED,
        EventKind.CONSENT_GRANTED,
        EventKind.CONSENT_WITHDRAWN,
        EventKind.SEGMENT_ENTERED,
        EventKind.SEGMENT_LEFT,
        EventKind.MESSAGE_SENT,
        EventKind.MESSAGE_HELD,
        EventKind.MESSAGE_SUPPRESSED,
        EventKind.MESSAGE_FAILED,
        EventKind.MESSAGE_DELIVERED,
        EventKind.MESSAGE_BOUNCED,
        EventKind.COUPON_ISSUED,
        EventKind.JOURNEY_ENTERED,
        EventKind.JOURNEY_EXITED,
        EventKind.TICKET_OPENED,
        EventKind.TICKET_SOLVED,
        EventKind.TICKET_REOPENED,
        EventKind.TICKET_CLOSED,
    }
)
"""What our side does. It is on the timeline, but it is no act of the person: it moves no last_seen_at and no counter."""


def append_own(batch: Sequence[Incoming]) -> list[Appended]:
    """Events of our own side, ``contact_id`` given, in the caller's transaction; the same order as the batch.

    A constant number of statements. Takes the order lock until the commit, so it belongs at the end of the transaction.
    ``account_id`` and ``external_id`` work as for any event. Raises ValueError when an event names no contact.
    """
    if any(event.contact_id is None for event in batch):
        raise ValueError("append_own needs a contact_id on every event")
    with transaction.atomic():
        return write([Placed(event, event.contact_id) for event in batch])


def write(placed: Sequence[Placed]) -> list[Appended]:
    """Store events whose people are settled, with their roll-ups, in the current transaction; dropped redeliveries have no id."""
    if not placed:
        return []
    now = clock.now()
    fresh = _without_redeliveries(placed, now)
    answers = [Appended(None, item.contact_id) for item in placed]
    if not fresh:
        return answers
    acts = [(n, placed[n], plausible(placed[n].event.occurred_at, now)) for n in fresh]
    partitions.ensure({partitions.month_of(moment) for _n, _item, moment in acts})
    living = _roll_up([(item, moment) for _n, item, moment in acts if is_act(item.event)])
    ends = _ends_of_lines(acts, now)
    take_order_lock()
    with connection.cursor() as cursor:
        # A merge commits under the same lock, so from here on nobody named in the batch can become a tombstone.
        living.update(rollups.survivors({placed[n].contact_id for n in fresh} - living.keys()))
        cursor.execute("SELECT nextval('contacts_event_id_seq') FROM generate_series(1, %s)", [len(fresh)])
        ids = [row[0] for row in cursor.fetchall()]
    lines = []
    for event_id, n, end in zip(ids, fresh, ends, strict=True):
        answer = answers[n]
        contact_id = living.get(answer.contact_id, answer.contact_id)
        answer.event_id, answer.contact_id = event_id, contact_id
        lines.append(f"{event_id}\t{contact_id}\t{end}")
    copy_rows("contacts_event", _COLUMNS, lines)
    poke_on_commit("consumers")
    _announce({answers[n].contact_id for n in fresh})
    return answers


def take_order_lock() -> None:
    """From here to the end of the transaction nobody else is given an event id: ids are committed in their order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ORDER_LOCK])


def _announce(contact_ids: set[int | None]) -> None:
    """Open profile pages look again. Only for a handful of people: in a flood nobody watches single ones."""
    if len(contact_ids) <= _MOST_ANNOUNCED:
        for contact_id in contact_ids:
            live.touch_on_commit("contact", contact_id)


def event_key(account_id: int, external_id: str) -> str:
    """The deduplication key: 128 bits over the source and its id, as 32 hex digits."""
    return hashlib.blake2b(f"{account_id}\0{external_id}".encode("utf-8", "replace"), digest_size=16).hexdigest()


def plausible(occurred_at: datetime, now: datetime) -> datetime:
    """A sender's clock may be wrong; a moment before 1970 or more than a day ahead is taken as now."""
    return occurred_at if _FIRST <= occurred_at <= now + _AHEAD else now


def _without_redeliveries(placed: Sequence[Placed], now: datetime) -> list[int]:
    """Positions of the events that are new, in order. Two with one key in the batch: the first counts."""
    keys: dict[str, tuple[int, int]] = {}
    keyless, keyed = [], []
    for n, item in enumerate(placed):
        event = item.event
        if not event.external_id:
            keyless.append(n)
            continue
        key = event_key(event.account_id, event.external_id)
        if key not in keys:
            keys[key] = (n, event.account_id)
    if keys:
        ordered = sorted(keys)  # one order for all writers: racing ones wait for each other, never in a circle
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO contacts_eventkey (key, account_id, recorded_at)"
                " SELECT key, account_id, %s FROM unnest(%s::uuid[], %s::bigint[]) AS t(key, account_id)"
                " ON CONFLICT DO NOTHING RETURNING encode(uuid_send(key), 'hex')",
                [now, array(ordered), array(keys[key][1] for key in ordered)],
            )
            keyed = [keys[key][0] for (key,) in cursor.fetchall()]
    return sorted(keyless + keyed)


def _roll_up(acts: list[tuple[Placed, datetime]]) -> dict[int, int]:
    """Everything that follows from the acts of people; answers the contacts that are locked, with their survivors."""
    living = rollups.people([(item.contact_id, moment) for item, moment in acts])
    rollups.identities(acts)
    orders.apply(
        [
            (item.event, living[item.contact_id], moment)
            for item, moment in acts
            if item.event.kind in orders.KINDS and item.contact_id in living
        ]
    )
    return living


def is_act(event: Incoming) -> bool:
    """Did the person do it? Opens by machines are not acts."""
    return event.kind not in OWN_KINDS and not event.properties.get("machine")


def _ends_of_lines(acts: Iterable[tuple[int, Placed, datetime]], now: datetime) -> Iterable[str]:
    """Everything behind the contact id, made before the lock is taken so that it is held for the insert alone."""
    zone = ZoneInfo(Company.get().time_zone)
    recorded = now.isoformat()
    days: dict[float, str] = {}
    heads: dict[tuple[str, str, int], str] = {}
    ends = []
    for _n, item, moment in acts:
        event = item.event
        identity = NULL if item.identity_id is None else item.identity_id
        source = (event.kind, event.channel, event.account_id)
        if (head := heads.get(source)) is None:
            kind = copy_text(event.kind.replace("\0", "")[:_LONGEST_KIND])
            head = heads[source] = f"{kind}\t{copy_text(event.channel)}\t{event.account_id}"
        # No clock on earth changes its date within one of these half minutes.
        span = moment.timestamp() // 30
        if (day := days.get(span)) is None:
            day = days[span] = moment.astimezone(zone).date().isoformat()
        properties = copy_text(json_text(event.properties)) if event.properties else "{}"
        ends.append(f"{identity}\t{head}\t{moment.isoformat()}\t{recorded}\t{day}\t{properties}")
    return ends
