"""Warnings and broken promises, told exactly once; closing what stays solved."""

import pytest
from desk_world import COMPLAINT, MONDAY, account, event, hear, minutes, person, reply, talk, told
from django.db import DatabaseError

from scrm.core.models import Notification
from scrm.lib import clock
from service_desk import watching
from service_desk.enums import BreachLevel, Metric, TicketState
from service_desk.models import Breach, DeskSettings, SlaPolicy, Survey, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(agent, manager) -> Ticket:
    who, weibo = person(), account()
    talk(who, weibo)
    hear(event(who, weibo, COMPLAINT))
    Ticket.objects.update(assignee=agent)
    return Ticket.objects.get()


def watch(at) -> None:
    with clock.frozen(at):
        while watching.run_once():
            pass


def noted() -> list[tuple]:
    return list(Breach.objects.order_by("id").values_list("metric", "level", "trigger"))


def test_warns_then_notes_the_breach_each_once(ticket, agent, manager):
    watch(MONDAY + minutes(20))
    assert noted() == []
    for _again in range(2):
        watch(MONDAY + minutes(24))
    assert noted() == [(Metric.FIRST_REPLY, BreachLevel.WARNING, 0)]
    assert Notification.objects.filter(user=agent).count() == 1
    assert not Notification.objects.filter(user=manager).exists()
    for _again in range(2):
        watch(MONDAY + minutes(30))
    assert noted()[1:] == [(Metric.FIRST_REPLY, BreachLevel.BREACH, 0)]
    assert Notification.objects.filter(user=agent).count() == 2
    assert Notification.objects.filter(user=manager).count() == 1


def test_a_late_reply_is_noted_even_when_nobody_watched_meanwhile(ticket):
    hear(reply(ticket.conversation, MONDAY + minutes(45)))
    watch(MONDAY + minutes(46))
    assert (Metric.FIRST_REPLY, BreachLevel.BREACH, 0) in noted()


def test_in_time_is_in_time(ticket):
    hear(reply(ticket.conversation, MONDAY + minutes(30)))
    watch(MONDAY + minutes(31))
    assert noted() == []


def test_every_wait_and_every_cycle_is_a_promise_of_its_own(ticket):
    SlaPolicy.objects.update(next_reply_minutes=10, resolution_minutes=None)
    place = ticket.conversation
    for start in (10, 40):
        hear(reply(place, MONDAY + minutes(start)))
        hear(event(place.contact, _channel(place), "在吗", MONDAY + minutes(start + 5)))
        watch(MONDAY + minutes(start + 20))
    keys = list(ticket.waits.order_by("id").values_list("pk", flat=True))
    broken = list(Breach.objects.filter(level=BreachLevel.BREACH).order_by("id").values_list("metric", "trigger"))
    assert broken == [(Metric.NEXT_REPLY, key) for key in keys]


def _channel(place):
    from channels_ingest.models import Channel

    return Channel.objects.get(pk=place.account_id)


def test_a_worker_that_dies_tells_nobody_twice_and_forgets_nobody(ticket, agent, monkeypatch):
    from service_desk import watching as module

    def die(*_args):
        raise DatabaseError("killed")

    with monkeypatch.context() as patched, pytest.raises(DatabaseError):
        patched.setattr(module, "_tell", die)
        watch(MONDAY + minutes(31))
    assert noted() == []
    watch(MONDAY + minutes(32))
    assert noted() == [(Metric.FIRST_REPLY, BreachLevel.BREACH, 0)]
    assert Notification.objects.filter(user=agent).count() == 1


def test_many_at_once_are_one_line(agent, manager):
    weibo = account()
    rows = [event(person(name=f"客户 {n}"), weibo, COMPLAINT) for n in range(6)]
    hear(*rows)
    watch(MONDAY + minutes(31))
    assert Breach.objects.filter(level=BreachLevel.BREACH).count() == 6
    assert Notification.objects.get(user=manager).text.startswith("6 promises")


def test_solved_closes_after_its_time(ticket):
    Ticket.objects.update(state=TicketState.SOLVED, solved_at=MONDAY)
    ticket.spans.update(state=TicketState.SOLVED)
    DeskSettings.objects.create(close_hours=1, survey=False)
    watch(MONDAY + minutes(59))
    assert Ticket.objects.get().state == TicketState.SOLVED
    watch(MONDAY + minutes(60))
    closed = Ticket.objects.get()
    assert closed.state == TicketState.CLOSED and told(closed)[-1] == "ticket_closed"
    assert not Survey.objects.exists()
