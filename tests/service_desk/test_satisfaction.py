"""The question leaves through the ledger once per cycle, inside the platform's window."""

from datetime import timedelta

import pytest
from desk_world import COMPLAINT, MONDAY, account, event, hear, minutes, person, talk
from django.urls import reverse

from campaigns.models import Message
from contacts import consumers
from contacts.enums import IdentityKind, Trust
from contacts.models import Identity
from scrm.lib import clock, crypto
from service_desk import actions, satisfaction, watching
from service_desk.consumers import tickets
from service_desk.enums import SurveyState
from service_desk.models import DeskSettings, Survey, Ticket

pytestmark = pytest.mark.django_db


def solved(agent, *, heard_at=MONDAY) -> Ticket:
    """A solved ticket of a customer who can be written to, if they wrote lately."""
    who, oa = person(), account()
    oa.kind = "wechat_oa"
    oa.save()
    address = Identity.objects.create(
        contact=who,
        kind=IdentityKind.OPENID,
        scope=oa.pk,
        index=crypto.blind_index(IdentityKind.OPENID, "o1"),
        value=crypto.seal("o1", "identity"),
        hint="o1***",
        trust=Trust.VERIFIED,
        first_seen_at=MONDAY,
        last_seen_at=MONDAY,
        last_inbound_at=heard_at,
    )
    talk(who, oa, identity_id=address.pk)
    who.conversations.update(channel="oa")
    hear(event(who, oa, COMPLAINT))
    ticket = Ticket.objects.get()
    with clock.frozen(MONDAY + minutes(30)):
        actions.solve_ticket(ticket=ticket, by=agent, version=ticket.version)
    ticket.refresh_from_db()
    return ticket


def ask(times=2) -> None:
    with clock.frozen(MONDAY + minutes(31)):
        for _n in range(times):
            watching.run_once()


def test_asked_once_with_the_address_of_its_page(agent):
    ticket = solved(agent)
    ask()
    survey, message = Survey.objects.get(), Message.objects.get()
    assert survey.state == SurveyState.ASKED and survey.agent == agent
    assert (message.purpose, message.channel, message.content_id) == ("service", "oa", None)
    assert message.state == "queued" and satisfaction.address(survey) in message.body["text"]
    assert reverse("service_desk:rate", args=["x"])[:3] in message.body["text"]
    assert message.ref == {"survey": survey.pk, "ticket": ticket.pk}


def test_outside_the_window_nobody_is_asked(agent):
    solved(agent, heard_at=MONDAY - timedelta(days=9))
    ask()
    tickets.consume(consumers.since(0, 1000))
    survey = Survey.objects.get()
    assert survey.state == SurveyState.SKIPPED and survey.reason
    assert satisfaction.stars_in("5", survey, MONDAY + minutes(40)) is None


def test_reopened_before_the_question_is_not_asked(agent):
    ticket = solved(agent)
    with clock.frozen(MONDAY + minutes(30.5)):
        actions.reopen_ticket(ticket=ticket, by=agent, version=ticket.version)
    ask()
    assert Survey.objects.get().state == SurveyState.SKIPPED and not Message.objects.exists()


def test_switched_off(agent):
    DeskSettings.objects.create(survey=False)
    solved(agent)
    ask()
    assert not Survey.objects.exists()


def test_the_stars_belong_to_who_solved_it(agent, make_user):
    ticket = solved(agent)
    ask()
    Ticket.objects.update(assignee=make_user("later", "agent"))
    survey = Survey.objects.get()
    with clock.frozen(MONDAY + minutes(50)):
        actions.rate_ticket(survey=survey, stars=5, text="")
    rated = [row for row in consumers.since(0, 1000) if row.kind == "satisfaction_rated"]
    assert [row.properties for row in rated] == [{"ticket": ticket.pk, "stars": 5, "agent": agent.pk, "text": ""}]
