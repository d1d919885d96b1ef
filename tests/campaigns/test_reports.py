"""What platforms report about messages that left: delivered or failed, forward only, whatever comes first."""

from datetime import timedelta

import pytest

from campaigns.consumers import engagement
from campaigns.enums import Reason, State
from campaigns.models import DeliveryReport, Message
from campaigns.sending import reasons, submit, sweep
from contacts import intake
from contacts.consumers import since
from contacts.models import Event
from scrm.lib import clock
from tests.campaigns.world import NOON, account, ask, person, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def oa(company):
    return account()


@pytest.fixture
def messages(oa, noon) -> list[Message]:
    """Three notices that the platform has under the ids t0, t1 and t2."""
    contact, content = person(openid=oa.pk, last_inbound_at=NOON), written("oa", purpose="service")
    ids = submit([ask(contact, content, "oa", key=f"n:{n}") for n in range(3)])
    for n in range(3):
        Message.objects.filter(pk=ids[f"n:{n}"]).update(state=State.SENT, sent_at=NOON, platform_id=f"t{n}")
    return list(Message.objects.order_by("id"))


def reported(oa, contact_id: int, platform_id: str, status: str = "delivered", detail: str = "") -> None:
    intake.append(
        [
            intake.Incoming(
                kind="delivery_report",
                channel="oa",
                occurred_at=clock.now(),
                account_id=oa.pk,
                contact_id=contact_id,
                properties={"platform_id": platform_id, "status": status, "detail": detail, "machine": True},
            )
        ]
    )


def read() -> None:
    engagement.consume(since(0, 10_000))


def told(kind: str) -> list[int]:
    return list(Event.objects.filter(kind=kind).order_by("id").values_list("properties__message", flat=True))


def test_reports_move_their_messages_and_are_told_once(oa, messages):
    first, second, third = messages
    reported(oa, first.contact_id, "t0")
    reported(oa, first.contact_id, "t1", "failed", "failed:user block")
    reported(oa, first.contact_id, "somebody else's")
    read()
    read()  # a rewound cursor tells nothing again
    first.refresh_from_db()
    second.refresh_from_db()
    third.refresh_from_db()
    assert (first.state, first.delivered_at) == (State.DELIVERED, NOON)
    assert (second.state, second.reason, second.error) == (State.FAILED, Reason.REJECTED, "failed:user block")
    assert third.state == State.SENT
    assert told("message_delivered") == [first.pk] and told("message_failed") == [second.pk]
    assert "failed:user block" in reasons.steps(second)[-1].sentences[0]


def test_the_same_id_of_another_account_is_another_message(oa, messages):
    reported(account(), messages[0].contact_id, "t0")
    read()
    messages[0].refresh_from_db()
    assert messages[0].state == State.SENT


def test_a_report_never_moves_a_message_back(oa, messages):
    Message.objects.filter(pk=messages[0].pk).update(state=State.DELIVERED)
    Message.objects.filter(pk=messages[1].pk).update(state=State.BOUNCED)
    for n in (0, 1):
        reported(oa, messages[0].contact_id, f"t{n}", "failed", "late")
    read()
    assert set(Message.objects.values_list("state", flat=True)) == {State.DELIVERED, State.BOUNCED, State.SENT}
    assert not told("message_failed") and not DeliveryReport.objects.exists()


def test_a_report_that_comes_before_the_id_is_written_down_waits_for_it(oa, messages):
    Message.objects.filter(pk=messages[0].pk).update(state=State.ATTEMPTING, platform_id="", lease_until=clock.real_now() + timedelta(hours=1))  # fmt: skip
    reported(oa, messages[0].contact_id, "t0")
    read()
    assert not told("message_delivered")
    Message.objects.filter(pk=messages[0].pk).update(state=State.SENT, platform_id="t0", lease_until=None)
    sweep.run_once()
    messages[0].refresh_from_db()
    assert messages[0].state == State.DELIVERED
    assert told("message_delivered") == [messages[0].pk]
    assert not DeliveryReport.objects.exists()


def test_reports_that_nobody_waits_for_are_forgotten(oa, messages):
    reported(oa, messages[0].contact_id, "strange")
    read()
    sweep.run_once()
    assert DeliveryReport.objects.exists()
    DeliveryReport.objects.update(kept_at=clock.real_now() - timedelta(days=3))
    sweep.run_once()
    assert not DeliveryReport.objects.exists()
