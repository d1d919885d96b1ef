"""Segments by messages."""

from datetime import timedelta

import pytest

from campaigns.models import Message
from campaigns.sending import preview, submit
from contacts import segments
from scrm.lib import clock
from tests.campaigns.world import MORNING, NIGHT, NOON, account, ask, person, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def oa(company):
    return account("wechat_oa")


def got(oa, **fields):
    contact = person(openid=oa.pk, last_inbound_at=NOON)
    with clock.frozen(NOON):
        pk = next(iter(submit([ask(contact, written(), origin="campaign", origin_id=7)]).values()))
    Message.objects.filter(pk=pk).update(state="sent", sent_at=NOON, **fields)
    return contact


def who(rule, now=NOON + timedelta(hours=1)) -> set[int]:
    return set(segments.contacts(rule, now).values_list("id", flat=True))


def test_received_opened_clicked(oa):
    sent, opened, clicked = got(oa), got(oa, opened_at=NOON), got(oa, opened_at=NOON, clicked_at=NOON)
    person()
    assert who({"kind": "message", "did": "sent"}) == {sent.pk, opened.pk, clicked.pk}
    assert who({"kind": "message", "did": "opened"}) == {opened.pk, clicked.pk}
    assert who({"kind": "message", "did": "clicked"}) == {clicked.pk}
    assert who({"kind": "message", "did": "not_opened"}) == {sent.pk}
    assert who({"kind": "message", "did": "not_clicked", "channel": "oa"}) == {sent.pk, opened.pk}
    assert who({"kind": "message", "did": "sent", "days": 2}, NOON + timedelta(days=3)) == set()
    assert opened.pk in who({"not": {"kind": "message", "did": "clicked"}})
    content = Message.objects.get(contact=sent).content_id
    assert who({"kind": "message", "did": "sent", "content": content}) == {sent.pk}


def test_what_is_wrong_is_said():
    problems = segments.validate(
        {"all": [{"kind": "message", "did": "ate", "days": -1, "campaign": 99, "channel": "fax"}]}
    )
    assert {problem.field for problem in problems} == {"did", "days", "campaign", "channel"}


def test_it_is_said_in_words(oa):
    content = written()
    assert content.name in segments.describe(
        {"kind": "message", "did": "opened", "content": content.pk, "days": 30}, "zh-hans"
    )


def test_the_preview_adds_up_and_writes_nothing(oa, company):
    email = account("email")
    content = written()
    people = [
        person(openid=oa.pk, last_inbound_at=NIGHT),
        person(openid=oa.pk, last_inbound_at=NIGHT, time_zone="Europe/Berlin"),
        person(email="p#@example.com"),
        person(),
    ]
    with clock.frozen(NIGHT):
        found = preview([p.pk for p in people], content=content, channels=["oa", "email"])
    assert (found.total, found.will, found.held, found.not_sent) == (4, 1, 1, 2)
    held = next(line for line in found.lines if line.state == "held")
    assert (held.first_until, held.channel, held.sample) == (MORNING, "oa", [people[0].pk])
    assert {line.reason for line in found.lines if line.state == "suppressed"} == {"no_consent", "no_address"}
    assert Message.objects.count() == 0
    assert email.pk
