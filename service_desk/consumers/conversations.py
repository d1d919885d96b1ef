"""What customers say, read from the log: every message, comment and mention becomes an entry of a conversation. Set-based: a
batch costs a constant number of statements.

A customer has at most one conversation per account that is not closed; a message opens it, wakes it when it is snoozed, or
opens a new one when the last is closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from django.db import connection

from campaigns.enums import Origin
from contacts.consumers import EventRow
from contacts.enums import EventKind
from scrm.core import live
from service_desk import conversations, failures
from service_desk.enums import ConversationState, EntryKind
from service_desk.models import Conversation, Entry

SAID = {EventKind.MESSAGE_IN, EventKind.COMMENTED, EventKind.MENTIONED}
OURS = {
    EventKind.MESSAGE_SENT,
    EventKind.MESSAGE_DELIVERED,
    EventKind.MESSAGE_FAILED,
    EventKind.MESSAGE_SUPPRESSED,
    EventKind.MESSAGE_BOUNCED,
    EventKind.AUTO_REPLIED,
}
_KEPT = (
    *("type", "media", "thumb", "format", "url", "description", "post_id", "post_text", "comment_id", "reply_to"),
    *("picture", "latitude", "longitude"),
)
"""Properties of an event that its entry keeps beside the text."""


@dataclass(slots=True)
class Said:
    """What one person said in this batch by one account, oldest first."""

    contact_id: int
    account_id: int
    events: list[EventRow] = field(default_factory=list)

    @property
    def last(self) -> EventRow:
        return max(self.events, key=lambda event: (event.occurred_at, event.id))

    @property
    def first_at(self) -> datetime:
        return min(event.occurred_at for event in self.events)


def consume(events: Sequence[EventRow]) -> None:
    """Idempotent: an event that has its entry already changes nothing."""
    said = [event for event in events if event.kind in SAID and event.account_id]
    if said:
        _take(said)
    ours = [event for event in events if event.kind in OURS]
    if ours:
        failures.note([event for event in ours if _is_reply(event)])
        _touch(ours)


def reset() -> None:
    """Before a replay from the beginning. Notes, replies and decisions are not in the log, so nothing is deleted: the replay adds
    the entries that are missing, and what is derived from entries is derived again."""
    conversations.derive()


def _take(said: Sequence[EventRow]) -> None:
    known = set(Entry.objects.filter(event_id__in=[e.id for e in said]).values_list("event_id", flat=True))
    whose = _living({event.contact_id for event in said if event.id not in known})
    groups: dict[tuple[int, int], Said] = {}
    for event in said:
        contact_id = whose.get(event.contact_id)
        if event.id not in known and contact_id is not None:
            key = (contact_id, event.account_id)
            groups.setdefault(key, Said(*key)).events.append(event)
    if not groups:
        return
    ordered = [groups[key] for key in sorted(groups)]
    before = _going(ordered)
    ids = _upsert(ordered)
    _tell(ordered, ids, before)
    _insert_entries(ordered, ids)
    live.touch_on_commit("inbox")
    for pk in ids.values():
        live.touch_on_commit("conversation", pk)


def _living(contact_ids: set[int]) -> dict[int, int]:
    """Contact id to where the person lives now. Held against a merge until the transaction ends; who was erased is left out."""
    found: dict[int, int] = {}
    asked = {pk: pk for pk in contact_ids}
    while asked:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, merged_into_id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
                [sorted(set(asked.values()))],
            )
            rows = dict(cursor.fetchall())
        onward = {}
        for asked_for, place in asked.items():
            if place not in rows:
                continue
            if rows[place] is None:
                found[asked_for] = place
            else:
                onward[asked_for] = rows[place]
        asked = onward
    return found


def _going(groups: list[Said]) -> dict[tuple[int, int], tuple[int, str]]:
    """The conversations that are not closed, locked in the order in which everybody locks them: (id, state) by pair."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.contact_id, c.account_id, c.id, c.state FROM service_desk_conversation c"
            " JOIN unnest(%s::bigint[], %s::bigint[]) AS t(contact, account) ON c.contact_id = t.contact"
            " AND c.account_id = t.account WHERE NOT (c.state = 'closed') ORDER BY c.id FOR NO KEY UPDATE OF c",
            [[group.contact_id for group in groups], [group.account_id for group in groups]],
        )
        return {(contact, account): (pk, state) for contact, account, pk, state in cursor.fetchall()}


