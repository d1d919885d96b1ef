"""The ledger's pages: for every role, with a constant number of queries, and the story of one message."""

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.enums import State
from campaigns.models import Message
from campaigns.sending import dispatch, reasons, submit
from scrm.lib import clock
from tests.campaigns.world import NIGHT, NOON, account, ask, person, refuse, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def oa(company, platform):
    return account("wechat_oa")


def fan(oa, **fields):
    return person(openid=oa.pk, last_inbound_at=NOON, **fields)


def planned(request, at=NOON) -> Message:
    with clock.frozen(at):
        return Message.objects.get(pk=submit([request])[request.key])


def test_who_sees_the_list_and_whose_messages(oa, cast, client_for):
    mine = planned(ask(fan(oa, owner=cast["sales"], name="我的客户"), written()))
    for name, status in (
        ("admin", 200),
        ("marketer", 200),
        ("agent", 200),
        ("manager", 200),
        ("sales", 200),
        ("outsider", 403),
    ):
        assert client_for(cast[name]).get(reverse("campaigns:message_list")).status_code == status, name
    page = reverse("campaigns:message_detail", args=[mine.pk])
    for name, status in (("admin", 200), ("sales", 200), ("other_sales", 404), ("outsider", 403)):
        assert client_for(cast[name]).get(page).status_code == status, name
    assert "我的客户" in client_for(cast["sales"]).get(reverse("campaigns:message_list")).content.decode()
    assert "我的客户" not in client_for(cast["other_sales"]).get(reverse("campaigns:message_list")).content.decode()


def test_filters(oa, marketer, client_for):
    sent, not_sent = planned(ask(fan(oa, name="甲甲"), written())), planned(ask(person("乙乙"), written()))
    client = client_for(marketer)
    for query, shown, hidden in (
        ("state=waiting", "甲甲", "乙乙"),
        ("state=not_sent", "乙乙", "甲甲"),
        ("reason=no_address", "乙乙", "甲甲"),
        (f"contact={sent.contact_id}", "甲甲", "乙乙"),
        (f"content={not_sent.content_id}", "乙乙", "甲甲"),
    ):
        text = client.get(f"{reverse('campaigns:message_list')}?{query}").content.decode()
        assert shown in text, query
        assert hidden not in text, query


def test_the_period_of_a_figure_narrows_the_list_by_days_of_the_company(oa, marketer, client_for):
    late = NOON.replace(hour=15, minute=59)  # 23:59 in Shanghai, still the same day there
    planned(ask(person("甲甲"), written()), at=late)
    planned(ask(person("乙乙"), written()), at=late + timedelta(minutes=1))
    client, day = client_for(marketer), NOON.date().isoformat()
    text = client.get(f"{reverse('campaigns:message_list')}?state=not_sent&planned={day}..{day}").content.decode()
    assert "甲甲" in text and "乙乙" not in text
    for damaged in ("x", f"{day}..", f"{day}..9999-12-31", "2026-02-30..2026-03-01"):
        assert client.get(f"{reverse('campaigns:message_list')}?planned={damaged}").status_code == 200, damaged


def test_who_sees_only_some_messages_is_told_so(oa, cast, client_for):
    told = "whole company"
    assert told in client_for(cast["sales"]).get(reverse("campaigns:message_list")).content.decode()
    assert told not in client_for(cast["marketer"]).get(reverse("campaigns:message_list")).content.decode()


def test_the_list_costs_the_same_for_one_row_and_for_thirty(oa, marketer, client_for, django_assert_max_num_queries):
    content, client = written(), client_for(marketer)
    planned(ask(fan(oa), content))
    with django_assert_max_num_queries(15):
        client.get(reverse("campaigns:message_list"))
    for _n in range(30):
        planned(ask(fan(oa), content))
    with django_assert_max_num_queries(15):
        client.get(reverse("campaigns:message_list"))


def test_a_held_message_says_until_when_and_why(oa, marketer, client_for):
    message = planned(ask(fan(oa), written()), at=NIGHT)
    assert message.state == State.HELD
    with clock.frozen(NIGHT):
        page = client_for(marketer).get(reverse("campaigns:message_detail", args=[message.pk])).content.decode()
    assert "2025-11-21 08:00" in page
    assert "Quiet hours" in page
    assert "Asia/Shanghai" in page


@pytest.mark.parametrize(
    "make,words",
    [
        (lambda oa: ask(person(openid=oa.pk), written()), "never written here"),
        (
            lambda oa: ask(person(openid=oa.pk, last_inbound_at=NOON - timedelta(days=3)), written()),
            "last act here was at 2025-11-17",
        ),
        (lambda oa: ask(person(), written()), "No address on the channel"),
        (lambda oa: ask(person(openid=oa.pk, last_inbound_at=NOON), written(state="draft")), "Only approved content"),
    ],
)
def test_the_sentences_name_the_facts(oa, make, words):
    from django.utils import translation

    message = planned(make(oa))
    with translation.override("en"):
        told = [sentence for step in reasons.steps(message) for sentence in step.sentences]
        assert any(words in sentence for sentence in told), told


def test_the_whole_story_of_a_retry(oa, platform, marketer, client_for):
    message = planned(ask(fan(oa), written()))
    platform.answers["*"] = [refuse("busy", code="-1")]
    with clock.frozen(NOON):
        dispatch.run_once()
    message.refresh_from_db()
    with clock.frozen(message.next_at):
        dispatch.run_once()
    page = client_for(marketer).get(reverse("campaigns:message_detail", args=[message.pk])).content.decode()
    for words in ("Planned: may be sent", "Try 1 failed", "busy (-1)", "Handed to the platform"):
        assert words in page, words


def test_only_who_may_send_settles_the_unknown(oa, platform, cast, client_for):
    message = planned(ask(fan(oa, owner=cast["sales"]), written()))
    platform.answers["*"] = [refuse("no answer", unknown=True)]
    with clock.frozen(NOON):
        dispatch.run_once()
    url = reverse("campaigns:message_settle", args=[message.pk])
    assert client_for(cast["sales"]).post(url, {"answer": "sent"}).status_code == 403
    assert client_for(cast["marketer"]).get(url).status_code == 405
    assert client_for(cast["marketer"]).post(url, {"answer": "sent"}).status_code == 302
    assert Message.objects.get().state == State.SENT
    assert client_for(cast["marketer"]).post(url, {"answer": "again"}).status_code == 302
    assert Message.objects.get().state == State.SENT


def test_the_profile_shows_messages_with_their_reasons(oa, marketer, client_for):
    contact = person("丙")
    message = planned(ask(contact, written()))
    page = client_for(marketer).get(reverse("contacts:contact", args=[contact.pk])).content.decode()
    assert reverse("campaigns:message_detail", args=[message.pk]) in page
    assert "No address on the channel" in page
