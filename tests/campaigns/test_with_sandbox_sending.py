"""From the ledger to a real phone and mailbox: our connectors against the platform's double, and back by the links."""

import email
import email.policy
import re
from datetime import timedelta

import pytest
from django.db import transaction

from campaigns import optin
from campaigns.consumers import engagement
from campaigns.enums import Reason, State
from campaigns.models import Message
from campaigns.sending import dispatch, submit
from channels_ingest import actions
from channels_ingest.models import Channel
from contacts import intake
from contacts.consumers import since
from contacts.enums import ConsentState, IdentityKind, Trust
from contacts.models import Consent, Contact
from scrm.lib import clock
from tests.campaigns.world import ask, identity, person, written
from tests.fixtures_sandbox import OA

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def oa(company, sandbox, settings) -> Channel:
    company.quiet_start = company.quiet_end
    company.save()
    settings.WECHAT_API_URL = sandbox.url
    sandbox.connect()
    return actions.create_channel(
        kind="wechat_oa",
        name="Shanye",
        settings={"app_id": OA["appid"], "mode": "safe"},
        credentials={"app_secret": OA["secret"], "token": OA["token"], "aes_key": OA["aes_key"]},
        by=None,
    )


@pytest.fixture
def mail(company, sandbox) -> Channel:
    server = {"host": "127.0.0.1", "port": sandbox.smtp_port, "security": "none"}
    sender = {"from_address": "hello@shanye.example", "from_name": "山野跑步"}
    return actions.create_channel(kind="email", name="Mail", settings=server | sender, credentials={}, by=None)


def digest() -> None:
    """As the consumers' pump calls it: in a transaction."""
    with transaction.atomic():
        engagement.consume(since(0))


def follower(oa: Channel, sandbox, *, wrote: bool = True) -> Contact:
    """A follower of the sandbox whom we know."""
    who = sandbox.person()
    sandbox.act(who, "follow", wait=0)
    if wrote:
        sandbox.act(who, "text", text="hi", wait=0)
    contact = person("林晓月")
    now = clock.now()
    identity(contact, IdentityKind.OPENID, who, scope=oa.pk, last_inbound_at=now - timedelta(seconds=1))
    contact.openid = who
    return contact


def test_a_message_arrives_on_the_phone_and_its_link_comes_back(oa, sandbox, client):
    contact = follower(oa, sandbox)
    submit([ask(contact, written("oa", body="{{ contact.first_name }}，[新品](https://shop.example.com/new)"))])
    while dispatch.run_once():
        pass
    message = Message.objects.get()
    assert (message.state, message.error) == (State.SENT, "")
    text = str(sandbox.messages(contact.openid)[-1])
    assert "晓月" in text
    link = re.search(r"/l/[\w-]+", text)[0]
    assert client.get(link, HTTP_USER_AGENT="Mozilla/5.0 MicroMessenger").status_code == 302
    digest()
    message.refresh_from_db()
    assert message.clicked_at is not None


def test_the_platform_closes_the_window_and_mail_takes_over(oa, mail, sandbox):
    """We believe the window open, the platform knows better."""
    contact = follower(oa, sandbox, wrote=False)
    sandbox.act(contact.openid, "unfollow", wait=0)
    identity(contact, IdentityKind.EMAIL, "xiaoyue@example.com")
    submit([ask(contact, written(purpose="service"), "oa", "email")])
    while dispatch.run_once():
        pass
    message = Message.objects.get()
    assert (message.state, message.channel) == (State.SENT, "email")
    assert [look.get("result") for look in message.decisions] == [None, "next", None, "send"]
    assert len(sandbox.mails("xiaoyue@example.com")) == 1


def test_a_refused_token_breaks_the_account_once_and_nothing_is_lost(oa, sandbox, admin):
    contact, content = follower(oa, sandbox), written("oa", purpose="service")
    sandbox.post("/setup/faults", {"token_40001": True})
    submit([ask(contact, content) for _n in range(4)])
    for _n in range(5):
        dispatch.run_once()
    oa.refresh_from_db()
    assert oa.state == "broken"
    assert set(Message.objects.values_list("state", "reason")) == {("queued", Reason.CHANNEL_BROKEN)}
    sandbox.post("/setup/faults", {"token_40001": False})
    actions.resume_channel(oa, by=admin)
    while dispatch.run_once():
        pass
    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}


def test_double_opt_in_by_a_real_mailbox(mail, sandbox, client):
    contact = person("")
    found = identity(contact, IdentityKind.EMAIL, "rain@example.com", trust=Trust.CLAIMED)
    properties = {"form": "newsletter", "email_index": str(found.index)}
    intake.append(
        [
            intake.Incoming(
                kind="form_submitted",
                channel="web",
                occurred_at=clock.now(),
                contact_id=contact.pk,
                properties=properties,
            )
        ]
    )
    digest()
    while dispatch.run_once():
        pass
    (received,) = sandbox.mails("rain@example.com")
    parsed = email.message_from_bytes(sandbox.raw_mail(received["id"]), policy=email.policy.default)
    html = parsed.get_body(("html",)).get_content()
    assert parsed["Subject"] == "请确认你的邮箱"
    assert client.post(re.search(r"/c/[\w-]+", html)[0]).status_code == 302
    assert Consent.objects.get().state == ConsentState.GRANTED
    assert optin.OptIn.objects.get().confirmed_at is not None
