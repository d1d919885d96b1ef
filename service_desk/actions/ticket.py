"""What agents do with a ticket. Each locks the conversation and the ticket, checks the version that was seen, moves the clocks,
and tells the event log in the same transaction."""

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts import identity
from contacts.intake import append_own
from contacts.models import Contact
from scrm.core import audit
from scrm.core.enums import Level
from scrm.core.models import Team, User
from scrm.core.notify import tell
from scrm.lib import clock
from scrm.lib.hints import poke_on_commit
from service_desk import detector, routing
from service_desk.actions.conversation import Outdated
from service_desk.enums import EntryKind, OfferState, Speech, TicketKind, TicketState
from service_desk.flow import Desk, Work, lock_tickets
from service_desk.models import Conversation, Correction, Entry, Ticket


class WrongState(Exception):
    """The ticket is not in a state from which this can be done."""


class AnotherOpen(Exception):
    """The conversation has a ticket that is not solved. ``ticket`` is that one's number."""

    def __init__(self, ticket: int | None) -> None:
        super().__init__()
        self.ticket = ticket


@transaction.atomic
def open_ticket(
    *,
    contact: Contact,
    conversation: Conversation | None,
    kind: str,
    title: str,
    priority: int,
    assignee: User | None = None,
    team: Team | None = None,
    by: User,
) -> Ticket:
    """A ticket by hand. A complaint that the detector did not see teaches it. Raises AnotherOpen."""
    Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    if conversation is not None:
        Conversation.objects.select_for_update(no_key=True).get(pk=conversation.pk)
        other = Ticket.objects.active().filter(conversation=conversation).values_list("pk", flat=True).first()
        if other is not None:
            raise AnotherOpen(other)
    desk = Desk(by)
    ticket = Ticket(
        contact=contact,
        conversation=conversation,
        kind=kind,
        title=title,
        priority=priority,
        channel=conversation.channel if conversation else "",
        assignee=assignee,
        team=team,
        opened_by=by,
        accepted_at=desk.now if assignee == by else None,
    )
    work = desk.open(ticket, desk.now)
    said = _last_words(conversation)
    if said is not None:
        ticket.last_event_id = said.event_id or 0
        if kind == TicketKind.COMPLAINT:
            _teach(said.body, Speech.COMPLAINT, None, by)
    told = desk.save()
    _tell_assignee(work, by)
    audit.record(by, "ticket.created", ticket)
    append_own(told)
    return ticket


@transaction.atomic
def accept_ticket(*, ticket: Ticket, by: User, version: int) -> Ticket:
    """The agent takes it on: theirs already, or from the queue. Raises WrongState when a colleague has it."""
    desk, work = _begin(ticket, by, version)
    row = work.ticket
    if not row.is_active or row.assignee_id not in {None, by.pk}:
        raise WrongState
    if row.assignee_id is None:
        _hand(row, by, desk)
    row.accepted_at = desk.now
    routing.end_offers([row.pk], OfferState.ACCEPTED, desk.now)
    routing.note_work(by.pk, desk.now)
    return _end(desk, work, "ticket.accepted")


@transaction.atomic
def assign_ticket(*, ticket: Ticket, to: User | None, team: Team | None = None, by: User, version: int) -> Ticket:
    """To a colleague, or back to the queue (of a team). By hand it may go above a limit: a person decided."""
    desk, work = _begin(ticket, by, version)
    row = work.ticket
    if not row.is_active:
        raise WrongState
    routing.end_offers([row.pk], OfferState.MOVED, desk.now)
    _hand(row, to, desk)
    if to is None:
        row.team = team
    row.accepted_at = desk.now if to is not None and to.pk == by.pk else None
    if to is not None:
        routing.note_work(to.pk, desk.now)
    saved = _end(desk, work, "ticket.assigned", to=to.pk if to else None, team=str(team) if team else "")
    _tell_assignee(work, by)
    return saved


@transaction.atomic
def set_priority(*, ticket: Ticket, priority: int, by: User, version: int) -> Ticket:
    """Another promise; what has passed stays passed."""
    desk, work = _begin(ticket, by, version)
    if not work.ticket.is_active:
        raise WrongState
    desk.reprioritise(work, priority)
    return _end(desk, work, "ticket.priority_changed", number=priority)


@transaction.atomic
def set_pending(*, ticket: Ticket, by: User, version: int) -> Ticket:
    """We wait for the customer: the clock of the resolution stands."""
    return _move(ticket, TicketState.PENDING, {TicketState.OPEN}, by, version, "ticket.set_pending")


@transaction.atomic
def solve_ticket(*, ticket: Ticket, by: User, version: int) -> Ticket:
    """Solved: clocks end, the satisfaction question becomes due, the log is told. Raises Outdated, WrongState."""
    saved = _move(ticket, TicketState.SOLVED, {TicketState.OPEN, TicketState.PENDING}, by, version, "ticket.solved")
    routing.end_offers([saved.pk], OfferState.ACCEPTED, clock.now())
    routing.note_work(saved.assignee_id or by.pk, clock.now())
    poke_on_commit("service_desk.clocks")
    poke_on_commit("service_desk.route")
    return saved


