"""Bounces and the suppression list."""

import pytest

from campaigns import suppression
from campaigns.bounces import note_bounces
from campaigns.enums import Reason, State, SuppressionReason
from campaigns.models import Message, Suppression
from campaigns.sending import submit
from contacts.models import Event
from scrm.core.models import AuditEntry
from scrm.lib import clock
from tests.campaigns.world import NOON, account, ask, person, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails(company):
    """Four mails to one person, all sent."""
    account("email")
    contact, content = person(email="b#@example.com"), written("email", purpose="service")
    with clock.frozen(NOON):
        ids = list(submit([ask(contact, content, "email") for _n in range(4)]).values())
    Message.objects.update(state=State.SENT, sent_at=NOON)
    return ids


def test_a_hard_bounce_suppresses_the_address(mails):
    with clock.frozen(NOON):
        assert note_bounces([(mails[0], True, "550 no such user")]) == 1
        assert note_bounces([(mails[0], True, "550 no such user")]) == 0
    message = Message.objects.get(pk=mails[0])
    assert (message.state, message.reason, message.error) == (State.BOUNCED, Reason.HARD_BOUNCE, "550 no such user")
    assert Suppression.objects.get().reason == SuppressionReason.BOUNCED
    assert not message.identity.reachable
    assert Event.objects.get(kind="message_bounced").properties["reason"] == "hard_bounce"


def test_three_soft_ones_do_too(mails):
    with clock.frozen(NOON):
        note_bounces([(mails[0], False, "full")])
        note_bounces([(mails[1], False, "full")])
        assert not Suppression.objects.exists()
        note_bounces([(mails[2], False, "full")])
    assert Suppression.objects.get().reason == SuppressionReason.BOUNCED


def test_an_address_by_hand_and_back(company, marketer):
    suppression.suppress_address(kind="email", value="Angry@Example.com", note="asked by phone", by=marketer)
    row = Suppression.objects.get()
    account("email")
    contact = person(email="angry@example.com")
    with clock.frozen(NOON):
        blocked = submit([ask(contact, written("email", purpose="service"), "email")])
    assert Message.objects.get(pk=next(iter(blocked.values()))).reason == Reason.SUPPRESSED_ADDRESS
    suppression.release_address(suppression=row, by=marketer)
    assert not Suppression.objects.exists()
    assert AuditEntry.objects.filter(verb__startswith="suppression.", by=marketer).count() == 2
    with pytest.raises(suppression.NotAnAddress):
        suppression.suppress_address(kind="email", value="nonsense", by=marketer)


def test_a_harder_reason_replaces_a_softer_one(company):
    found = person(email="h#@example.com").identities.get()
    suppression.suppress([found.pk], SuppressionReason.COMPLAINED)
    suppression.suppress([found.pk], SuppressionReason.BOUNCED)
    suppression.suppress([found.pk], SuppressionReason.OPTED_OUT)
    assert Suppression.objects.get().reason == SuppressionReason.BOUNCED
