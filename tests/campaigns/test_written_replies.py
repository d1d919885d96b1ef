"""Messages that a person of ours wrote: a body instead of content, through every gate and out by every kind of channel."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from campaigns.enums import Reason, State, SuppressionReason
from campaigns.models import Message, Suppression
from campaigns.sending import SendRequest, dispatch, preview, submit, ways
from channels_ingest.connectors import registry
from channels_ingest.connectors.base import Connector
from contacts.enums import ChannelKind, EventKind, IdentityKind
from contacts.models import Event, Identity
from scrm.lib import clock
from tests.campaigns.world import NIGHT, NOON, account, ask, identity, person, refuse, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def oa(company, platform):
    return account("wechat_oa")


@pytest.fixture
def weibo(company, platform, monkeypatch):
    connector = Connector("weibo", ChannelKind.WEIBO, IdentityKind.WEIBO_UID, object, open=platform.open)
    monkeypatch.setitem(registry.CONNECTORS, "weibo", connector)
    return account("weibo")


def reply(contact, *channels, text="您好，马上为您查", kind="text", data=None, **fields) -> SendRequest:
    reply.count = getattr(reply, "count", 0) + 1
    fields.setdefault("ref", {"conversation": 3, "entry": 9})
    return SendRequest(
        key=fields.pop("key", f"reply:{reply.count}"),
        contact_id=contact.pk,
        content_id=None,
        body={"kind": kind, "text": text, "data": data or {}},
        purpose="service",
        origin="agent",
        origin_id=5,
        channels=list(channels) or ["oa"],
        **fields,
    )


def plan(request, at=NOON) -> Message:
    with clock.frozen(at):
        return Message.objects.get(pk=submit([request])[request.key])


def test_it_goes_out_as_it_was_written_even_at_night_and_over_the_cap(oa, platform, company):
    company.caps = {"day": 0}
    company.save()
    contact = person(openid=oa.pk, last_inbound_at=NIGHT - timedelta(minutes=5))
    message = plan(reply(contact, text="{{ contact.name }} & <b>您好</b> https://x.example/a"), at=NIGHT)
    assert (message.state, message.reason, message.content, message.lane) == (State.QUEUED, "", None, 0)
    with clock.frozen(NIGHT):
        dispatch.run_once()
    ((_address, _key, rendered),) = platform.sent
    assert (rendered.kind, rendered.text) == ("text", "{{ contact.name }} & <b>您好</b> https://x.example/a")
    event = Event.objects.get(kind=EventKind.MESSAGE_SENT)
    assert event.properties["ref"] == {"conversation": 3, "entry": 9}
    assert (event.properties["origin"], event.properties["origin_id"], event.properties["content"]) == (
        "agent",
        5,
        None,
    )
    assert event.properties["text"].endswith("https://x.example/a")


def test_the_window_the_address_and_the_suppression_list_hold(oa, company):
    late = person(openid=oa.pk, last_inbound_at=NOON - timedelta(hours=49))
    gone = person(openid=oa.pk, last_inbound_at=NOON)
    Identity.objects.filter(contact=gone).update(reachable=False)
    listed = person(openid=oa.pk, last_inbound_at=NOON)
    theirs = Identity.objects.get(contact=listed)
    Suppression.objects.create(
        kind=theirs.kind, scope=theirs.scope, index=theirs.index, reason=SuppressionReason.GONE, created_at=NOON
    )
    for contact, reason in (
        (late, Reason.WINDOW_CLOSED),
        (gone, Reason.UNREACHABLE),
        (listed, Reason.SUPPRESSED_ADDRESS),
        (person(), Reason.NO_ADDRESS),
    ):
        message = plan(reply(contact))
        assert (message.state, message.reason) == (State.SUPPRESSED, reason)


def test_a_window_takes_five_and_no_sixth(oa):
    contact = person(openid=oa.pk, last_inbound_at=NOON)
    assert [plan(reply(contact)).reason for _n in range(6)] == [""] * 5 + [Reason.WINDOW_USED]


def test_the_window_is_asked_again_when_it_leaves(oa):
    message = plan(reply(person(openid=oa.pk, last_inbound_at=NOON)))
    with clock.frozen(NOON + timedelta(hours=49)):
        dispatch.run_once()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SUPPRESSED, Reason.WINDOW_CLOSED)


def test_a_comment_needs_no_window_and_takes_none_of_it(weibo, platform):
    contact = person()
    identity(contact, IdentityKind.WEIBO_UID, "1792", scope=weibo.pk, last_inbound_at=NOON - timedelta(days=9))
    assert plan(reply(contact, "weibo")).reason == Reason.WINDOW_CLOSED
    message = plan(reply(contact, "weibo", kind="comment", data={"comment_id": "c1", "post_id": "p1"}))
    assert message.state == State.QUEUED
    with clock.frozen(NOON):
        dispatch.run_once()
    ((_address, _key, rendered),) = platform.sent
    assert (rendered.kind, rendered.data) == ("comment", {"comment_id": "c1", "post_id": "p1"})
    Identity.objects.filter(contact=contact).update(last_inbound_at=NOON - timedelta(hours=1))
    with clock.frozen(NOON):
        found = {(w.channel, w.kind): w for w in ways(contact.pk, channel="weibo", comment=True)}
    assert found["weibo", "text"].used == 0


def test_a_mail_has_a_subject_and_plain_text(oa, platform):
    account("email")
    contact = person(email="lin#@example.com")
    plan(reply(contact, "email", kind="email", data={"subject": "Re: 鞋底"}))
    with clock.frozen(NOON):
        dispatch.run_once()
    rendered = platform.sent[0][2]
    assert (rendered.kind, rendered.subject, rendered.html) == ("email", "Re: 鞋底", "")


def test_a_refused_reply_is_told_with_its_reason(oa, platform):
    message = plan(reply(person(openid=oa.pk, last_inbound_at=NOON)))
    platform.answers["*"] = [refuse("closed", permanent=True, window_closed=True)]
    with clock.frozen(NOON):
        dispatch.run_once()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SUPPRESSED, Reason.WINDOW_CLOSED)
    assert Event.objects.get(kind=EventKind.MESSAGE_SUPPRESSED).properties["ref"]["entry"] == 9


def test_replies_and_contents_are_planned_side_by_side(oa):
    contact = person(openid=oa.pk, last_inbound_at=NOON)
    with clock.frozen(NOON):
        found = submit([ask(contact, written(), key="c"), reply(contact, key="r")])
    assert {m.key: m.state for m in Message.objects.all()} == {"c": State.QUEUED, "r": State.QUEUED}
    assert found.keys() == {"c", "r"}


def test_previews_are_as_before(oa):
    contact = person(openid=oa.pk, last_inbound_at=NOON)
    with clock.frozen(NOON):
        assert preview([contact.pk], content=written(state="draft"), channels=["oa"]).will == 1
        assert preview([contact.pk], content=written("email"), channels=["oa"]).not_sent == 1


def test_a_message_without_content_and_body_cannot_be_stored(oa):
    contact = person()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.create(
            key="x",
            contact=contact,
            purpose="service",
            origin="agent",
            state=State.SUPPRESSED,
            next_at=NOON,
            planned_at=NOON,
        )


def test_pages_show_what_was_written(oa, admin, client_for):
    contact = person("林晓雯", openid=oa.pk, last_inbound_at=NOON)
    message = plan(SendRequest(**{**_fields(reply(contact, text="补寄的鞋<b>今天</b>发出")), "origin_id": admin.pk}))
    client = client_for(admin)
    for page in (
        client.get(reverse("campaigns:message_list")),
        client.get(reverse("campaigns:message_detail", args=[message.pk])),
        client.get(reverse("contacts:contact", args=[contact.pk])),
    ):
        assert page.status_code == 200
        assert "补寄的鞋&lt;b&gt;今天&lt;/b&gt;发出" in page.content.decode()
    assert admin.name in client.get(reverse("campaigns:message_detail", args=[message.pk])).content.decode()


def _fields(request: SendRequest) -> dict:
    return {name: getattr(request, name) for name in request.__slots__}


def test_ways_name_the_window_and_what_is_left(oa):
    account("email")
    contact = person(openid=oa.pk, email="lin#@example.com", last_inbound_at=NOON - timedelta(hours=1))
    pinned = contact.identities.get(kind=IdentityKind.OPENID)
    plan(reply(contact))
    with clock.frozen(NOON):
        own, mail = ways(contact.pk, channel="oa", identity_id=pinned.pk)
        assert (own.open, own.closes_at, own.used, own.left) == (True, NOON + timedelta(hours=47), 1, 4)
        assert (mail.channel, mail.open, mail.closes_at) == ("email", True, None)
    with clock.frozen(NOON + timedelta(days=3)):
        own, mail = ways(contact.pk, channel="oa", identity_id=pinned.pk)
        assert (own.open, own.reason, own.closes_at) == (False, Reason.WINDOW_CLOSED, None)
        assert mail.open
    assert Message.objects.count() == 1