_UPSERT = """
INSERT INTO service_desk_conversation AS c (contact_id, channel, account_id, identity_id, state, opened_at, last_at,
    last_inbound_at, waiting_since, excerpt, last_kind, unread, version)
SELECT t.contact, t.channel, t.account, t.identity, 'open', t.first, t.last, t.last, t.first, t.excerpt, 'customer', t.n, 1
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::int[])
    AS t(contact, channel, account, identity, first, last, excerpt, n)
ON CONFLICT (contact_id, account_id) WHERE NOT (state = 'closed') DO UPDATE SET
    state = 'open', snoozed_until = NULL, unread = c.unread + excluded.unread, version = c.version + 1,
    waiting_since = least(c.waiting_since, excluded.waiting_since),
    last_inbound_at = greatest(c.last_inbound_at, excluded.last_inbound_at),
    identity_id = coalesce(excluded.identity_id, c.identity_id),
    excerpt = CASE WHEN excluded.last_at >= c.last_at THEN excluded.excerpt ELSE c.excerpt END,
    last_kind = CASE WHEN excluded.last_at >= c.last_at THEN 'customer' ELSE c.last_kind END,
    last_at = greatest(c.last_at, excluded.last_at)
RETURNING c.contact_id, c.account_id, c.id
"""


def _upsert(groups: list[Said]) -> dict[tuple[int, int], int]:
    """One conversation for each pair, made or moved on; the unique key decides who makes it when two are at it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT,
            [
                [group.contact_id for group in groups],
                [group.last.channel for group in groups],
                [group.account_id for group in groups],
                [group.last.identity_id for group in groups],
                [group.first_at for group in groups],
                [group.last.occurred_at for group in groups],
                [conversations.excerpt(*_words(group.last)) for group in groups],
                [len(group.events) for group in groups],
            ],
        )
        return {(contact, account): pk for contact, account, pk in cursor.fetchall()}


def _tell(groups: list[Said], ids: dict[tuple[int, int], int], before: dict[tuple[int, int], tuple[int, str]]) -> None:
    """Log lines: woken by a message, or opened behind a closed one."""
    lines = []
    fresh = [group for group in groups if (group.contact_id, group.account_id) not in before]
    previous = _previous(fresh, ids)
    for group in groups:
        key = (group.contact_id, group.account_id)
        data: dict[str, object] = {}
        if key in before and before[key][1] == ConversationState.SNOOZED:
            data = {"what": "woken", "by": "message"}
        elif key in previous:
            data = {"what": "followed", "previous": previous[key]}
        if data:
            lines.append(Entry(conversation_id=ids[key], kind=EntryKind.LOG, data=data, at=group.first_at))
    Entry.objects.bulk_create(lines)


def _previous(fresh: list[Said], ids: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """The closed conversation before each new one."""
    if not fresh:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.contact, t.account, (SELECT c.id FROM service_desk_conversation c WHERE c.contact_id = t.contact"
            " AND c.account_id = t.account AND c.state = 'closed' ORDER BY c.last_at DESC, c.id DESC LIMIT 1)"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS t(contact, account)",
            [[group.contact_id for group in fresh], [group.account_id for group in fresh]],
        )
        return {(contact, account): pk for contact, account, pk in cursor.fetchall() if pk is not None}


def _insert_entries(groups: list[Said], ids: dict[tuple[int, int], int]) -> None:
    rows = sorted(
        ((event, ids[group.contact_id, group.account_id]) for group in groups for event in group.events),
        key=lambda row: (row[0].occurred_at, row[0].id),
    )
    bodies, data = [], []
    for event, _pk in rows:
        kind, text = _words(event)
        bodies.append(text)
        kept = {name: event.properties[name] for name in _KEPT if event.properties.get(name) not in (None, "")}
        data.append(orjson.dumps({**kept, "type": kind}).decode())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO service_desk_entry (conversation_id, kind, event_id, body, data, at)"
            " SELECT t.conversation, 'customer', t.event, t.body, t.data::jsonb, t.at"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[])"
            " WITH ORDINALITY AS t(conversation, event, body, data, at, n) ORDER BY t.n"
            " ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING",
            [[pk for _e, pk in rows], [e.id for e, _pk in rows], bodies, data, [e.occurred_at for e, _pk in rows]],
        )


def _words(event: EventRow) -> tuple[str, str]:
    """(type, text). A comment and a mention are types too: the reply box asks what the last thing was."""
    kind = {EventKind.COMMENTED: "comment", EventKind.MENTIONED: "mention"}.get(event.kind)
    text = event.properties.get("text")
    return kind or str(event.properties.get("type") or "text"), str(text or "").replace("\x00", "")[:10_000]


def _is_reply(event: EventRow) -> bool:
    return event.properties.get("origin") == Origin.AGENT


def _touch(ours: Sequence[EventRow]) -> None:
    """What became of a message of ours is shown beside it: conversations with these people are drawn again where they are open."""
    concerned = {event.contact_id for event in ours}
    rows = Conversation.objects.filter(contact__in=concerned).going().values_list("pk", flat=True)
    shown = set(rows.order_by())
    shown |= {
        ref["conversation"]
        for event in ours
        if isinstance(ref := event.properties.get("ref"), dict) and isinstance(ref.get("conversation"), int)
    }
    for pk in shown:
        live.touch_on_commit("conversation", pk)
