"""What happens to tickets, for a whole batch in memory and then stored by a constant number of statements.

The consumer of the event log and the actions of agents both go through here, so that a state, its span, the waits and the
clocks never part. Callers hold the locks (contacts, then conversations, then tickets) and append the events last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from contacts.enums import ChannelKind, EventKind
from contacts.intake import Incoming
from scrm.core import live
from scrm.core.models import User
from scrm.lib import clock
from scrm.lib.hints import poke_on_commit
from service_desk import policies, sla
from service_desk.calendar import ALWAYS
from service_desk.enums import TicketState
from service_desk.models import CalendarVersion, DeskSettings, Survey, Ticket, TicketSpan, TicketWait
from service_desk.sla import Clock, Span, Story, Wait

ENDED = (TicketState.SOLVED.value, TicketState.CLOSED.value)
_TOLD = {
    TicketState.SOLVED: EventKind.TICKET_SOLVED,
    TicketState.CLOSED: EventKind.TICKET_CLOSED,
    TicketState.OPEN: EventKind.TICKET_REOPENED,
}


@dataclass(slots=True, eq=False)
class Work:
    """A ticket with its history, in memory."""

    ticket: Ticket
    spans: list[TicketSpan] = field(default_factory=list)
    waits: list[TicketWait] = field(default_factory=list)
    survey: Survey | None = None

    @property
    def state(self) -> str:
        return self.ticket.state

    def story(self) -> Story:
        return Story(
            self.ticket.opened_at,
            self.ticket.first_reply_at,
            [Span(span.state, span.since, span.until) for span in self.spans],
            [Wait(wait.pk or 0, wait.since, wait.until) for wait in self.waits],
        )

    @property
    def cycle(self) -> int:
        return len(sla.cycles(self.story()))


class Desk:
    """One batch. Read with ``load``, change with ``open``, ``move``, ``heard``, ``answered``, store with ``save``."""

    def __init__(self, by: User | None = None) -> None:
        self.now = clock.now()
        self.by = by
        self.settings = DeskSettings.get()
        self.calendar = CalendarVersion.calendar()
        self.policies = policies.current()
        self.works: list[Work] = []
        self._changed: dict[int, Work] = {}
        self._told: list[tuple[EventKind, Work, datetime]] = []
        self._surveys: list[tuple[Work, int]] = []

    def load(self, tickets: Iterable[Ticket]) -> list[Work]:
        """Tickets with their spans and waits. Two queries."""
        found = {ticket.pk: Work(ticket) for ticket in tickets}
        for span in TicketSpan.objects.filter(ticket__in=list(found)).order_by("id"):
            found[span.ticket_id].spans.append(span)
        for wait in TicketWait.objects.filter(ticket__in=list(found)).order_by("id"):
            found[wait.ticket_id].waits.append(wait)
        self.works += found.values()
        return list(found.values())

    def open(self, ticket: Ticket, at: datetime) -> Work:
        """A new ticket, not stored yet."""
        at = min(at, self.now)
        ticket.opened_at, ticket.state = at, TicketState.OPEN.value
        ticket.policy = policies.pick(self.policies, ticket.priority, ticket.kind)
        work = Work(ticket, [TicketSpan(state=ticket.state, since=at, by=self.by)])
        self.works.append(work)
        self._mark(work)
        self._told.append((EventKind.TICKET_OPENED, work, at))
        return work

    def move(self, work: Work, state: str, at: datetime | None = None) -> None:
        """Into another state; the same one changes nothing."""
        ticket, last = work.ticket, work.spans[-1]
        if ticket.state == state:
            return
        # A late event must not turn time round.
        at = max(min(at or self.now, self.now), last.since)
        was, last.until = ticket.state, at
        work.spans.append(TicketSpan(ticket=ticket, state=state, since=at, by=self.by))
        ticket.state = state
        ticket.solved_at = at if state == TicketState.SOLVED else ticket.solved_at if state in ENDED else None
        ticket.closed_at = at if state == TicketState.CLOSED else None
        if state in ENDED:
            self._end_waits(work, at)
        if state == TicketState.SOLVED and self.settings.survey and ticket.conversation_id:
            self._surveys.append((work, work.cycle))
        if state != TicketState.PENDING and (state in ENDED or was in ENDED):
            self._told.append((_TOLD[TicketState(state)], work, at))
        self._mark(work)

    def heard(self, work: Work, at: datetime, event_id: int) -> None:
        """The customer wrote. After the first reply, or a first solution, that starts a wait unless one runs."""
        ticket, at = work.ticket, min(at, self.now)
        ticket.last_customer_at = max(ticket.last_customer_at or at, at)
        ticket.last_event_id = max(ticket.last_event_id, event_id)
        begun = ticket.first_reply_at is not None or any(span.state in ENDED for span in work.spans)
        waiting = bool(work.waits) and work.waits[-1].until is None
        if ticket.is_active and begun and not waiting:
            ends = [wait.until for wait in work.waits if wait.until is not None]
            work.waits.append(TicketWait(ticket=ticket, since=max([at, *ends])))
        self._mark(work)

    def seen(self, work: Work, event_id: int) -> None:
        """Nothing follows from the event, but it is behind us."""
        work.ticket.last_event_id = max(work.ticket.last_event_id, event_id)
        self._mark(work)

    def answered(self, work: Work, at: datetime) -> None:
        """A person of ours replied in public."""
        ticket, at = work.ticket, min(at, self.now)
        if at < ticket.opened_at:
            return
        if ticket.first_reply_at is None or at < ticket.first_reply_at:
            ticket.first_reply_at = at
            self._mark(work)
        self._end_waits(work, at)
        if ticket.accepted_at is None and ticket.assignee_id is not None:
            ticket.accepted_at = self.now
            self._mark(work)

    def reprioritise(self, work: Work, priority: int) -> None:
        work.ticket.priority = priority
        work.ticket.policy = policies.pick(self.policies, priority, work.ticket.kind)
        self._mark(work)

    def touch(self, work: Work) -> None:
        """Fields of the ticket were set by the caller."""
        self._mark(work)

    def clocks(self, work: Work) -> list[Clock]:
        policy = work.ticket.policy
        if policy is None:
            return []
        hours = ALWAYS if policy.around_the_clock else self.calendar
        return sla.clocks(work.story(), policy.targets, hours, self.now, self.settings.warn_percent / 100)

    def save(self) -> list[Incoming]:
        """Store what changed; answers the events to append, last of all, in the same transaction."""
        changed = list(self._changed.values())
        if not changed:
            return []
        for work in changed:
            self.look_ahead(work)
        fresh = [work.ticket for work in changed if work.ticket.pk is None]
        held = [work.ticket for work in changed if work.ticket.pk is not None]
        Ticket.objects.bulk_create(fresh)
        _update_tickets(held)
        _store(TicketSpan, [span for work in changed for span in self._with_key(work, work.spans)])
        _store(TicketWait, [wait for work in changed for wait in self._with_key(work, work.waits)])
        Survey.objects.bulk_create(
            [
                Survey(ticket=work.ticket, cycle=cycle, agent_id=self._solver(work), created_at=self.now)
                for work, cycle in self._surveys
            ],
            ignore_conflicts=True,
        )
        self._announce([work.ticket for work in changed])
        return [self._event(*told) for told in self._told]

    def look_ahead(self, work: Work) -> None:
        """Keep when the clocks are to be looked at next, and what is due next. A promise that is broken is looked at at once:
        perhaps nobody has noted it yet."""
        found = self.clocks(work)
        broken = any(one.breached_at for one in found)
        work.ticket.look_at = self.now if broken else sla.next_look(found, self.now)
        work.ticket.due_at = sla.next_due(found)

    def _solver(self, work: Work) -> int | None:
        """Who gets the stars: the assignee when it was solved, else who solved it."""
        return work.ticket.assignee_id or (self.by.pk if self.by else None)

    def _with_key(self, work: Work, rows: Sequence) -> Sequence:
        for row in rows:
            row.ticket_id = work.ticket.pk
        return rows

    def _end_waits(self, work: Work, at: datetime) -> None:
        for wait in work.waits:
            if wait.until is None and wait.since <= at:
                wait.until = at
                self._mark(work)

    def _mark(self, work: Work) -> None:
        self._changed[id(work)] = work

    def _event(self, kind: EventKind, work: Work, at: datetime) -> Incoming:
        ticket = work.ticket
        told: dict[str, object] = {
            "ticket": ticket.pk,
            "title": ticket.title,
            "kind": ticket.kind,
            "priority": ticket.priority,
            "assignee": ticket.assignee_id,
        }
        if self.by is not None:
            told["by"] = self.by.pk
        if kind != EventKind.TICKET_OPENED:
            story, hours = work.story(), self.calendar
            if ticket.policy is not None and ticket.policy.around_the_clock:
                hours = ALWAYS
            told["first_reply_seconds"] = sla.first_reply_seconds(story, hours)
            told["resolution_seconds"] = sla.resolution_seconds(story, hours, self.now)
        if ticket.dismissed:
            told["dismissed"] = True
        channel = ticket.channel or ChannelKind.SYS.value
        return Incoming(kind.value, channel, at, contact_id=ticket.contact_id, properties=told)

    def _announce(self, tickets: Sequence[Ticket]) -> None:
        live.touch_on_commit("tickets")
        if len(tickets) <= 10:
            for ticket in tickets:
                live.touch_on_commit("ticket", ticket.pk)
        if any(ticket.state == TicketState.OPEN and ticket.assignee_id is None for ticket in tickets):
            poke_on_commit("service_desk.route")


def lock_tickets(ids: Iterable[int]) -> list[Ticket]:
    """In id order, with their policies; after the conversations."""
    rows = Ticket.objects.select_for_update(of=("self",), no_key=True).select_related("policy")
    return list(rows.filter(pk__in=list(ids)).order_by("pk"))


def wake_all() -> int:
    """Hours or promises have changed: every active ticket is looked at again."""
    woken = Ticket.objects.active().update(look_at=clock.now())
    poke_on_commit("service_desk.clocks")
    return woken


def closing_before(settings: DeskSettings, now: datetime) -> datetime:
    return now - timedelta(hours=settings.close_hours)


_COLUMNS = {
    "state": "text",
    "priority": "int",
    "title": "text",
    "conversation_id": "bigint",
    "assignee_id": "bigint",
    "team_id": "bigint",
    "skill": "text",
    "policy_id": "bigint",
    "dismissed": "bool",
    "first_reply_at": "timestamptz",
    "solved_at": "timestamptz",
    "closed_at": "timestamptz",
    "accepted_at": "timestamptz",
    "last_customer_at": "timestamptz",
    "last_event_id": "bigint",
    "due_at": "timestamptz",
    "look_at": "timestamptz",
}


def _update_tickets(tickets: Sequence[Ticket]) -> None:
    if not tickets:
        return
    for ticket in tickets:
        ticket.version += 1
    sets = ", ".join(f"{name} = t.{name}" for name in _COLUMNS)
    arrays = ", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE service_desk_ticket k SET {sets}, version = k.version + 1"
            f" FROM unnest(%s::bigint[], {arrays}) AS t(id, {', '.join(_COLUMNS)}) WHERE k.id = t.id",
            [[t.pk for t in tickets], *([getattr(t, name) for t in tickets] for name in _COLUMNS)],
        )


def _store(model: type[TicketSpan] | type[TicketWait], rows: Sequence) -> None:
    """End what has ended, then add what is new: at no moment are two of a ticket open."""
    ended = [row for row in rows if row.pk is not None and row.until is not None]
    if ended:
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {model._meta.db_table} k SET until = t.until FROM unnest(%s::bigint[], %s::timestamptz[])"
                " AS t(id, until) WHERE k.id = t.id AND k.until IS NULL",
                [[row.pk for row in ended], [row.until for row in ended]],
            )
    model.objects.bulk_create([row for row in rows if row.pk is None])
