"""The dispatcher and its faults."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from liquid.exceptions import LiquidError

from campaigns.enums import Reason, State, SuppressionReason
from campaigns.models import Message, Pace, Suppression
from campaigns.sending import cancel, cancel_for, compose, dispatch, finish, pause, resume, submit
from campaigns.sending.settling import settle_unknown
from channels_ingest.connectors.base import Receipt
from channels_ingest.enums import State as ChannelState
from contacts.enums import ConsentState, EventKind
from contacts.models import Consent, Event, Identity
from scrm.core.models import AuditEntry
from scrm.lib import clock
from tests.campaigns import world
from tests.campaigns.world import MORNING, NIGHT, NOON, account, ask, person, refuse, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def oa(company):
    return account("wechat_oa")


@pytest.fixture
def mail(company):
    return account("email")


def fan(oa, **fields):
    fields.setdefault("last_inbound_at", NOON - timedelta(hours=1))
    return person(openid=oa.pk, **fields)


def planned(*requests, at=NOON) -> list[Message]:
    with clock.frozen(at):
        ids = submit(list(requests))
    return [Message.objects.get(pk=ids[request.key]) for request in requests]


def run(at=NOON) -> None:
    with clock.frozen(at):
        while dispatch.run_once():
            pass


def kinds(contact) -> list[str]:
    return list(Event.objects.filter(contact=contact).order_by("id").values_list("kind", flat=True))


def expire_leases() -> None:
    Message.objects.exclude(lease_until=None).update(lease_until=clock.real_now() - timedelta(seconds=1))


def test_a_due_message_leaves_with_name_link_and_a_way_out(oa, platform):
    contact = fan(oa, name="林晓月")
    (message,) = planned(
        ask(contact, written(body="{{ contact.name }}：[新品](https://shop.example.com/new?a=1)"), ref={"enrolment": 3})
    )
    run()
    message.refresh_from_db()
    assert (message.state, message.platform_id, message.sent_at, message.attempt_no) == (State.SENT, "p1", NOON, 1)
    address, key, rendered = platform.sent[0]
    assert key == message.key
    assert "林晓月" in rendered.text
    assert "/l/" in rendered.text
    assert "TD" in rendered.text
    event = Event.objects.get(contact=contact)
    assert (event.kind, event.properties["ref"], event.occurred_at) == (EventKind.MESSAGE_SENT, {"enrolment": 3}, NOON)
    oa.refresh_from_db()
    assert oa.last_sent_at is not None


def test_a_mail_has_one_click_unsubscribe_and_an_open_pixel(mail, platform):
    planned(ask(person(email="m#@example.com", consents=("email",)), written("email"), "email"))
    run()
    rendered = platform.sent[0][2]
    assert rendered.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/u/" in rendered.headers["List-Unsubscribe"]
    assert "/o/" in rendered.html


def test_a_held_message_leaves_in_the_morning(oa, platform):
    contact = fan(oa, last_inbound_at=NIGHT)
    (message,) = planned(ask(contact, written()), at=NIGHT)
    run(at=MORNING - timedelta(minutes=1))
    assert platform.sent == []
    run(at=MORNING)
    assert platform.keys == [message.key]
    assert kinds(contact) == ["message_held", "message_sent"]


def test_the_gates_are_asked_again_at_dispatch(oa, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written()))
    Consent.objects.create(contact=contact, channel="oa", state=ConsentState.WITHDRAWN, changed_at=NOON)
    run()
    message.refresh_from_db()
    assert (message.state, message.reason, platform.sent) == (State.SUPPRESSED, Reason.UNSUBSCRIBED, [])
    assert [look["stage"] for look in message.decisions] == ["plan", "dispatch"]
    assert kinds(contact) == ["message_suppressed"]


def test_due_but_dispatched_at_night_is_held(oa, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written()))
    run(at=NIGHT)
    message.refresh_from_db()
    assert (message.state, message.reason, message.hold_until) == (State.HELD, Reason.QUIET_HOURS, MORNING)


def test_a_reservation_is_not_counted_against_itself(oa, platform):
    contact, content = fan(oa), written()
    planned(ask(contact, content), ask(contact, content))
    run()
    assert len(platform.sent) == 2


def test_transient_errors_back_off_doubling_and_then_succeed(oa, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written()))
    platform.answers["*"] = [refuse("busy"), refuse("busy")]
    run()
    message.refresh_from_db()
    first = message.next_at - NOON
    assert (message.state, message.reason) == (State.QUEUED, Reason.RETRY)
    assert timedelta(seconds=24) <= first <= timedelta(seconds=36)
    run(at=message.next_at)
    message.refresh_from_db()
    assert timedelta(seconds=48) <= message.next_at - NOON - first <= timedelta(seconds=72)
    run(at=message.next_at)
    message.refresh_from_db()
    assert (message.state, message.attempt_no) == (State.SENT, 3)


def test_a_retry_past_the_expiry_expires(oa, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written(), expires_at=NOON + timedelta(seconds=5)))
    platform.answers["*"] = [refuse("busy")]
    run()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.EXPIRED, Reason.EXPIRED)
    assert kinds(contact) == ["message_suppressed"]


def test_what_waits_past_its_expiry_expires(oa, platform):
    contact = fan(oa)
    oa.state = ChannelState.PAUSED
    oa.save()
    (message,) = planned(ask(contact, written(), expires_at=NOON + timedelta(minutes=5)))
    run(at=NOON + timedelta(minutes=6))
    message.refresh_from_db()
    assert (message.state, platform.sent) == (State.EXPIRED, [])


def test_a_permanent_error_fails_with_the_platforms_words(oa, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written()))
    platform.answers["*"] = [refuse("too long", permanent=True, code="45002")]
    run()
    message.refresh_from_db()
    assert (message.state, message.reason, message.error) == (State.FAILED, Reason.REJECTED, "too long")
    assert message.decisions[-1]["code"] == "45002"
    assert kinds(contact) == ["message_failed"]


def test_a_closed_window_is_suppressed_when_there_is_no_other_channel(oa, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written()))
    platform.answers["*"] = [refuse("45015", permanent=True, window_closed=True)]
    run()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SUPPRESSED, Reason.WINDOW_CLOSED)
    assert Event.objects.get(contact=contact).properties["reason"] == "window_closed"


def test_a_closed_window_goes_on_to_the_next_channel(oa, mail, platform):
    contact = fan(oa, email="n#@example.com", consents=("email",))
    (message,) = planned(ask(contact, written(), "oa", "email"))
    platform.answers["*"] = [refuse("45015", permanent=True, window_closed=True)]
    run()
    message.refresh_from_db()
    assert (message.state, message.channel, message.account_id) == (State.SENT, "email", mail.pk)
    assert kinds(contact) == ["message_sent"]


def test_no_other_channel_can_take_over(oa, mail, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written(), "oa", "email"))
    platform.answers["*"] = [refuse("45015", permanent=True, window_closed=True)]
    run()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SUPPRESSED, Reason.WINDOW_CLOSED)


def test_a_gone_address_is_remembered(mail, platform):
    contact = person(email="gone#@example.com", consents=("email",))
    (message,) = planned(ask(contact, written("email"), "email"))
    platform.answers["*"] = [refuse("550", permanent=True, address_gone=True)]
    run()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.FAILED, Reason.ADDRESS_GONE)
    assert not Identity.objects.get(contact=contact).reachable
    assert Suppression.objects.get().reason == SuppressionReason.GONE


def test_a_broken_account_stops_at_once_and_everything_waits(oa, platform, admin):
    people = [fan(oa) for _n in range(30)]
    messages = planned(*[ask(p, written_once) for written_once in [written()] for p in people])
    platform.answers["*"] = [refuse("40001", channel_broken=True)]
    run()
    run()
    oa.refresh_from_db()
    assert oa.state == ChannelState.BROKEN
    assert platform.opened == 1
    assert set(Message.objects.values_list("state", "reason", "attempt_no")) == {("queued", "channel_broken", 0)}
    oa.state = ChannelState.ACTIVE
    oa.save()
    run()
    assert len(platform.sent) == len(messages) == len(set(platform.keys))


def test_an_account_that_does_not_answer_rests_and_nothing_is_lost(oa, platform):
    (message,) = planned(ask(fan(oa), written()))
    platform.on_open = [refuse("cannot connect"), refuse("cannot connect")]
    run()
    message.refresh_from_db()
    assert (message.state, message.attempt_no, platform.opened) == (State.QUEUED, 0, 1)
    assert Pace.objects.get().rest_until > clock.real_now()
    Pace.objects.update(rest_until=clock.real_now() - timedelta(seconds=1))
    run()
    Pace.objects.update(rest_until=clock.real_now() - timedelta(seconds=1))
    run()
    message.refresh_from_db()
    assert message.state == State.SENT
    assert Pace.objects.get().failures == 0


def test_one_mailbox_that_says_later_stops_nobody_else(mail, platform):
    content = written("email", purpose="service")
    people = [person(email="later#@example.com") for _n in range(4)]
    planned(*[ask(p, content, "email") for p in people])
    platform.answers["*"] = [refuse("greylisted", retry_at=clock.real_now() + timedelta(minutes=5), code="450")]
    run()
    assert len(platform.sent) == 3
    late = Message.objects.get(state=State.QUEUED)
    assert late.attempt_no == 1
    assert late.next_at >= NOON + timedelta(minutes=5)


def test_three_in_a_row_without_an_answer_stop_the_account(oa, platform):
    messages = planned(*[ask(fan(oa), content) for content in [written()] for _n in range(10)])
    platform.answers["*"] = [refuse("no answer", unknown=True) for _n in range(10)]
    run()
    states = sorted(Message.objects.get(pk=m.pk).state for m in messages)
    assert states == [State.QUEUED] * 7 + [State.UNKNOWN] * 3
    assert Pace.objects.get().rest_until > clock.real_now()


def test_no_answer_is_unknown_and_is_not_sent_again(oa, platform):
    contact = fan(oa)
    (message,) = planned(ask(contact, written()))
    platform.answers["*"] = [refuse("no answer", unknown=True)]
    run()
    run(at=NOON + timedelta(hours=5))
    message.refresh_from_db()
    assert (message.state, message.reason, platform.sent) == (State.UNKNOWN, Reason.UNCERTAIN, [])
    assert kinds(contact) == ["message_failed"]


def test_a_person_settles_the_unknown(oa, platform, marketer):
    (first, second) = planned(ask(fan(oa), written()), ask(fan(oa), written()))
    platform.answers["*"] = [refuse("no answer", unknown=True), refuse("no answer", unknown=True)]
    run()
    with clock.frozen(NOON):
        settle_unknown(message=Message.objects.get(pk=first.pk), sent=True, by=marketer)
        settle_unknown(message=Message.objects.get(pk=second.pk), sent=False, by=marketer)
    run()
    assert platform.keys == [second.key]
    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}
    assert AuditEntry.objects.filter(by=marketer, verb__startswith="message.").count() == 2


def test_a_platform_that_drops_repetitions_is_asked_again_with_the_same_key(oa, platform, monkeypatch):
    connectors = platform.connectors(idempotent_kinds=("text",))
    monkeypatch.setitem(dispatch.CONNECTORS, "wechat_oa", connectors["wechat_oa"])
    (message,) = planned(ask(fan(oa), written()))
    platform.answers["*"] = [refuse("no answer", unknown=True)]
    run()
    message.refresh_from_db()
    run(at=message.next_at)
    assert platform.keys == [message.key]


def test_a_message_that_cannot_be_rendered_stops_nobody_else(oa, platform):
    bad = written(body="{% for i in (1..3000) %}{% for j in (1..3000) %}x{% endfor %}{% endfor %}")
    messages = planned(ask(fan(oa), bad), ask(fan(oa), written()))
    run()
    assert [Message.objects.get(pk=m.pk).state for m in messages] == [State.FAILED, State.SENT]
    assert Message.objects.get(pk=messages[0].pk).reason == Reason.RENDERING


def test_whatever_a_filter_does_to_a_name_stops_nobody_else(oa, platform, monkeypatch):
    odd, fine = fan(oa, name="odd"), fan(oa, name="fine")
    render = compose.content.render

    def rendered(variant, fields, **more):
        if fields["contact"]["name"] == "odd":
            raise OverflowError("date value out of range")
        return render(variant, fields, **more)

    monkeypatch.setattr(compose.content, "render", rendered)
    messages = planned(ask(odd, written("oa")), ask(fine, written("oa")))
    run()
    assert [Message.objects.get(pk=m.pk).state for m in messages] == [State.FAILED, State.SENT]
    assert Message.objects.get(pk=messages[0].pk).error == "OverflowError"


def test_a_name_that_a_filter_cannot_take_is_a_fault_of_one_message(oa, platform):
    content = written("oa", body="{{ contact.name | date: '%Y' }}")
    odd, fine = fan(oa, name="9" * 23), fan(oa, name="2025-11-20")
    messages = planned(ask(odd, content), ask(fine, content))
    run()
    assert [Message.objects.get(pk=m.pk).state for m in messages] == [State.FAILED, State.SENT]
    assert "OverflowError" in Message.objects.get(pk=messages[0].pk).error
    with pytest.raises(LiquidError):  # what previews and dry runs catch
        compose.content.render(content.variants.get(), {"contact": {"name": "9" * 23}})


def test_a_lost_deadlock_after_sending_is_written_again(oa, platform, monkeypatch):
    class Deadlock(Exception):
        pgcode = "40P01"

    append, lost = finish.outcomes.append, []

    def once(outcomes, now):
        append(outcomes, now)
        if not lost:
            lost.append(True)
            raise OperationalError from Deadlock()

    (message,) = planned(ask(fan(oa), written("oa")))
    with clock.frozen(NOON):
        rows, _looked = dispatch.claim(oa, 10)
        ready = dispatch._begin(compose.compose(rows))
        monkeypatch.setattr(finish.outcomes, "append", once)
        finish.finish(oa, [finish.Result(ready[0], receipt=Receipt("p1"))])
    message.refresh_from_db()
    assert lost and (message.state, message.platform_id) == (State.SENT, "p1")
    assert Event.objects.filter(kind="message_sent").count() == 1


def test_leases_that_ran_out_go_back_to_the_queue(oa, platform):
    (message,) = planned(ask(fan(oa), written()))
    with clock.frozen(NOON):
        rows, looked = dispatch.claim(oa, 10)
    assert (len(rows), looked) == (1, 1)
    run()
    assert platform.sent == []
    expire_leases()
    run()
    assert platform.keys == [message.key]


def test_a_worker_that_lost_its_lease_cannot_send_or_write(oa, platform):
    planned(ask(fan(oa), written()))
    with clock.frozen(NOON):
        rows, _looked = dispatch.claim(oa, 10)
    expire_leases()
    run()
    from campaigns.sending import compose

    with clock.frozen(NOON):
        late = compose.compose(rows)
        assert dispatch._begin(late) == []
        finish.finish(oa, [finish.Result(late[0], refuse("late", permanent=True))])
    assert Message.objects.get().state == State.SENT
    assert len(platform.sent) == 1


def test_attempts_nobody_finished_become_unknown(oa, platform):
    (message,) = planned(ask(fan(oa), written()))
    Message.objects.update(
        state=State.ATTEMPTING, attempt_id=uuid.uuid4(), lease_until=clock.real_now() - timedelta(seconds=1)
    )
    run()
    message.refresh_from_db()
    assert (message.state, platform.sent) == (State.UNKNOWN, [])


def test_pausing_resuming_and_cancelling(oa, platform):
    content = written()
    keep, drop = planned(ask(fan(oa), content, origin_id=5), ask(fan(oa), content, origin_id=6))
    assert pause("journey", 5) == 1
    with clock.frozen(NOON):
        assert cancel("journey", 6) == 1
    run()
    assert platform.sent == []
    resume("journey", 5)
    run()
    assert platform.keys == [keep.key]
    drop.refresh_from_db()
    assert (drop.state, drop.reason) == (State.SUPPRESSED, Reason.CANCELLED)


def test_stopping_reaches_a_message_that_a_worker_holds(oa, platform):
    contact = fan(oa)
    planned(ask(contact, written()))
    with clock.frozen(NOON):
        rows, _looked = dispatch.claim(oa, 10)
        assert cancel_for([contact.pk], "oa") == 1
        from campaigns.sending import compose

        assert dispatch._begin(compose.compose(rows)) == []
    assert Message.objects.get().reason == Reason.UNSUBSCRIBED


def test_transactional_messages_overtake_a_campaign(oa, platform):
    campaign = [ask(fan(oa), content, origin="campaign") for content in [written()] for _n in range(5)]
    planned(*campaign)
    (urgent,) = planned(ask(fan(oa), written(purpose="transactional")))
    run()
    assert platform.keys[0] == urgent.key


def test_the_rate_of_an_account_is_kept(company, platform):
    slow = account("wechat_oa", settings={"rate_per_minute": 60})
    content = written()
    planned(*[ask(fan(slow), content) for _n in range(15)])
    run()
    assert len(platform.sent) == 10  # a bucket of ten seconds
    Pace.objects.update(refilled_at=clock.real_now() - timedelta(seconds=3))
    run()
    assert len(platform.sent) == 13


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_everything_once(company, platform):
    oa = account("wechat_oa")
    content = written()
    planned(*[ask(fan(oa), content) for _n in range(300)])
    failures = []

    def work() -> None:
        try:
            while dispatch.run_once():
                pass
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    with clock.frozen(NOON):
        threads = [threading.Thread(target=work) for _n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(platform.keys) == len(set(platform.keys)) == 300
    assert world.Content.objects.count() == 1
