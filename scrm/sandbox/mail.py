"""The mail server: takes everything, keeps the raw message, and refuses on demand.

A 250 after DATA means that the message is committed. Addresses choose their fate: ``bounce@`` is refused for good, ``later@`` and
``full@`` for now; the fault switches do the same to everybody.
"""

import asyncio
import email
import email.policy
import logging

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from django.conf import settings

from scrm.sandbox import faults, store

_log = logging.getLogger(__name__)
MAX_BYTES = 10 * 1024 * 1024
FATES = {
    "bounce": (550, "550 5.1.1 No such user here"),
    "later": (451, "451 4.7.1 Greylisted, try again later"),
    "full": (452, "452 4.2.2 Mailbox full"),
}


class Mailbox:
    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        code, answer = _fate(address)
        if code:
            store.add(
                "refused_mail", sender=envelope.mail_from or "", recipient=address.lower(), code=code, **store.stamps()
            )
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        number = keep(envelope.mail_from or "", envelope.rcpt_tos, raw)
        if faults.hit("mail_drop"):
            if server.transport:
                server.transport.abort()
            raise asyncio.CancelledError
        return f"250 2.0.0 OK queued as {number}"


def keep(sender: str, recipients: list[str], raw: bytes) -> int:
    """Store one row per recipient, in one transaction; the last id."""
    try:
        subject = str(email.message_from_bytes(raw, policy=email.policy.default).get("Subject", ""))[:400]
    except Exception:  # A header that the parser cannot read must not lose the mail.
        subject = ""
    number = 0
    with store.transaction():
        for recipient in recipients:
            number = store.add(
                "mail", sender=sender, recipient=recipient.lower(), subject=subject, raw=raw, **store.stamps()
            )
    return number


def _fate(address: str) -> tuple[int, str]:
    if faults.hit("mail_refuse"):
        return FATES["bounce"]
    if faults.hit("mail_later"):
        return FATES["later"]
    return FATES.get(address.partition("@")[0].partition("+")[0].lower(), (0, ""))


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    """Any name and password, except the password ``wrong``."""
    return AuthResult(success=getattr(data, "password", b"") != b"wrong", handled=False)


def start() -> Controller:
    """The server in its own thread, listening when this returns. Raises OSError when the port is taken."""
    controller = Controller(
        Mailbox(),
        hostname="127.0.0.1",
        port=settings.SMTP_PORT,
        server_hostname="sandbox.localhost",
        ready_timeout=10,
        data_size_limit=MAX_BYTES,
        authenticator=_authenticate,
        auth_require_tls=False,
        enable_SMTPUTF8=True,
    )
    controller.start()
    return controller
