"""From what customers say and we answer to tickets and their clocks; reads the log after the conversations do.

* a complaint opens a ticket when the conversation has none that is not solved; further words join it,
* a word on a pending or solved ticket reopens it, unless it is mere thanks,
* a complaint or question soon after closing opens a follow-up linked to the closed one,
* a reply of a person stops the clocks; a digit after the satisfaction question is the rating.

Set-based: a batch costs a constant number of statements, be it ten events or thousands.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection

from campaigns.enums import Origin
from contacts.consumers import EventRow
from contacts.enums import EventKind
from contacts.intake import Incoming, append_own
from service_desk import complaints, detector, satisfaction
from service_desk.enums import Priority, Speech, TicketKind, TicketState
from service_desk.flow import Desk, Work, lock_tickets
from service_desk.models import ChannelDesk, Conversation, Survey, Ticket

SAID = {EventKind.MESSAGE_IN, EventKind.COMMENTED, EventKind.MENTIONED}
LAST_WORDS = {EventKind.MESSAGE_SENT, EventKind.MESSAGE_SUPPRESSED, EventKind.MESSAGE_FAILED}
_TITLE = 80
Key = tuple[int, int]
"""Contact and channel account."""


def consume(events: Sequence[EventRow]) -> None:
    """Idempotent: a ticket remembers the last event it knows, and an event opens one ticket at most."""
    said = [event for event in events if event.kind in SAID and event.account_id and _text(event)]
    replies = [event for event in events if event.kind == EventKind.MESSAGE_SENT and _conversation(event)]
    satisfaction.note_outcomes([event for event in events if event.kind in LAST_WORDS])
    if said or replies:
        told = Batch(said, replies).carry_out()
        append_own(told)


class Batch:
    def __init__(self, said: Sequence[EventRow], replies: Sequence[EventRow]) -> None:
        self.desk = Desk()
        places = _places({_conversation(event) for event in replies})
        whose = _living({event.contact_id for event in said})
        known = _openers([event.id for event in said])
        self.events: list[tuple[EventRow, Key]] = [
            (event, (whose[event.contact_id], event.account_id))
            for event in said
            if event.contact_id in whose and event.id not in known
        ]
        self.events += [
            (event, places[pk]) for event in replies if (pk := _conversation(event)) is not None and pk in places
        ]
        self.events.sort(key=lambda row: row[0].id)
        keys = sorted({key for _event, key in self.events})
        self.going = _lock_conversations(keys)
        self.works = self._load(keys)
        self.routes = {row.account_id: row for row in ChannelDesk.objects.filter(account_id__in={a for _c, a in keys})}
        self.detector = detector.current() if self.events else None
        self.ratings: list[Survey] = []

    def carry_out(self) -> list[Incoming]:
        for event, key in self.events:
            work = self.works.get(key)
            if event.kind in SAID:
                self._heard(event, key, work)
            elif work is not None:
                self.desk.answered(work, event.occurred_at)
        self._place()
        told = self.desk.save()
        told += satisfaction.rate_all(self.ratings, self.desk)
        return told

    def _load(self, keys: Sequence[Key]) -> dict[Key, Work]:
        """The ticket that matters for each pair: the active one, else the latest."""
        found = _latest(keys)
        works = self.desk.load(lock_tickets(found.values()))
        ended = [work.ticket.pk for work in works if not work.ticket.is_active]
        surveys = {s.ticket_id: s for s in Survey.objects.filter(ticket__in=ended).order_by("cycle")} if ended else {}
        by_id = {work.ticket.pk: work for work in works}
        for work in works:
            work.survey = surveys.get(work.ticket.pk)
        return {key: by_id[pk] for key, pk in found.items() if pk in by_id}

    def _heard(self, event: EventRow, key: Key, work: Work | None) -> None:
        desk, text = self.desk, _text(event)
        if work is None:
            self._perhaps_open(event, key, None)
            return
        if event.id <= work.ticket.last_event_id:
            return
        thanks = complaints.is_thanks(text) and not desk.settings.thanks_reopen
        if work.ticket.is_active:
            if work.state == TicketState.PENDING and thanks:
                desk.seen(work, event.id)
                return
            desk.move(work, TicketState.OPEN, event.occurred_at)
            desk.heard(work, event.occurred_at, event.id)
        elif (stars := satisfaction.stars_in(text, work.survey, event.occurred_at)) is not None:
            desk.seen(work, event.id)
            self.ratings.append(satisfaction.given(work.survey, stars, "", event.occurred_at))
        elif thanks:
            desk.seen(work, event.id)
        elif work.state == TicketState.SOLVED:
            desk.move(work, TicketState.OPEN, event.occurred_at)
            desk.heard(work, event.occurred_at, event.id)
        else:
            self._perhaps_open(event, key, work)

    def _perhaps_open(self, event: EventRow, key: Key, closed: Work | None) -> None:
        """A complaint always; a question only soon after a closed ticket, as its follow-up."""
        assert self.detector is not None
        text = _text(event)
        verdict = self.detector.judge(text)
        soon = timedelta(days=self.desk.settings.follow_up_days)
        follows = (
            closed is not None
            and closed.ticket.closed_at is not None
            and event.occurred_at - closed.ticket.closed_at <= soon
        )
        if not verdict.is_complaint and not (follows and verdict.label == Speech.QUESTION):
            if closed is not None:
                self.desk.seen(closed, event.id)
            return
        route = self.routes.get(key[1])
        said = {
            "label": verdict.label,
            "confidence": verdict.confidence,
            "words": list(verdict.words),
            "text": text[:1000],
        }
        ticket = Ticket(
            contact_id=key[0],
            kind=TicketKind.COMPLAINT if verdict.is_complaint else TicketKind.QUESTION,
            priority=Priority.HIGH if verdict.is_complaint else Priority.NORMAL,
            title=_title(text),
            channel=event.channel,
            team_id=route.team_id if route else None,
            skill=route.skill if route else "",
            follow_up_of=closed.ticket if closed is not None and follows else None,
            opening_event_id=event.id,
            verdict=said,
        )
        work = self.desk.open(ticket, event.occurred_at)
        self.desk.heard(work, event.occurred_at, event.id)
        self.works[key] = work

    def _place(self) -> None:
        """Every ticket that is active now hangs on the conversation that goes on; one that is missing is made."""
        placed = {key: work for key, work in self.works.items() if work.ticket.is_active}
        missing = {key: work for key, work in placed.items() if key not in self.going}
        if missing:
            self.going |= _make_conversations(missing)
        for key, work in placed.items():
            if key in self.going and work.ticket.conversation_id != self.going[key]:
                work.ticket.conversation_id = self.going[key]
                self.desk.touch(work)


def _text(event: EventRow) -> str:
    return str(event.properties.get("text") or "").replace("\x00", "").strip()


def _title(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _TITLE else f"{words[: _TITLE - 1]}…"


def _conversation(event: EventRow) -> int | None:
    """The conversation of an agent's reply; the bot's and campaigns' messages are none."""
    ref = event.properties.get("ref")
    if event.properties.get("origin") != Origin.AGENT or not isinstance(ref, dict):
        return None
    return ref["conversation"] if isinstance(ref.get("conversation"), int) else None


