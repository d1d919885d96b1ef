"""From the event log to tickets."""

from datetime import timedelta

import pytest
from desk_world import COMPLAINT, MONDAY, account, event, hear, minutes, person, reply, story, talk, told
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scrm.lib import clock
from service_desk.enums import Priority, TicketKind, TicketState
from service_desk.models import ChannelDesk, Conversation, DeskSettings, Survey, Ticket, TicketSpan

pytestmark = pytest.mark.django_db


def test_a_complaint_opens_a_ticket_and_its_words_join_it():
    who, weibo = person(), account()
    place = talk(who, weibo)
    hear(
        event(who, weibo, COMPLAINT, kind="commented", comment_id="c1"),
        event(who, weibo, "怎么没人理我", MONDAY + minutes(3)),
    )
    ticket = Ticket.objects.get()
    assert (ticket.conversation, ticket.contact, ticket.state) == (place, who, TicketState.OPEN)
    assert (ticket.priority, ticket.kind, ticket.title) == (Priority.HIGH, TicketKind.COMPLAINT, COMPLAINT)
    assert ticket.opened_at == MONDAY and ticket.last_customer_at == MONDAY + minutes(3)
    assert ticket.due_at == MONDAY + minutes(30), "the first reply to high priority"
    assert told(ticket) == ["ticket_opened"] and story(ticket) == ["open"]


@pytest.mark.parametrize("text", ["这双鞋会不会开胶", "鞋子很舒服，走了一天脚都不累", "谢谢", "哈哈哈哈"])
def test_questions_praise_and_small_talk_open_none(text):
    who, weibo = person(), account()
    talk(who, weibo)
    hear(event(who, weibo, text))
    assert not Ticket.objects.exists()


def test_an_unknown_complainer_gets_a_conversation_too():
    who, weibo = person(name=""), account()
    hear(event(who, weibo, COMPLAINT, kind="mentioned"))
    assert Ticket.objects.get().conversation == Conversation.objects.get(contact=who, account_id=weibo.pk)


def test_reading_again_repeats_nothing():
    who, weibo = person(), account()
    place = talk(who, weibo)
    rows = [
        event(who, weibo, COMPLAINT),
        reply(place, MONDAY + minutes(5)),
        event(who, weibo, "还是没有解决", MONDAY + minutes(9)),
        reply(place, MONDAY + minutes(12)),
    ]
    hear(*rows)
    before = (list(Ticket.objects.values()), list(TicketSpan.objects.values()), told(Ticket.objects.get()))
    hear(*rows)
    after = (list(Ticket.objects.values()), list(TicketSpan.objects.values()), told(Ticket.objects.get()))
    for row in (*before[0], *after[0]):
        row.pop("version"), row.pop("look_at")
    assert before == after


def test_only_a_person_stops_the_first_reply():
    who, weibo = person(), account()
    place = talk(who, weibo)
    hear(event(who, weibo, COMPLAINT), reply(place, MONDAY + minutes(1), origin="journey"))
    assert Ticket.objects.get().first_reply_at is None
    hear(reply(place, MONDAY + minutes(7)))
    assert Ticket.objects.get().first_reply_at == MONDAY + minutes(7)
    hear(event(who, weibo, "那要多久", MONDAY + minutes(10)), event(who, weibo, "在吗", MONDAY + minutes(20)))
    wait = Ticket.objects.get().waits.get()
    assert (wait.since, wait.until) == (MONDAY + minutes(10), None), "from the oldest that is not answered"
    hear(reply(place, MONDAY + minutes(25)))
    wait.refresh_from_db()
    assert wait.until == MONDAY + minutes(25)


def _in_state(state: TicketState) -> tuple:
    who, weibo = person(), account()
    place = talk(who, weibo)
    hear(event(who, weibo, COMPLAINT))
    from service_desk.flow import Desk

    with clock.frozen(MONDAY + minutes(30)):
        desk = Desk()
        [work] = desk.load(Ticket.objects.select_related("policy"))
        desk.move(work, state)
        desk.save()
    return who, weibo, place, Ticket.objects.get()


@pytest.mark.parametrize("state", [TicketState.PENDING, TicketState.SOLVED])
def test_a_word_of_the_customer_reopens_but_thanks_do_not(state):
    who, weibo, _place, ticket = _in_state(state)
    hear(event(who, weibo, "好的，谢谢！", MONDAY + minutes(40)))
    ticket.refresh_from_db()
    assert ticket.state == state
    hear(event(who, weibo, "请问进展如何", MONDAY + minutes(50)))
    ticket.refresh_from_db()
    assert ticket.state == TicketState.OPEN and ticket.solved_at is None
    assert story(ticket) == ["open", state, "open"]
    assert ("ticket_reopened" in told(ticket)) == (state == TicketState.SOLVED)
    assert Ticket.objects.count() == 1


