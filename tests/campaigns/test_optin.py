"""Double opt-in, and visitor and follower becoming one."""

import re
from datetime import timedelta

import pytest

from campaigns import optin
from campaigns.consumers import engagement
from campaigns.enums import OptInState, State
from campaigns.models import Message, OptIn
from campaigns.sending import dispatch, submit
from contacts import intake
from contacts.consumers import since
from contacts.enums import ConsentState, EventKind, Trust
from contacts.models import Consent, Contact, Event, Identity, Merge
from scrm.lib import clock, crypto
from tests.campaigns.world import NOON, account, ask, person, written

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _accounts(company, platform):
    account("email")


@pytest.fixture
def visitor():
    """Somebody in the shop who typed an address."""
    return person("", email="lin#@example.com", consents=())


def typed(contact: Contact, n: int = 1, **properties) -> None:
    found = contact.identities.get(kind="email")
    Identity.objects.filter(pk=found.pk).update(trust=Trust.CLAIMED)
    intake.append(
        [
            intake.Incoming(
                kind="form_submitted",
                channel="web",
                occurred_at=clock.now(),
                external_id=f"form{n}",
                contact_id=contact.pk,
                properties={"form": "newsletter", "email_index": str(found.index), **properties},
            )
        ]
    )
    engagement.consume(since(0, 10_000))


def confirm_path(platform) -> str:
    dispatch.run_once()
    return re.search(r"/c/[\w-]+", platform.sent[-1][2].html)[0]


def test_a_form_gets_one_mail_to_the_address_and_a_pending_consent(visitor, platform, noon):
    typed(visitor)
    engagement.consume(since(0, 10_000))  # a rewound cursor asks nobody twice
    path = confirm_path(platform)
    assert len(platform.sent) == 1
    assert platform.sent[0][0].startswith("lin")
    assert path
    assert Consent.objects.get(contact=visitor, channel="email").state == ConsentState.PENDING
    message = Message.objects.get()
    assert (message.purpose, message.origin, message.pinned, message.state) == (
        "transactional",
        "system",
        True,
        State.SENT,
    )
    assert OptIn.objects.get().message_id == message.pk


def test_the_mail_leaves_at_night_too(visitor, platform):
    with clock.frozen(NOON + timedelta(hours=11)):
        typed(visitor)
        confirm_path(platform)
    assert len(platform.sent) == 1


def test_an_address_is_not_flooded(visitor, platform, noon):
    typed(visitor, 1)
    typed(visitor, 2)
    assert OptIn.objects.count() == 1
    for n in range(3, 12):
        with clock.frozen(NOON + timedelta(minutes=5 * n)):
            typed(visitor, n)
    assert OptIn.objects.count() == optin.MOST_A_DAY


def test_a_form_that_wants_no_mail_gets_none(visitor, noon):
    typed(visitor, consent=False)
    assert OptIn.objects.count() == 0


def test_get_shows_and_post_confirms(visitor, platform, noon, client):
    typed(visitor)
    path = confirm_path(platform)
    assert client.get(path).status_code == 200
    assert OptIn.objects.get().state == OptInState.PENDING
    assert client.post(path).status_code == 302
    assert client.post(path).status_code == 302
    assert client.get(path).status_code == 200
    assert OptIn.objects.get().state == OptInState.CONFIRMED
    found = visitor.identities.get(kind="email")
    assert found.trust == Trust.VERIFIED
    consent = Consent.objects.get(contact=visitor, channel="email")
    assert (consent.state, consent.proof["how"]) == (ConsentState.GRANTED, "double opt-in")
    kinds = list(Event.objects.filter(contact=visitor).order_by("id").values_list("kind", flat=True))
    assert kinds.count(EventKind.EMAIL_CONFIRMED) == kinds.count(EventKind.CONSENT_GRANTED) == 1


def test_an_old_link_has_expired(visitor, platform, client):
    with clock.frozen(NOON):
        typed(visitor)
        path = confirm_path(platform)
    with clock.frozen(NOON + timedelta(days=8)):
        assert client.post(path).status_code == 410
        assert OptIn.objects.get().state == OptInState.PENDING


@pytest.fixture
def by_link(visitor, platform, noon):
    """A follower got a message with a link; somebody came by that link and typed an address. -> (follower, visitor,
    confirm path)"""
    oa = account("wechat_oa")
    follower = person("小晚", openid=oa.pk, last_inbound_at=NOON)
    submit([ask(follower, written(body="[新品](https://shop.example.com/)"))])
    dispatch.run_once()
    token = re.search(r"/l/([\w-]+)", platform.sent[-1][2].text)[1]
    typed(visitor, link=token)
    dispatch.run_once()
    return follower, visitor, confirm_path(platform)


def test_the_page_asks_whether_it_is_the_follower_and_shows_no_more_than_needed(by_link, client):
    page = client.get(by_link[2]).content.decode()
    assert "小*" in page
    assert "小晚" not in page


def test_yes_makes_visitor_and_follower_one_with_the_evidence(by_link, client):
    follower, visitor, path = by_link
    assert client.post(path).status_code == 200  # an answer is needed
    assert OptIn.objects.get().state == OptInState.PENDING
    assert client.post(path, {"answer": "me"}).status_code == 302
    merge = Merge.objects.get(state="done")
    assert (merge.survivor_id, merge.other_id) == (follower.pk, visitor.pk)
    assert merge.evidence["email_confirmed"] is True
    assert merge.evidence["answered_by_person"] is True
    assert merge.evidence["link_message"]
    assert set(follower.identities.values_list("kind", flat=True)) == {"openid", "email"}
    assert Consent.objects.get(contact=follower, channel="email").state == ConsentState.GRANTED
    assert set(Message.objects.values_list("contact", flat=True)) == {follower.pk}
    assert Event.objects.filter(contact=follower, kind=EventKind.EMAIL_CONFIRMED).exists()


def test_no_confirms_the_address_only(by_link, client):
    follower, visitor, path = by_link
    assert client.post(path, {"answer": "not_me"}).status_code == 302
    assert not Merge.objects.filter(state="done").exists()
    assert visitor.identities.get(kind="email").trust == Trust.VERIFIED
    assert OptIn.objects.get().answer == "not_me"


def test_a_forwarded_or_made_up_link_merges_nobody(visitor, platform, noon, client):
    typed(visitor, link="made-up-token-of-nobody")
    path = confirm_path(platform)
    assert client.post(path, {"answer": "me"}).status_code == 302
    assert not Merge.objects.exists()


def test_somebody_elses_address_is_asked_at_its_owner(platform, noon, client):
    """The address belongs to a known customer already: the mail goes there, and only the answer by that mail makes them one."""
    owner = person("陈", email="chen#@example.com")
    found = owner.identities.get(kind="email")
    visitor = person("")
    intake.append(
        [
            intake.Incoming(
                kind="form_submitted",
                channel="web",
                occurred_at=NOON,
                external_id="f",
                contact_id=visitor.pk,
                properties={"form": "newsletter", "email_index": str(found.index)},
            )
        ]
    )
    engagement.consume(since(0, 10_000))
    assert Message.objects.get().contact_id == owner.pk
    assert not Merge.objects.exists()
    assert client.post(confirm_path(platform)).status_code == 302
    assert Merge.objects.get().state == "done"
    assert crypto.unseal_text(found.value, "identity").startswith("chen")
