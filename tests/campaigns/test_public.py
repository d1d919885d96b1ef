"""Tracked links, open pixel, way out: what recipients open."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from campaigns.consumers import engagement
from campaigns.enums import Reason, State
from campaigns.models import Link, Message
from campaigns.sending import compose, dispatch, submit, tokens
from contacts import intake
from contacts.consumers import since
from contacts.enums import ConsentState, EventKind
from contacts.models import Consent, Event
from scrm.lib import clock
from tests.campaigns.world import NOON, account, ask, person, written

pytestmark = pytest.mark.django_db
BROWSER = {
    "HTTP_USER_AGENT": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0"
}


@pytest.fixture
def mail(company):
    return account("email")


@pytest.fixture
def oa(company):
    return account("wechat_oa")


@pytest.fixture
def sent(mail, platform, noon) -> Message:
    """A marketing mail with a link that has left."""
    contact = person(email="reader#@example.com", consents=("email",))
    content = written("email", body="[看看](https://shop.example.com/new?color=red#top)")
    ids = submit([ask(contact, content, "email", ref={"enrolment": 9})])
    dispatch.run_once()
    return Message.objects.get(pk=next(iter(ids.values())))


def path_of(kind: str, rendered) -> str:
    return re.search(rf'/{kind}/[^"\s<>&)]+', rendered.html)[0]


def digest() -> None:
    engagement.consume(since(0, 10_000))


def test_a_link_records_the_click_and_leads_to_the_stored_address(sent, platform, client):
    path = path_of("l", platform.sent[0][2])
    answer = client.get(path, **BROWSER)
    assert answer.status_code == 302
    assert answer["Location"].startswith("https://shop.example.com/new?color=red&zk=")
    assert answer["Location"].endswith("#top")
    event = Event.objects.get(kind=EventKind.MESSAGE_CLICKED)
    assert (event.contact_id, event.properties["message"]) == (sent.contact_id, sent.pk)
    assert event.properties["ref"] == {"enrolment": 9}
    digest()
    sent.refresh_from_db()
    assert sent.clicked_at == sent.opened_at == NOON


def test_robots_and_heads_lead_on_and_are_not_counted(sent, platform, client):
    path = path_of("l", platform.sent[0][2])
    assert client.head(path, **BROWSER).status_code == 302
    assert client.get(path, HTTP_USER_AGENT="Googlebot/2.1").status_code == 302
    assert client.get(path, HTTP_USER_AGENT="").status_code == 302
    assert client.get(path, **BROWSER, HTTP_SEC_PURPOSE="prefetch").status_code == 302
    assert not Event.objects.filter(kind=EventKind.MESSAGE_CLICKED).exists()


def test_unknown_tokens_lead_nowhere(sent, platform, client):
    good = path_of("l", platform.sent[0][2])
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    token = good.rsplit("/", 1)[1]
    for path in (flipped, "/l/aaaaaaaaaaaaaaaaaaaa", "/l/x", f"/u/{token}", f"/c/{token}", f"/o/{token}.gif"):
        assert client.get(path, **BROWSER).status_code == 404, path


def test_tokens_are_bound_to_their_purpose_and_numbers():
    token = tokens.make(tokens.LINK, 3, 1_000_000_000)
    assert len(token) <= 26
    assert tokens.read(tokens.LINK, token, 2) == (3, 1_000_000_000)
    assert tokens.read(tokens.OPEN, token, 2) is None
    assert tokens.read(tokens.LINK, token, 1) is None


def test_a_million_recipients_share_one_link_row(sent):
    urls = {compose.tracked(sent.content_id, n, "https://shop.example.com/new?color=red#top") for n in range(50)}
    assert len(urls) == 50
    assert Link.objects.count() == 1


@pytest.mark.parametrize(
    "agent,machine",
    [
        (BROWSER["HTTP_USER_AGENT"], False),
        ("Mozilla/5.0", True),
        ("", True),
        ("Mozilla/5.0 (via ggpht.com GoogleImageProxy)", False),
    ],
)
def test_the_pixel_tells_people_from_machines(sent, platform, client, agent, machine):
    path = path_of("o", platform.sent[0][2])
    for _n in range(2):
        answer = client.get(path, HTTP_USER_AGENT=agent)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/gif")
    event = Event.objects.get(kind=EventKind.MESSAGE_OPENED)
    assert event.properties["machine"] is machine
    digest()
    sent.refresh_from_db()
    assert (sent.opened_at is None, sent.machine_opened_at is None) == (machine, not machine)


def test_a_get_asks_and_a_post_unsubscribes_at_once(sent, platform, mail):
    contact = sent.contact
    waiting = submit(
        [ask(contact, written("email"), "email"), ask(contact, written("email", purpose="transactional"), "email")]
    )
    client = Client(enforce_csrf_checks=True)
    path = path_of("u", platform.sent[0][2])
    page = client.get(path)
    assert '<form method="post">' in page.content.decode()
    assert Consent.objects.get().state == ConsentState.GRANTED
    assert client.post(path).status_code == 302
    assert Consent.objects.get().state == ConsentState.WITHDRAWN
    states = [Message.objects.get(pk=pk) for pk in waiting.values()]
    assert [(m.state, m.reason) for m in states] == [(State.SUPPRESSED, Reason.UNSUBSCRIBED), (State.QUEUED, "")]
    assert Event.objects.get(kind=EventKind.CONSENT_WITHDRAWN).properties["how"] == "unsubscribe link"


def test_one_click_unsubscribe_needs_no_cookie(sent, platform):
    path = path_of("u", platform.sent[0][2])
    answer = Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert Consent.objects.get().state == ConsentState.WITHDRAWN


def test_the_page_speaks_the_contacts_language(sent, platform, client):
    sent.contact.language = "en"
    sent.contact.save()
    assert "Unsubscribe from our messages?" in client.get(path_of("u", platform.sent[0][2])).content.decode()


def test_a_follower_is_called_you_not_by_an_openid(oa, noon, client):
    ids = submit([ask(person(openid=oa.pk, last_inbound_at=NOON), written())])
    message = Message.objects.select_related("identity").get(pk=next(iter(ids.values())))
    page = client.get(f"/u/{tokens.make(tokens.UNSUBSCRIBE, message.pk)}").content.decode()
    assert "您不会再收到" in page and message.identity.hint not in page


def test_td_in_the_chat_opts_out(oa, noon):
    contact = person(openid=oa.pk, last_inbound_at=NOON)
    found = contact.identities.get()
    ids = submit([ask(contact, written())])
    intake.append(
        [
            intake.Incoming(
                kind="message_in",
                channel="oa",
                occurred_at=NOON,
                account_id=oa.pk,
                contact_id=contact.pk,
                properties={"text": " td。"},
            )
        ]
    )
    digest()
    message = Message.objects.get(pk=next(iter(ids.values())))
    assert (message.state, message.reason) == (State.SUPPRESSED, Reason.UNSUBSCRIBED)
    assert Consent.objects.get(contact=contact, channel="oa").state == ConsentState.WITHDRAWN
    assert found.reachable


def test_an_unfollow_sends_waiting_messages_by_the_next_channel(oa, mail):
    both = person(openid=oa.pk, email="z#@example.com", consents=("email",), last_inbound_at=NOON)
    only = person(openid=oa.pk, last_inbound_at=NOON)
    with clock.frozen(NOON):
        ids = submit([ask(both, written(), "oa", "email"), ask(only, written())])
        for contact in (both, only):
            contact.identities.filter(kind="openid").update(reachable=False)
        intake.append(
            [
                intake.Incoming(
                    kind="unfollowed", channel="oa", occurred_at=NOON + timedelta(0), account_id=oa.pk, contact_id=c.pk
                )
                for c in (both, only)
            ]
        )
        digest()
    first, second = (Message.objects.get(pk=pk) for pk in ids.values())
    assert (first.state, first.channel) == (State.QUEUED, "email")
    assert (second.state, second.reason) == (State.SUPPRESSED, Reason.UNREACHABLE)