def test_thanks_can_be_made_to_reopen():
    who, weibo, _place, ticket = _in_state(TicketState.SOLVED)
    DeskSettings.objects.create(thanks_reopen=True)
    hear(event(who, weibo, "谢谢", MONDAY + minutes(40)))
    ticket.refresh_from_db()
    assert ticket.state == TicketState.OPEN


def test_after_closing_a_complaint_or_question_opens_a_follow_up():
    who, weibo, _place, closed = _in_state(TicketState.CLOSED)
    hear(event(who, weibo, "太好了，鞋子很舒服", MONDAY + minutes(60)))
    assert Ticket.objects.count() == 1
    hear(event(who, weibo, "请问退货的地址是哪里", MONDAY + minutes(70)))
    follow_up = Ticket.objects.exclude(pk=closed.pk).get()
    assert (follow_up.follow_up_of, follow_up.kind) == (closed, TicketKind.QUESTION)
    closed.refresh_from_db()
    assert closed.state == TicketState.CLOSED


def test_long_after_closing_it_is_a_new_matter():
    who, weibo, _place, closed = _in_state(TicketState.CLOSED)
    later = MONDAY + timedelta(days=60)
    hear(event(who, weibo, "请问退货的地址是哪里", later))
    assert Ticket.objects.count() == 1
    hear(event(who, weibo, COMPLAINT, later + minutes(1)))
    assert Ticket.objects.exclude(pk=closed.pk).get().follow_up_of is None


def test_what_was_dismissed_takes_no_further_words():
    who, weibo, _place, ticket = _in_state(TicketState.CLOSED)
    Ticket.objects.update(dismissed=True)
    hear(event(who, weibo, "请问退货的地址是哪里", MONDAY + minutes(60)))
    assert Ticket.objects.count() == 1


def test_a_new_conversation_after_a_closed_one_reopens_the_same_ticket():
    who, weibo, place, ticket = _in_state(TicketState.SOLVED)
    Conversation.objects.filter(pk=place.pk).update(state="closed")
    going = talk(who, weibo)
    hear(event(who, weibo, "还是坏的", MONDAY + minutes(60)))
    ticket.refresh_from_db()
    assert (ticket.state, ticket.conversation) == (TicketState.OPEN, going)


def test_the_digit_after_the_question_is_the_rating(agent):
    who, weibo, _place, ticket = _in_state(TicketState.SOLVED)
    survey = Survey.objects.get(ticket=ticket)
    Survey.objects.update(state="asked", asked_at=MONDAY + minutes(31), agent=agent)
    hear(event(who, weibo, "５", MONDAY + minutes(45)))
    survey.refresh_from_db(), ticket.refresh_from_db()
    assert (survey.state, survey.stars, survey.agent) == ("rated", 5, agent)
    assert ticket.state == TicketState.SOLVED
    assert told(ticket)[-1] == "satisfaction_rated"
    hear(event(who, weibo, "4", MONDAY + minutes(50)))
    survey.refresh_from_db(), ticket.refresh_from_db()
    assert survey.stars == 5 and ticket.state == TicketState.OPEN, "the question was answered: now it is a word"


def test_a_channel_sends_its_tickets_to_a_team(team):
    who, weibo = person(), account()
    ChannelDesk.objects.create(account_id=weibo.pk, team=team, skill="鞋类")
    hear(event(who, weibo, COMPLAINT))
    assert (Ticket.objects.get().team, Ticket.objects.get().skill) == (team, "鞋类")


def test_a_storm_costs_a_constant_number_of_statements():
    """One ticket per conversation however many comments, and as many statements for 1,500 as for 10."""
    weibo = account()
    crowd = [person(name=f"客户 {n}") for n in range(500)]
    counts = []
    for people_now in (crowd[:5], crowd[5:]):
        rows = [event(who, weibo, f"{COMPLAINT}！{n}", kind="commented") for n in range(3) for who in people_now]
        with CaptureQueriesContext(connection) as queries:
            hear(*rows)
        counts.append(len(queries))
    assert Ticket.objects.count() == Conversation.objects.count() == 500
    assert TicketSpan.objects.count() == 500
    assert counts[1] <= counts[0] + 2, counts
