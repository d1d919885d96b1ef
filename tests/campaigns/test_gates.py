"""Planning: each gate with its reason, channel choice, holds, caps, windows; and a constant number of statements."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.enums import Reason, State, SuppressionReason
from campaigns.models import Message, Suppression
from campaigns.sending import submit, submit_audience
from channels_ingest.enums import State as ChannelState
from contacts.enums import ConsentState, EventKind, IdentityKind
from contacts.models import Consent, Contact, Event, Identity
from scrm.lib import clock
from tests.campaigns import world
from tests.campaigns.world import MORNING, NIGHT, NOON, account, ask, person, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def oa(company):
    return account("wechat_oa")


@pytest.fixture
def mail(company):
    return account("email")


def fan(oa, **fields):
    """A follower who has just written to us."""
    return person(openid=oa.pk, last_inbound_at=NOON - timedelta(hours=1), **fields)


def plan(request, at=NOON) -> Message:
    with clock.frozen(at):
        return Message.objects.get(pk=submit([request])[request.key])


def test_a_follower_who_wrote_gets_it_now(oa):
    contact = fan(oa)
    message = plan(ask(contact, written()))
    assert (message.state, message.reason, message.channel, message.account_id) == (State.QUEUED, "", "oa", oa.pk)
    assert message.identity.contact_id == contact.pk
    window = message.decisions[0]["window"]
    assert (window["opened_by"], window["used"], window["limit"]) == ("message", 0, 5)


def test_the_same_key_is_planned_once(oa):
    request = ask(fan(oa), written())
    first = plan(request)
    assert plan(request).pk == first.pk
    assert Message.objects.count() == 1


def test_marketing_at_night_is_held_until_the_morning_and_told(oa):
    contact = fan(oa)
    message = plan(ask(contact, written(), ref={"enrolment": 7}), at=NIGHT)
    assert (message.state, message.reason, message.hold_until, message.next_at) == (
        State.HELD,
        Reason.QUIET_HOURS,
        MORNING,
        MORNING,
    )
    look = message.decisions[0]
    assert (look["zone"], look["zone_from"]) == ("Asia/Shanghai", "company")
    event = Event.objects.get(contact=contact)
    assert event.kind == EventKind.MESSAGE_HELD
    assert event.properties["ref"] == {"enrolment": 7}
    assert event.properties["message"] == message.pk


def test_the_zone_is_the_contacts_then_the_regions(oa):
    tokyo = fan(oa, time_zone="Asia/Tokyo")
    urumqi = fan(oa, region="新疆")
    content = written()
    assert plan(ask(tokyo, content), at=NIGHT).hold_until == MORNING - timedelta(hours=1)
    held = plan(ask(urumqi, content), at=NIGHT)
    assert held.state == State.QUEUED  # 20:30 in Urumqi


def test_transactional_messages_pass_the_night(oa):
    message = plan(ask(fan(oa), written(purpose="transactional")), at=NIGHT)
    assert message.state == State.QUEUED


def test_rather_not_than_late(oa):
    contact = fan(oa)
    message = plan(ask(contact, written(), defer_quiet=False), at=NIGHT)
    assert (message.state, message.reason) == (State.SUPPRESSED, Reason.LATE)
    message = plan(ask(contact, written(), expires_at=MORNING - timedelta(hours=1)), at=NIGHT)
    assert (message.state, message.reason) == (State.EXPIRED, Reason.EXPIRED)


def test_unapproved_content_is_not_sent(oa):
    assert plan(ask(fan(oa), written(state="draft"))).reason == Reason.NOT_APPROVED


def test_no_variant_for_the_channel(oa):
    assert plan(ask(fan(oa), written("email"))).reason == Reason.NO_VARIANT


def test_no_account_for_the_channel(oa):
    assert (
        plan(ask(person(email="a#@example.com", consents=("email",)), written(), "email")).reason == Reason.NO_ACCOUNT
    )


def test_no_address(oa):
    assert plan(ask(person(), written())).reason == Reason.NO_ADDRESS


def test_who_left_is_unreachable(oa):
    contact = fan(oa)
    Identity.objects.filter(contact=contact).update(reachable=False)
    assert plan(ask(contact, written())).reason == Reason.UNREACHABLE


def test_a_contact_that_is_gone(oa):
    contact = fan(oa)
    request = ask(contact, written())
    Identity.objects.filter(contact=contact).delete()
    Contact.objects.filter(pk=contact.pk).delete()
    assert plan(request).reason == Reason.CONTACT_GONE


def test_who_was_merged_away_gets_it_as_the_survivor(oa):
    survivor, gone = fan(oa), person()
    Contact.objects.filter(pk=gone.pk).update(merged_into=survivor)
    message = plan(ask(gone, written()))
    assert (message.contact_id, message.state) == (survivor.pk, State.QUEUED)


def test_mail_marketing_needs_a_yes(mail):
    content = written()
    contact = person(email="b#@example.com")
    assert plan(ask(contact, content, "email")).reason == Reason.NO_CONSENT
    consent = Consent.objects.create(contact=contact, channel="email", state=ConsentState.PENDING, changed_at=NOON)
    assert plan(ask(contact, content, "email")).reason == Reason.NO_CONSENT
    Consent.objects.filter(pk=consent.pk).update(state=ConsentState.GRANTED)
    assert plan(ask(contact, content, "email")).state == State.QUEUED
    Consent.objects.filter(pk=consent.pk).update(state=ConsentState.WITHDRAWN)
    assert plan(ask(contact, content, "email")).reason == Reason.UNSUBSCRIBED
    assert plan(ask(contact, written(purpose="transactional"), "email")).state == State.QUEUED


@pytest.mark.parametrize(
    "why,marketing,transactional",
    [
        (SuppressionReason.BOUNCED, Reason.SUPPRESSED_ADDRESS, Reason.SUPPRESSED_ADDRESS),
        (SuppressionReason.COMPLAINED, Reason.UNSUBSCRIBED, ""),
    ],
)
def test_the_suppression_list(mail, why, marketing, transactional):
    contact = person(email="c#@example.com", consents=("email",))
    found = contact.identities.get()
    Suppression.objects.create(kind=found.kind, scope=0, index=found.index, reason=why, created_at=NOON)
    assert plan(ask(contact, written(), "email")).reason == marketing
    assert plan(ask(contact, written(purpose="transactional"), "email")).reason == transactional


@pytest.mark.parametrize(
    "inbound,touch,reason",
    [
        (None, None, Reason.WINDOW_CLOSED),
        (timedelta(hours=47, minutes=59), None, ""),
        (timedelta(hours=48), None, Reason.WINDOW_CLOSED),
        (None, timedelta(seconds=59), ""),
        (None, timedelta(minutes=30), Reason.WINDOW_CLOSED),
    ],
)
def test_the_48_hour_window(oa, inbound, touch, reason):
    contact = person(openid=oa.pk, last_inbound_at=inbound and NOON - inbound, last_touch_at=touch and NOON - touch)
    assert plan(ask(contact, written(purpose="service"))).reason == reason


@pytest.mark.parametrize("opened_by,limit", [("last_inbound_at", 5), ("last_touch_at", 3)])
def test_a_window_takes_so_many_messages(oa, opened_by, limit):
    contact = person(openid=oa.pk, **{opened_by: NOON - timedelta(seconds=10)})
    content = written(purpose="service")
    requests = [ask(contact, content) for _n in range(limit + 1)]
    with clock.frozen(NOON):
        submit(requests[:2])
        ids = submit(requests)
    reasons = [Message.objects.get(pk=ids[request.key]).reason for request in requests]
    assert reasons == [""] * limit + [Reason.WINDOW_USED]


def test_the_window_must_still_be_open_when_the_hold_ends(oa):
    contact = person(openid=oa.pk, last_inbound_at=NIGHT - timedelta(hours=40))
    assert plan(ask(contact, written()), at=NIGHT).reason == Reason.WINDOW_CLOSED


def test_the_first_channel_that_passes_is_taken_and_the_others_are_kept_as_reasons(oa, mail):
    contact = person(openid=oa.pk, email="d#@example.com", consents=("email",))
    message = plan(ask(contact, written(), "oa", "email"))
    assert (message.channel, message.account_id) == ("email", mail.pk)
    assert [(tried["channel"], tried["reason"]) for tried in message.decisions[0]["tried"]] == [("oa", "window_closed")]


def test_when_every_channel_fails_the_one_that_came_farthest_tells(oa, mail):
    message = plan(ask(person(openid=oa.pk), written(), "email", "oa"))
    assert message.reason == Reason.WINDOW_CLOSED
    assert len(message.decisions[0]["tried"]) == 2


def test_the_reachable_and_surest_address_is_taken(mail):
    contact = person(email="old#@example.com", consents=("email",))
    better = world.identity(contact, IdentityKind.EMAIL, "new@example.com")
    Identity.objects.filter(contact=contact).exclude(pk=better.pk).update(trust=1)
    assert plan(ask(contact, written(), "email")).identity_id == better.pk


def test_a_pinned_address_and_no_other(mail):
    contact = person(email="one#@example.com")
    pinned = world.identity(contact, IdentityKind.EMAIL, "typed@example.com", trust=1)
    message = plan(ask(contact, written(purpose="transactional"), "email", identity_id=pinned.pk))
    assert (message.identity_id, message.pinned) == (pinned.pk, True)


def test_frequency_caps_count_what_was_sent_and_what_is_reserved(oa):
    contact, content = fan(oa), written()
    states = [plan(ask(contact, content)).reason for _n in range(3)]
    assert states == ["", "", Reason.CAPPED]
    look = Message.objects.order_by("id").last().decisions[0]
    assert look["caps"][0] == {"days": 1, "limit": 2, "used": 2}
    assert plan(ask(contact, written(purpose="service"))).state == State.QUEUED


def test_a_reservation_that_is_not_sent_is_released(oa):
    contact, content = fan(oa), written()
    for _n in range(2):
        message = plan(ask(contact, content))
    Message.objects.filter(pk=message.pk).update(state=State.SUPPRESSED)
    assert plan(ask(contact, content)).state == State.QUEUED


def test_a_cap_holds_within_one_batch(oa):
    contact, content = fan(oa), written()
    requests = [ask(contact, content) for _n in range(4)]
    with clock.frozen(NOON):
        ids = submit(requests)
    assert [Message.objects.get(pk=ids[r.key]).state for r in requests] == [
        "queued",
        "queued",
        "suppressed",
        "suppressed",
    ]


def test_a_broken_channel_keeps_messages_waiting_with_the_reason(oa):
    contact = fan(oa)
    oa.state = ChannelState.BROKEN
    oa.save()
    message = plan(ask(contact, written()))
    assert (message.state, message.reason) == (State.QUEUED, Reason.CHANNEL_BROKEN)


def test_excluded_ones_are_told_and_queued_ones_are_not(oa):
    good, bad = fan(oa), person(openid=oa.pk)
    content = written()
    with clock.frozen(NOON):
        submit([ask(good, content), ask(bad, content, ref={"step": "a"})])
    event = Event.objects.get()
    assert (event.contact_id, event.kind) == (bad.pk, EventKind.MESSAGE_SUPPRESSED)
    assert event.properties["reason"] == Reason.WINDOW_CLOSED
    assert event.properties["ref"] == {"step": "a"}


def test_an_audience_is_planned_like_single_requests(oa):
    people = [fan(oa), person(openid=oa.pk), person()]
    content = written(tags=["spring"])
    with clock.frozen(NOON):
        made = submit_audience(
            [p.pk for p in people],
            key_prefix="c:1:1:",
            content_id=content.pk,
            purpose="marketing",
            origin="campaign",
            origin_id=1,
            channels=["oa"],
            ref={"campaign": 1},
        )
        again = submit_audience(
            [p.pk for p in people],
            key_prefix="c:1:1:",
            content_id=content.pk,
            purpose="marketing",
            origin="campaign",
            origin_id=1,
            channels=["oa"],
        )
    assert (made, sum(again.values())) == ({"queued": 1, "suppressed": 2}, 0)
    message = Message.objects.get(key=f"c:1:1:{people[0].pk}")
    assert (message.tags, message.ref, message.lane) == (["spring"], {"campaign": 1}, 2)


def test_the_number_of_statements_does_not_grow(oa, mail):
    content = written()

    def statements(count: int) -> int:
        people = [fan(oa, email="x#@example.com") for _n in range(count // 2)]
        people += [person() for _n in range(count - len(people))]
        requests = [ask(p, content, "oa", "email") for p in people]
        with (
            clock.frozen(NOON),
            CaptureQueriesContext(
                connection,
            ) as seen,
        ):
            submit(requests)
        return len(seen)

    statements(2)
    assert statements(10) == statements(400)
