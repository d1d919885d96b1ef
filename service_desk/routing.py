"""Who gets which ticket. The oldest waiting first; to an agent of the ticket's team with the skill it needs, at the desk, below
the person's and the channel's limit; of these the one with the fewest open tickets, then the one longest without work.

The profile rows of the agents are the lock: whoever gives out work holds them, counts, and gives, so that two workers
together never exceed a limit. Order: profiles (by user), conversations, tickets, the log.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from scrm.core import live
from scrm.core.enums import Level, Permission
from scrm.core.models import User
from scrm.core.notify import tell
from scrm.lib import clock
from service_desk.enums import ConversationState, EntryKind, OfferState, Presence, TicketState
from service_desk.models import (
    AgentPresence,
    AgentProfile,
    ChannelDesk,
    Conversation,
    DeskSettings,
    Entry,
    Ticket,
    TicketOffer,
)
from service_desk.models.presence import presence_of

BATCH = 500
REMEMBERED = timedelta(hours=12)
"""For so long who missed a ticket stands behind those who did not."""


@dataclass(slots=True)
class Agent:
    user: User
    profile: AgentProfile
    capacity: int
    load: int = 0
    by_account: dict[int, int] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        return self.load < self.capacity

    def may_take(self, ticket: Ticket, limits: dict[int, int]) -> bool:
        account = ticket.conversation.account_id if ticket.conversation else 0
        limit = limits.get(account)
        return (
            self.free
            and (ticket.team_id is None or self.user.team_id == ticket.team_id)
            and (not ticket.skill or ticket.skill in self.profile.skills)
            and (limit is None or self.by_account.get(account, 0) < limit)
        )

    def rank(self, missed: int) -> tuple[int, int, float, int]:
        last = self.profile.last_work_at
        return missed, self.load, last.timestamp() if last else 0.0, self.user.pk

    def take(self, account: int, now: datetime) -> None:
        self.load += 1
        self.by_account[account] = self.by_account.get(account, 0) + 1
        self.profile.last_work_at = now


@transaction.atomic
def run_once() -> bool:
    """Take back what nobody works on, give out what waits. True when there may be more."""
    if not _anything_to_do():
        return False
    now, settings = clock.now(), DeskSettings.get()
    agents = _lock_agents(settings)
    taken_back = _take_back(agents, now, settings)
    ready = {pk: agent for pk, agent in agents.items() if agent.profile.takes_work and pk not in _absent(agents)}
    given = _give(ready, now) if any(agent.free for agent in ready.values()) else 0
    return given == BATCH or taken_back == BATCH


def lag() -> dict[str, float]:
    """Waiting for somebody with room is no fault of the pump: only tickets that could be given count as waiting long."""
    now = clock.now()
    queue = Ticket.objects.filter(state=TicketState.OPEN, assignee=None)
    oldest = queue.order_by("opened_at").values_list("opened_at", flat=True).first()
    return {"waiting": queue.count(), "oldest_seconds": (now - oldest).total_seconds() if oldest else 0}


def loads(users: Iterable[int]) -> dict[int, int]:
    """Open tickets by assignee. One query."""
    rows = Ticket.objects.filter(state=TicketState.OPEN, assignee__in=list(users)).order_by()
    return dict(rows.values_list("assignee").annotate(n=Count("id")))


def _anything_to_do() -> bool:
    return (
        Ticket.objects.filter(state=TicketState.OPEN, assignee=None).exists()
        or TicketOffer.objects.filter(state=OfferState.OFFERED).exists()
        or Ticket.objects.filter(state=TicketState.OPEN).exclude(assignee=None).exists()
    )


def _lock_agents(settings: DeskSettings) -> dict[int, Agent]:
    """Everybody who works at the desk, locked, with what they have."""
    users = {user.pk: user for user in User.objects.able(Permission.SERVICE_WORK).select_related("role", "presence")}
    profiles = AgentProfile.objects.filter(pk__in=users)
    if len(users) != profiles.count():
        AgentProfile.objects.bulk_create([AgentProfile(user_id=pk) for pk in users], ignore_conflicts=True)
    locked = profiles.select_for_update(no_key=True).order_by("pk")
    agents = {p.pk: Agent(users[p.pk], p, p.capacity or settings.capacity) for p in locked}
    rows = (
        Ticket.objects.filter(state=TicketState.OPEN, assignee__in=agents)
        .order_by()
        .values_list("assignee", "conversation__account_id")
        .annotate(n=Count("id"))
    )
    for user_id, account, number in rows:
        agents[user_id].load += number
        agents[user_id].by_account[account or 0] = number
    return agents


def _absent(agents: dict[int, Agent]) -> set[int]:
    """Not at the desk. Who never said anything is taken to be there."""
    return {
        pk
        for pk, agent in agents.items()
        if (presence := _presence(agent.user)) is not None
        and presence_of(presence.away, presence.seen_at) != Presence.ONLINE
    }


def _presence(user: User) -> AgentPresence | None:
    return getattr(user, "presence", None)


def _gone(agents: dict[int, Agent], settings: DeskSettings) -> set[int]:
    """Offline for longer than the grace. Away is not offline: they come back to their work."""
    limit = clock.real_now() - timedelta(seconds=settings.grace_seconds)
    return {
        pk
        for pk, agent in agents.items()
        if (presence := _presence(agent.user)) is not None
        and presence_of(presence.away, presence.seen_at) == Presence.OFFLINE
        and presence.seen_at < limit
    }


def _take_back(agents: dict[int, Agent], now: datetime, settings: DeskSettings) -> int:
    """Not accepted in time, offline too long, or no longer at the desk at all: back to the queue."""
    late = Q(pk__in=[])
    if settings.accept_seconds:
        since = now - timedelta(seconds=settings.accept_seconds)
        late = Q(accepted_at=None, offers__state=OfferState.OFFERED, offers__at__lte=since)
    gone = _gone(agents, settings)
    left = Q(assignee__in=gone) | (Q(assignee__isnull=False) & ~Q(assignee__in=list(agents)))
    rows = Ticket.objects.filter(state=TicketState.OPEN).filter(late | left).order_by("pk")
    tickets = _locked(list(rows.values_list("pk", "conversation_id").distinct()[:BATCH]))
    tickets = [ticket for ticket in tickets if ticket.state == TicketState.OPEN and ticket.assignee_id is not None]
    if not tickets:
        return 0
    for ticket in tickets:
        if (agent := agents.get(ticket.assignee_id)) is not None:
            agent.load -= 1
            account = ticket.conversation.account_id if ticket.conversation else 0
            agent.by_account[account] = agent.by_account.get(account, 1) - 1
    away = [ticket.pk for ticket in tickets if ticket.assignee_id in gone or ticket.assignee_id not in agents]
    end_offers(away, OfferState.LEFT, now)
    end_offers([ticket.pk for ticket in tickets if ticket.pk not in away], OfferState.MISSED, now)
    _move_conversations(tickets, None, now)
    for ticket in tickets:
        ticket.assignee_id, ticket.accepted_at = None, None
        ticket.version += 1
    Ticket.objects.bulk_update(tickets, ["assignee", "accepted_at", "version"])
    live.touch_on_commit("tickets")
    return len(tickets)


def _give(agents: dict[int, Agent], now: datetime) -> int:
    free = [agent for agent in agents.values() if agent.free]
    teams = {agent.user.team_id for agent in free}
    skills = {skill for agent in free for skill in agent.profile.skills}
    rows = (
        Ticket.objects.filter(state=TicketState.OPEN, assignee=None)
        .filter(Q(team=None) | Q(team__in=teams))
        .filter(Q(skill="") | Q(skill__in=skills))
        .order_by("opened_at", "id")
    )
    tickets = _locked(list(rows.values_list("pk", "conversation_id")[:BATCH]))
    waiting = [t for t in tickets if t.state == TicketState.OPEN and t.assignee_id is None]
    waiting.sort(key=lambda ticket: (ticket.opened_at, ticket.pk))
    limits = dict(ChannelDesk.objects.exclude(agent_limit=None).values_list("account_id", "agent_limit"))
    missed = _missed([ticket.pk for ticket in waiting], now)
    given: list[tuple[Ticket, Agent]] = []
    for ticket in waiting:
        able = [agent for agent in free if agent.may_take(ticket, limits)]
        if not able:
            if not any(agent.free for agent in free):
                break
            continue
        chosen = min(able, key=lambda agent: agent.rank(missed.get((ticket.pk, agent.user.pk), 0)))
        chosen.take(ticket.conversation.account_id if ticket.conversation else 0, now)
        given.append((ticket, chosen))
    _store(given, now)
    return len(given)


def _missed(ticket_ids: list[int], now: datetime) -> dict[tuple[int, int], int]:
    """How often an agent lately missed or left a ticket."""
    rows = TicketOffer.objects.filter(
        ticket__in=ticket_ids, state__in=[OfferState.MISSED, OfferState.LEFT], at__gte=now - REMEMBERED
    ).order_by()
    return {(t, a): n for t, a, n in rows.values_list("ticket", "agent").annotate(n=Count("id"))}


def _store(given: list[tuple[Ticket, Agent]], now: datetime) -> None:
    if not given:
        return
    for ticket, agent in given:
        ticket.assignee, ticket.accepted_at = agent.user, None
        ticket.version += 1
    tickets = [ticket for ticket, _agent in given]
    Ticket.objects.bulk_update(tickets, ["assignee", "accepted_at", "version"])
    TicketOffer.objects.bulk_create([TicketOffer(ticket=t, agent=a.user, at=now) for t, a in given])
    AgentProfile.objects.bulk_update({a.profile.pk: a.profile for _t, a in given}.values(), ["last_work_at"])
    _move_conversations(tickets, now=now, to={t.conversation_id: a.user for t, a in given})
    by_agent: dict[int, list[Ticket]] = {}
    for ticket, agent in given:
        by_agent.setdefault(agent.user.pk, []).append(ticket)
    users = {agent.user.pk: agent.user for _t, agent in given}
    for pk, own in by_agent.items():
        tell_of(users[pk], own)
    live.touch_on_commit("tickets")


def tell_of(user: User, tickets: list[Ticket]) -> None:
    """One line for a ticket, one line for many: a storm must not bury the bell."""
    if len(tickets) <= 3:
        for ticket in tickets:
            line = format_lazy(_("Ticket #{n} is yours: {title}"), n=ticket.pk, title=ticket.title)
            tell(user, line, reverse("service_desk:ticket", args=[ticket.pk]), Level.WARN)
        return
    line = format_lazy(_("{n} tickets are yours now"), n=len(tickets))
    tell(user, line, reverse("service_desk:ticket_list"), Level.WARN)


def end_offers(ticket_ids: list[int], state: str, now: datetime) -> None:
    if ticket_ids:
        open_ones = TicketOffer.objects.filter(ticket__in=ticket_ids, state=OfferState.OFFERED)
        open_ones.update(state=state, ended_at=now)


def note_work(user_id: int | None, now: datetime) -> None:
    """Work was finished or taken by hand: it counts for who is longest without."""
    if user_id is not None and not AgentProfile.objects.filter(pk=user_id).update(last_work_at=now):
        AgentProfile.objects.bulk_create([AgentProfile(user_id=user_id, last_work_at=now)], ignore_conflicts=True)


def _locked(found: list[tuple[int, int | None]]) -> list[Ticket]:
    """Conversations first, as everybody does; what another transaction holds is left for the next round."""
    conversations = sorted({pk for _t, pk in found if pk is not None})
    held = set(
        Conversation.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(pk__in=conversations)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    wanted = [pk for pk, conversation in found if conversation is None or conversation in held]
    return list(
        Ticket.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("conversation")
        .filter(pk__in=wanted)
        .order_by("pk")
    )


def _move_conversations(tickets: list[Ticket], to: dict[int | None, User] | None, now: datetime) -> None:
    """The conversation goes with its ticket, unless a colleague has it already."""
    moved, lines = [], []
    for ticket in tickets:
        conversation = ticket.conversation
        if conversation is None or conversation.state == ConversationState.CLOSED:
            continue
        if to is not None and conversation.assignee_id is None:
            conversation.assignee = to[conversation.pk]
            data = {"what": "assigned", "to": conversation.assignee.name}
        elif to is None and conversation.assignee_id == ticket.assignee_id:
            conversation.assignee = None
            data = {"what": "released"}
        else:
            continue
        conversation.version += 1
        moved.append(conversation)
        lines.append(Entry(conversation=conversation, kind=EntryKind.LOG, data=data, at=now))
    if moved:
        Conversation.objects.bulk_update(moved, ["assignee", "version"])
        Entry.objects.bulk_create(lines)
        live.touch_on_commit("inbox")
