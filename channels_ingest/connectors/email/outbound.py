"""Mail out: one SMTP connection for a batch, commands in one write when the server offers PIPELINING, every code read.

Codes: RFC 5321 (replies), RFC 3463 (enhanced status), RFC 2920 (pipelining).
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime

from django.utils.translation import gettext_noop

from channels_ingest.connectors.base import ConnectorError, Receipt, Rendered, held_secrets
from channels_ingest.connectors.email import mime
from channels_ingest.models import Channel
from channels_ingest.quota import count_call
from scrm.lib import clock

_TIMEOUT_SECONDS = 10.0
_PER_CONNECTION = 500
"""Mails after which the connection is renewed: servers and balancers dislike endless ones."""
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_GONE = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
"""No such mailbox, no such domain, moved away, null MX, disabled."""
_RETRY_AFTER = timedelta(minutes=5)


class SmtpLink:
    """One mail server account for a batch of mails. Not for sharing between threads."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        held = channel.settings
        self._from = held.get("from_address", "")
        self._from_line = mime.sender(self._from, held.get("from_name", ""))
        self._reply_to = held.get("reply_to", "")
        self._smtp: smtplib.SMTP | None = None
        self._on_connection = 0
        self._sent = 0
        self._connect()

    def send(self, address: str, rendered: Rendered, key: str) -> Receipt:
        """Hand one mail to the server. ``platform_id`` is its Message-ID, the same for every attempt with this key."""
        if rendered.kind != "email":
            raise ConnectorError(f"Mail cannot send {rendered.kind!r}.", permanent=True, code="kind")
        mail_id = mime.message_id(key, self._from)
        body = mime.build(
            from_line=self._from_line,
            to=address,
            rendered=rendered,
            mail_id=mail_id,
            date=format_datetime(clock.now()),
            reply_to=self._reply_to,
        )
        if self._smtp is None or self._on_connection >= _PER_CONNECTION:
            self._connect()
        self._on_connection += 1
        try:
            self._deliver(address, body)
        except _Gone as gone:
            self._drop()
            if gone.handed_over:
                raise ConnectorError(
                    NO_ANSWER, permanent=False, code="no_answer", detail=str(gone), unknown=True
                ) from gone
            raise _unreachable(str(gone)) from gone
        self._sent += 1
        return Receipt(mail_id)

    def close(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                pass
        self._drop()
        if self._sent:
            count_call(self.channel, "mail", self._sent)
            self._sent = 0

    def _connect(self) -> None:
        if self._smtp is not None:
            self.close()
        self._smtp = connect(self.channel)
        self._on_connection = 0

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _deliver(self, address: str, body: bytes) -> None:
        """MAIL, RCPT, DATA, body. Raises ConnectorError for an answer that says no, _Gone when the connection breaks."""
        smtp = self._smtp
        assert smtp is not None
        utf8 = not address.isascii()
        if utf8 and not smtp.has_extn("smtputf8"):
            raise ConnectorError(
                gettext_noop("The mail server cannot deliver to addresses with such characters."),
                permanent=True,
                code="smtputf8",
            )
        options = " SMTPUTF8 BODY=8BITMIME" if utf8 else ""
        commands = [f"MAIL FROM:<{self._from}>{options}", f"RCPT TO:<{address}>", "DATA"]
        handed_over = False
        try:
            if smtp.has_extn("pipelining"):
                self._write("".join(f"{command}\r\n" for command in commands).encode())
                answers = [smtp.getreply() for _command in commands]
            else:
                answers = []
                for command in commands:
                    self._write(f"{command}\r\n".encode())
                    answers.append(smtp.getreply())
                    if answers[-1][0] >= 400:
                        break
            refused = next((answer for answer in answers if answer[0] >= 400), None)
            if refused is not None:
                self._back_out(answers)
                raise refusal(*refused)
            handed_over = True
            self._write(body + b".\r\n")
            code, text = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise _Gone(type(error).__name__, handed_over) from error
        if code != 250:
            raise refusal(code, text)

    def _back_out(self, answers: list[tuple[int, bytes]]) -> None:
        """After a refusal: a server that already waits for the body (354) gets none, by a new connection; else RSET."""
        smtp = self._smtp
        assert smtp is not None
        if answers[-1][0] == 354 or any(code == 421 for code, _text in answers):
            self._drop()
            return
        self._write(b"RSET\r\n")
        smtp.getreply()

    def _write(self, data: bytes) -> None:
        smtp = self._smtp
        if smtp is None or smtp.sock is None:
            raise OSError("not connected")
        smtp.sock.sendall(data)


class _Gone(Exception):
    def __init__(self, reason: str, handed_over: bool) -> None:
        super().__init__(reason)
        self.handed_over = handed_over


NO_ANSWER = gettext_noop("The mail server took the mail and gave no answer; it may have been delivered.")
UNREACHABLE = gettext_noop("The mail server cannot be reached.")
LOG_IN_REFUSED = gettext_noop("The mail server refuses the user name or password.")
GONE = gettext_noop("The mail server says that this address does not exist.")
LATER = gettext_noop("The mail server asks to try again later.")
REFUSED = gettext_noop("The mail server refuses this mail.")
NO_TLS = gettext_noop("The mail server offers no encryption (STARTTLS) or an untrusted certificate.")


def connect(channel: Channel) -> smtplib.SMTP:
    """A greeted, encrypted (as the account says) and logged-in connection. Raises ConnectorError."""
    held = channel.settings
    host, port, security = held.get("host", ""), int(held.get("port") or 25), held.get("security", "starttls")
    try:
        if security == "ssl":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
        smtp.ehlo_or_helo_if_needed()
        if security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
        if held.get("username"):
            smtp.login(held["username"], held_secrets(channel).get("password", ""))
    except smtplib.SMTPAuthenticationError as error:
        raise ConnectorError(LOG_IN_REFUSED, permanent=False, code=str(error.smtp_code), channel_broken=True) from error
    except (smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
        raise ConnectorError(
            NO_TLS, permanent=False, code="tls", detail=type(error).__name__, channel_broken=True
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _unreachable(type(error).__name__) from error
    return smtp


def refusal(code: int, text: bytes) -> ConnectorError:
    """4yz: later. 5yz: never; the address is gone when the enhanced status says so. The server's words are not kept: they
    quote the address."""
    found = _ENHANCED.search(text.decode("utf-8", "replace"))
    status = ".".join(found.groups()) if found else ""
    full = f"{code} {status}".strip()
    if 400 <= code < 500 or code < 0:
        return ConnectorError(LATER, permanent=False, code=full, retry_at=clock.real_now() + _RETRY_AFTER)
    if code in {530, 535}:
        return ConnectorError(LOG_IN_REFUSED, permanent=False, code=full, channel_broken=True)
    gone = status in _GONE or (not status and code == 551)
    return ConnectorError(GONE if gone else REFUSED, permanent=True, code=full, address_gone=gone)


@contextmanager
def open_link(channel: Channel) -> Iterator[SmtpLink]:
    """A link for a batch. Raises ConnectorError."""
    link = SmtpLink(channel)
    try:
        yield link
    finally:
        link.close()


def check(channel: Channel) -> str:
    """Connect, encrypt and log in; what the server calls itself."""
    smtp = connect(channel)
    try:
        return (smtp.ehlo_resp or b"").decode("utf-8", "replace").split("\n")[0][:80]
    finally:
        smtp.close()


def _unreachable(detail: str) -> ConnectorError:
    again = clock.real_now() + timedelta(seconds=30)
    return ConnectorError(UNREACHABLE, permanent=False, code="unreachable", detail=detail, retry_at=again)