def _places(ids: set[int | None]) -> dict[int, Key]:
    if not ids:
        return {}
    rows = Conversation.objects.filter(pk__in=ids).values_list("pk", "contact_id", "account_id")
    return {pk: (contact, account) for pk, contact, account in rows}


def _openers(event_ids: list[int]) -> set[int]:
    """Events that opened a ticket before; also those of tickets that turned out to be no complaint."""
    return set(Ticket.objects.filter(opening_event_id__in=event_ids).values_list("opening_event_id", flat=True))


def _living(contact_ids: set[int]) -> dict[int, int]:
    """Contact id to where the person lives now, held against a merge; who was erased is left out."""
    found: dict[int, int] = {}
    asked = {pk: pk for pk in contact_ids}
    while asked:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, merged_into_id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
                [sorted(set(asked.values()))],
            )
            rows = dict(cursor.fetchall())
        found |= {name: place for name, place in asked.items() if place in rows and rows[place] is None}
        asked = {name: rows[place] for name, place in asked.items() if rows.get(place) is not None}
    return found


def _lock_conversations(keys: Sequence[Key]) -> dict[Key, int]:
    """Conversations that are not closed, locked in the order in which everybody locks them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.contact_id, c.account_id, c.id FROM service_desk_conversation c"
            " JOIN unnest(%s::bigint[], %s::bigint[]) AS t(contact, account) ON c.contact_id = t.contact"
            " AND c.account_id = t.account WHERE NOT (c.state = 'closed') ORDER BY c.id FOR NO KEY UPDATE OF c",
            [[contact for contact, _a in keys], [account for _c, account in keys]],
        )
        return {(contact, account): pk for contact, account, pk in cursor.fetchall()}


def _latest(keys: Sequence[Key]) -> dict[Key, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (c.contact_id, c.account_id) c.contact_id, c.account_id, k.id"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS t(contact, account)"
            " JOIN service_desk_conversation c ON c.contact_id = t.contact AND c.account_id = t.account"
            " JOIN service_desk_ticket k ON k.conversation_id = c.id WHERE NOT k.dismissed"
            " ORDER BY c.contact_id, c.account_id, k.state IN ('open', 'pending') DESC,"
            " c.state <> 'closed' DESC, k.id DESC",
            [[contact for contact, _a in keys], [account for _c, account in keys]],
        )
        return {(contact, account): pk for contact, account, pk in cursor.fetchall()}


def _make_conversations(missing: dict[Key, Work]) -> dict[Key, int]:
    Conversation.objects.bulk_create(
        [
            Conversation(
                contact_id=contact,
                account_id=account,
                channel=work.ticket.channel,
                opened_at=work.ticket.opened_at,
                last_at=work.ticket.last_customer_at or work.ticket.opened_at,
            )
            for (contact, account), work in sorted(missing.items())
        ],
        ignore_conflicts=True,
    )
    return _lock_conversations(sorted(missing))
