"""The watch over the clocks: warns before a promise breaks, notes when it does, closes what stays solved.

Rows are the work: a ticket is looked at when ``look_at`` has come, a breach row is inserted once (unique), and who is told is
told in the same transaction, so a worker that dies tells nobody twice and forgets nobody.
"""

from collections import defaultdict

from django.db import connection, transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts.intake import append_own
from scrm.core import live
from scrm.core.enums import Level
from scrm.core.models import User
from scrm.core.notify import tell
from scrm.lib import clock
from service_desk import satisfaction, sla
from service_desk.enums import BreachLevel, Metric, TicketState
from service_desk.flow import Desk, closing_before, lock_tickets
from service_desk.models import Conversation, DeskSettings, Ticket

BATCH = 500
_SINGLE_LINES = 3


def run_once() -> bool:
    """Each step is its own transaction. True when there may be more."""
    return any([look_once(), close_once(), satisfaction.ask_due()])


def lag() -> dict[str, float]:
    now = clock.now()
    due = Ticket.objects.filter(look_at__lte=now)
    oldest = due.order_by("look_at").values_list("look_at", flat=True).first()
    return {"waiting": due.count(), "oldest_seconds": (now - oldest).total_seconds() if oldest else 0}


@transaction.atomic
def look_once() -> bool:
    desk = Desk()
    rows = (
        Ticket.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("policy", "assignee__team__manager", "team__manager")
        .filter(look_at__lte=desk.now)
        .order_by("look_at")[:BATCH]
    )
    works = desk.load(rows)
    if not works:
        return False
    found = []
    for work in works:
        for one in desk.clocks(work) if not work.ticket.dismissed else []:
            level = BreachLevel.BREACH if one.breached_at else _warning(one, desk.now)
            if level is not None:
                found.append((work.ticket, one, level))
    fresh = _insert(found, desk.now)
    for work in works:
        clocks = desk.clocks(work)
        work.ticket.look_at, work.ticket.due_at = sla.next_look(clocks, desk.now), sla.next_due(clocks)
    Ticket.objects.bulk_update([work.ticket for work in works], ["look_at", "due_at"])
    _tell(fresh)
    if fresh:
        live.touch_on_commit("tickets")
    return len(works) == BATCH


@transaction.atomic
def close_once() -> bool:
    """Solved long enough ago and nothing said since: closed. Conversations are locked first, as everybody does."""
    settings, now = DeskSettings.get(), clock.now()
    due = Ticket.objects.filter(state=TicketState.SOLVED, solved_at__lte=closing_before(settings, now))
    found = list(due.order_by("solved_at").values_list("pk", "conversation_id")[:BATCH])
    if not found:
        return False
    places = [pk for _t, pk in found if pk is not None]
    list(Conversation.objects.select_for_update(no_key=True).filter(pk__in=places).order_by("pk").values_list("pk"))
    desk = Desk()
    for work in desk.load(lock_tickets(pk for pk, _c in found)):
        if work.state == TicketState.SOLVED:
            desk.move(work, TicketState.CLOSED)
    append_own(desk.save())
    return len(found) == BATCH


def _warning(one, now) -> BreachLevel | None:
    return BreachLevel.WARNING if one.running and one.warn_at is not None and one.warn_at <= now else None


_INSERT = """
INSERT INTO service_desk_breach (ticket_id, policy_id, metric, trigger, level, due_at, at, assignee_id)
SELECT t.* FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::bigint[]) AS t
ON CONFLICT DO NOTHING RETURNING ticket_id, metric, trigger, level
"""


def _insert(found, now) -> list:
    """Only what was not noted before; a breach that comes without its warning is told as a breach alone."""
    if not found:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                [ticket.pk for ticket, _c, _l in found],
                [ticket.policy_id for ticket, _c, _l in found],
                [one.metric.value for _t, one, _l in found],
                [one.trigger for _t, one, _l in found],
                [level.value for _t, _c, level in found],
                [one.due_at for _t, one, _l in found],
                [now] * len(found),
                [ticket.assignee_id for ticket, _c, _l in found],
            ],
        )
        noted = set(cursor.fetchall())
    return [row for row in found if (row[0].pk, row[1].metric.value, row[1].trigger, row[2].value) in noted]


def _tell(fresh) -> None:
    """The assignee is told of both, the manager of what is broken and of warnings nobody has taken on."""
    managers: dict[tuple, list[User]] = {}
    lines: dict[int, list] = defaultdict(list)
    users: dict[int, User] = {}
    for row in fresh:
        ticket, _clock, level = row
        told = [ticket.assignee] if ticket.assignee is not None else []
        if level == BreachLevel.BREACH or not told:
            key = (ticket.team_id, ticket.assignee.team_id if ticket.assignee else None)
            if key not in managers:
                managers[key] = satisfaction.managers_of(ticket)
            told += managers[key]
        for user in {user.pk: user for user in told}.values():
            users[user.pk] = user
            lines[user.pk].append(row)
    for pk, rows in lines.items():
        _tell_one(users[pk], rows)


def _tell_one(user: User, rows) -> None:
    if len(rows) > _SINGLE_LINES:
        broken = sum(level == BreachLevel.BREACH for _t, _c, level in rows)
        line = format_lazy(_("{broken} promises are overdue, {soon} soon due"), broken=broken, soon=len(rows) - broken)
        address = f"{reverse('service_desk:ticket_list')}?sort=due"
        tell(user, line, address, Level.BAD if broken else Level.WARN)
        return
    for ticket, one, level in rows:
        late = level == BreachLevel.BREACH
        words = _("{metric} overdue: ticket #{n} {title}") if late else _("{metric} soon due: ticket #{n} {title}")
        line = format_lazy(words, metric=Metric(one.metric).label, n=ticket.pk, title=ticket.title)
        tell(user, line, reverse("service_desk:ticket", args=[ticket.pk]), Level.BAD if late else Level.WARN)
