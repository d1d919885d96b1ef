"""Mail out, against a real SMTP server in the process."""

import email
import email.policy
import socket
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.urls import reverse

from channels_ingest import actions
from channels_ingest.connectors.base import ConnectorError, Rendered
from channels_ingest.connectors.email import mime
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.models import Quota
from scrm.core.models import AuditEntry

MAIL = Rendered(
    "email",
    subject="山野跑步：你的 20 元券到了，本周六前有效，别忘了",
    text="你好 小雨\n.\n券码 RUN20\n" + "长" * 300,
    html="<p>你好 小雨</p>" + "<p>长</p>" * 300,
    headers={
        "List-Unsubscribe": "<https://example.com/u/abcdef>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
)


class Sink:
    """Keeps mails; answers by the local part of the recipient."""

    def __init__(self):
        self.mails, self.sessions, self.lock = [], set(), threading.Lock()

    async def handle_RCPT(self, server, session, envelope, address, options):
        words = {
            "gone": "550 5.1.1 <gone@example.com>: no such user",
            "full": "452 4.2.2 mailbox full",
            "spam": "554 5.7.1 rejected",
            "slow": "450 4.7.1 greylisted",
        }.get(address.partition("@")[0])
        if words:
            return words
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0].partition("@")[0]
        if to == "late":
            return "554 5.7.1 content refused"
        if to == "hangup":
            server.transport.abort()
            return "250 never heard"
        with self.lock:
            self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
            self.sessions.add(id(session))
        return "250 OK"


@pytest.fixture
def sink():
    handler = Sink()

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == b"right", handled=False)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        handler.port = free.getsockname()[1]
    options = {"authenticator": authenticate, "auth_require_tls": False, "enable_SMTPUTF8": False}
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, **options)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def account(db, sink):
    settings = {
        "host": "127.0.0.1",
        "port": sink.port,
        "security": "none",
        "from_address": "hello@shanye.example",
        "from_name": "山野跑步",
        "reply_to": "service@shanye.example",
    }
    return actions.create_channel(kind="email", name="Mail", settings=settings, credentials={}, by=None)


def test_a_batch_goes_over_one_connection_and_reads_back(account, sink):
    with CONNECTORS["email"].open(account) as link:
        receipts = [link.send(f"user{n}@example.com", MAIL, f"key{n}") for n in range(20)]
    assert len(sink.mails) == 20 and len(sink.sessions) == 1
    assert len({receipt.platform_id for receipt in receipts}) == 20
    sender, to, raw = sink.mails[3]
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert (sender, to) == ("hello@shanye.example", ["user3@example.com"])
    assert message["Subject"] == MAIL.subject and message["To"] == "user3@example.com"
    assert message["From"] == "山野跑步 <hello@shanye.example>" and message["Reply-To"] == "service@shanye.example"
    assert message["Message-ID"] == receipts[3].platform_id
    assert message["List-Unsubscribe"] == "<https://example.com/u/abcdef>"
    text, html = message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()
    assert text.replace("\r\n", "\n").rstrip("\n") == MAIL.text.rstrip("\n") and html.strip() == MAIL.html
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998 and not message.defects
    assert Quota.objects.get(call="mail").used == 20


def test_message_id_is_the_same_for_every_attempt(account):
    assert mime.message_id("k", "a@x.cn") == mime.message_id("k", "a@x.cn") != mime.message_id("k2", "a@x.cn")


@pytest.mark.parametrize(
    ("to", "flags"),
    [
        ("gone", {"permanent", "address_gone"}),
        ("spam", {"permanent"}),
        ("late", {"permanent"}),
        ("full", {"retry"}),
        ("slow", {"retry"}),
        ("hangup", {"unknown"}),
    ],
)
def test_codes_and_the_connection_goes_on(account, sink, to, flags):
    with CONNECTORS["email"].open(account) as link:
        with pytest.raises(ConnectorError) as caught:
            link.send(f"{to}@example.com", MAIL, "k")
        link.send("fine@example.com", MAIL, "k2")
    error = caught.value
    found = {name for name in ("permanent", "address_gone", "unknown", "channel_broken") if getattr(error, name)}
    assert found | ({"retry"} if error.retry_at else set()) == flags
    assert f"{to}@example.com" not in str(error)
    assert len(sink.mails) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "x\r\nBcc: victim@example.com"},
        {"headers": {"List-Unsubscribe": "<https://x>\r\nBcc: v@example.com"}},
        {"headers": {"X-A\r\nBcc": "v@example.com"}},
        {"headers": {"Bcc": "v@example.com"}},
        {"headers": {"Subject": "again"}},
    ],
)
def test_no_data_can_add_a_header(account, sink, change):
    rendered = Rendered("email", text="x", **{"subject": "s", **change})
    with CONNECTORS["email"].open(account) as link, pytest.raises(ConnectorError) as caught:
        link.send("user@example.com", rendered, "k")
    assert caught.value.permanent and not sink.mails


@pytest.mark.parametrize(
    "address", ["", "a", "a@b@c.cn", "a b@c.cn", "a@c.cn\r\nRCPT TO:<v@x.cn>", "a@c.cn\n", "<a@c.cn>", "a..b@c.cn"]
)
def test_no_address_can_add_a_command(account, sink, address):
    with CONNECTORS["email"].open(account) as link, pytest.raises(ConnectorError) as caught:
        link.send(address, MAIL, "k")
    assert caught.value.permanent and not sink.mails


def test_log_in(account, sink, admin):
    account.settings["username"] = "u"
    account.keep_secrets({"password": "right"})
    account.save()
    with CONNECTORS["email"].open(account) as link:
        link.send("user@example.com", MAIL, "k")
    assert actions.check_channel(account, by=admin)[0]
    account.keep_secrets({"password": "wrong"})
    with pytest.raises(ConnectorError) as caught, CONNECTORS["email"].open(account):
        pass
    assert caught.value.channel_broken


def test_encryption_that_is_not_offered_breaks_the_account(account):
    account.settings["security"] = "starttls"
    with pytest.raises(ConnectorError) as caught, CONNECTORS["email"].open(account):
        pass
    assert caught.value.channel_broken


def test_server_away_is_later(account):
    account.settings["port"] = 1
    with pytest.raises(ConnectorError) as caught, CONNECTORS["email"].open(account):
        pass
    assert caught.value.retry_at and not caught.value.channel_broken and not caught.value.permanent


def test_a_test_mail_to_whoever_asks(sink, account, admin, client_for):
    client = client_for(admin)
    page = client.post(reverse("channels_ingest:channel_test_mail", args=[account.pk]), follow=True)
    assert admin.email in page.content.decode() and "Send me a test mail" in page.content.decode()
    (sender, to, body) = sink.mails[0]
    assert to == [admin.email] and b"Subject: Test mail of" in body
    account.refresh_from_db()
    assert account.last_sent_at and account.proven
    entry = AuditEntry.objects.get(verb="channel.tested")
    assert entry.by == admin and entry.details["worked"] is True

    admin.email = "gone@example.com"
    admin.save()
    page = client.post(reverse("channels_ingest:channel_test_mail", args=[account.pk]), follow=True)
    assert "The test mail could not be sent" in page.content.decode() and len(sink.mails) == 1
    account.refresh_from_db()
    assert account.present_error
