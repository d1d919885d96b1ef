"""Who gets which ticket, and that two workers together keep every limit."""

import threading
from datetime import timedelta

import pytest
from desk_world import COMPLAINT, MONDAY, account, event, hear, minutes, person, talk
from django.db import close_old_connections, connection

from scrm.core.models import Notification, Team
from scrm.lib import clock
from service_desk import routing
from service_desk.enums import OfferState, TicketState
from service_desk.models import AgentPresence, AgentProfile, ChannelDesk, DeskSettings, Ticket, TicketOffer

pytestmark = pytest.mark.django_db


def complaints(number: int, weibo=None, **fields) -> list[Ticket]:
    """Tickets that came a minute apart."""
    weibo = weibo or account()
    for n in range(number):
        who = person(name=f"客户 {n}")
        talk(who, weibo)
        hear(event(who, weibo, COMPLAINT, MONDAY + minutes(n)))
    Ticket.objects.filter(conversation__account_id=weibo.pk).update(**fields)
    return list(Ticket.objects.order_by("opened_at"))


def route(at=MONDAY + minutes(60)) -> None:
    with clock.frozen(at):
        routing.run_once()


def present(*users, seen_ago=timedelta(), away=False) -> None:
    for user in users:
        AgentPresence.objects.update_or_create(
            user=user, defaults={"away": away, "seen_at": clock.real_now() - seen_ago}
        )


def test_oldest_first_to_the_fewest_open_then_to_the_longest_without(make_user):
    anna, ben, cora = (make_user(name, "agent") for name in ("anna", "ben", "cora"))
    AgentProfile.objects.create(user=ben, last_work_at=MONDAY)
    AgentProfile.objects.create(user=cora, last_work_at=MONDAY - minutes(30))
    AgentProfile.objects.create(user=anna, last_work_at=MONDAY - minutes(10))
    first, second, third, fourth = complaints(4)
    Ticket.objects.filter(pk=fourth.pk).update(assignee=cora)
    route()
    owners = dict(Ticket.objects.values_list("pk", "assignee"))
    assert owners[first.pk] == anna.pk, "cora has one already; of the others anna waits longest"
    assert owners[second.pk] == ben.pk
    assert owners[third.pk] in {anna.pk, ben.pk, cora.pk}
    first.refresh_from_db()
    assert first.conversation.assignee == anna and first.accepted_at is None
    assert Notification.objects.filter(user=anna, text__contains=f"#{first.pk}").count() == 1


def test_capacity_is_kept_and_the_rest_waits_oldest_first(agent):
    DeskSettings.objects.create(capacity=2, accept_seconds=0)
    tickets = complaints(5)
    route()
    assert list(Ticket.objects.exclude(assignee=None).order_by("opened_at")) == tickets[:2]
    Ticket.objects.filter(pk=tickets[0].pk).update(state=TicketState.PENDING)
    route()
    assert list(Ticket.objects.exclude(assignee=None).order_by("opened_at")) == tickets[:3]


def test_team_skill_presence_and_the_limit_of_a_channel(make_user, team):
    other_team = Team.objects.create(name="Shoes")
    mine, skilled, stranger = (
        make_user("mine", "agent", team=team),
        make_user("skilled", "agent", team=team),
        make_user("stranger", "agent", team=other_team),
    )
    AgentProfile.objects.create(user=skilled, skills=["鞋类"])
    weibo = account()
    ChannelDesk.objects.create(account_id=weibo.pk, team=team, skill="鞋类", agent_limit=1)
    first, second = complaints(2, weibo)
    present(mine, stranger)
    present(skilled, away=True)
    route()
    assert not Ticket.objects.exclude(assignee=None).exists(), "the only one who may is away"
    present(skilled)
    route()
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.assignee, second.assignee) == (skilled, None), "one of this channel per agent"


def test_not_accepted_in_time_goes_to_the_next(make_user):
    anna, ben = make_user("anna", "agent"), make_user("ben", "agent")
    AgentProfile.objects.create(user=ben, last_work_at=MONDAY)
    [ticket] = complaints(1)
    DeskSettings.objects.create(accept_seconds=60)
    route(MONDAY + minutes(1))
    assert Ticket.objects.get().assignee == anna
    route(MONDAY + minutes(1.5))
    assert Ticket.objects.get().assignee == anna
    route(MONDAY + minutes(3))
    ticket.refresh_from_db()
    assert ticket.assignee == ben and ticket.conversation.assignee == ben
    assert list(TicketOffer.objects.order_by("id").values_list("agent", "state")) == [
        (anna.pk, OfferState.MISSED),
        (ben.pk, OfferState.OFFERED),
    ]


def test_offline_goes_back_after_the_grace(make_user):
    anna, ben = make_user("anna", "agent"), make_user("ben", "agent")
    [ticket] = complaints(1)
    present(anna, ben)
    AgentProfile.objects.create(user=ben, last_work_at=MONDAY)
    DeskSettings.objects.create(accept_seconds=0, grace_seconds=600)
    route()
    assert Ticket.objects.get().assignee == anna
    present(anna, seen_ago=timedelta(minutes=8))
    route()
    assert Ticket.objects.get().assignee == anna
    present(anna, seen_ago=timedelta(minutes=20))
    route()
    assert Ticket.objects.get().assignee == ben
    ben.is_active = False
    ben.save()
    route()
    assert Ticket.objects.get().assignee is None, "who left has no tickets"


def test_the_right_to_work_at_the_desk_is_needed(marketer, sales):
    complaints(1)
    route()
    assert Ticket.objects.get().assignee is None


@pytest.mark.django_db(transaction=True)
def test_racing_workers_never_exceed_a_capacity(make_user):
    agents = [make_user(f"agent{n}", "agent") for n in range(3)]
    DeskSettings.objects.create(capacity=4, accept_seconds=0)
    tickets = complaints(20)
    gate, errors = threading.Barrier(3), []

    def work():
        try:
            gate.wait()
            for _round in range(3):
                routing.run_once()
        except Exception as error:
            errors.append(error)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=work) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    loads = routing.loads([user.pk for user in agents])
    assert loads == {user.pk: 4 for user in agents}
    given = Ticket.objects.exclude(assignee=None)
    assert given.count() == TicketOffer.objects.count() == 12
    assert list(given.order_by("opened_at")) == tickets[:12]