@transaction.atomic
def reopen_ticket(*, ticket: Ticket, by: User, version: int) -> Ticket:
    """Open again from any state: a new resolution cycle when it was solved. One that was dismissed was a complaint after all.
    Raises AnotherOpen when the conversation has a newer ticket that is not solved."""
    desk, work = _begin(ticket, by, version)
    row = work.ticket
    if row.state == TicketState.OPEN:
        raise WrongState
    others = Ticket.objects.active().filter(conversation=row.conversation_id).exclude(pk=row.pk)
    if row.conversation_id and (other := others.values_list("pk", flat=True).first()):
        raise AnotherOpen(other)
    if row.dismissed:
        row.dismissed = False
        _teach(row.verdict.get("text", ""), Speech.COMPLAINT, row, by)
    desk.move(work, TicketState.OPEN)
    return _end(desk, work, "ticket.reopened")


@transaction.atomic
def dismiss_ticket(*, ticket: Ticket, label: str, by: User, version: int) -> Ticket:
    """It is no complaint but ``label``: closed, counted nowhere, nobody is asked for stars, and the detector learns."""
    desk, work = _begin(ticket, by, version)
    row = work.ticket
    if row.dismissed or row.kind != TicketKind.COMPLAINT:
        raise WrongState
    _teach(row.verdict.get("text", ""), Speech(label), row, by)
    row.dismissed = True
    desk.move(work, TicketState.CLOSED)
    desk.touch(work)
    routing.end_offers([row.pk], OfferState.MOVED, desk.now)
    row.surveys.filter(state="due").update(state="skipped", reason="off")
    return _end(desk, work, "ticket.dismissed", kind=label)


@transaction.atomic
def link_customer(*, ticket: Ticket, known: Contact, by: User) -> Contact:
    """The unknown complainer is a customer we know: the two are merged on the word of staff, which can be undone on the
    profile. Raises contacts.identity.CannotMerge."""
    other = Contact.objects.get(pk=ticket.contact_id)
    identity.merge(known, other, {"staff": True, "ticket": f"#{ticket.pk}"}, by=by)
    audit.record(by, "ticket.linked", ticket, contact=known.pk, other=other.pk)
    return known


def _begin(ticket: Ticket, by: User, version: int) -> tuple[Desk, Work]:
    place = Ticket.objects.values_list("conversation_id", flat=True).get(pk=ticket.pk)
    if place is not None:
        Conversation.objects.select_for_update(no_key=True).get(pk=place)
    [row] = lock_tickets([ticket.pk])
    if row.version != version:
        raise Outdated
    desk = Desk(by)
    [work] = desk.load([row])
    return desk, work


def _end(desk: Desk, work: Work, verb: str, **details: object) -> Ticket:
    desk.touch(work)
    try:
        with transaction.atomic():
            told = desk.save()
    except IntegrityError:
        others = Ticket.objects.active().filter(conversation=work.ticket.conversation_id).exclude(pk=work.ticket.pk)
        raise AnotherOpen(others.values_list("pk", flat=True).first()) from None
    audit.record(desk.by, verb, work.ticket, **details)
    append_own(told)
    return work.ticket


def _move(ticket: Ticket, state: TicketState, allowed: set, by: User, version: int, verb: str) -> Ticket:
    desk, work = _begin(ticket, by, version)
    if work.state not in allowed:
        raise WrongState
    if work.ticket.assignee_id is None:
        _hand(work.ticket, by, desk)
        work.ticket.accepted_at = desk.now
    desk.move(work, state)
    return _end(desk, work, verb)


def _hand(ticket: Ticket, to: User | None, desk: Desk) -> None:
    """The conversation goes along when nobody else has it."""
    before, ticket.assignee = ticket.assignee_id, to
    place = ticket.conversation
    if place is None or place.state == "closed" or place.assignee_id not in {None, before}:
        return
    if place.assignee_id != (to.pk if to else None):
        place.assignee = to
        place.version += 1
        place.save(update_fields=["assignee", "version"])
        data = {"what": "assigned", "to": to.name} if to else {"what": "released"}
        Entry.objects.create(conversation=place, kind=EntryKind.LOG, author=desk.by, data=data, at=desk.now)


def _tell_assignee(work: Work, by: User) -> None:
    ticket = work.ticket
    if ticket.assignee is not None and ticket.assignee_id != by.pk:
        line = format_lazy(_("{who} gave you ticket #{n}: {title}"), who=by.name, n=ticket.pk, title=ticket.title)
        tell(ticket.assignee, line, reverse("service_desk:ticket", args=[ticket.pk]), Level.INFO)


def _last_words(conversation: Conversation | None) -> Entry | None:
    if conversation is None:
        return None
    return conversation.entries.filter(kind=EntryKind.CUSTOMER).exclude(body="").order_by("-id").first()


def _teach(text: str, label: Speech, ticket: Ticket | None, by: User) -> None:
    """Keep the correction when the detector says something else of these words."""
    said = detector.judge(text).label if text.strip() else label.value
    if said != label:
        Correction.objects.create(text=text[:1000], label=label, said=said, ticket=ticket, by=by, at=clock.real_now())
        poke_on_commit("service_desk.learn")
