"""What a connector is, and what it says to its caller.

A connector knows one platform's wire. It raises ``ConnectorError`` and nothing else; retry, switching off and alarm belong
to the caller. Adding a kind is one folder here, one line in ``registry`` and a translation.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.utils.translation import gettext_noop

from channels_ingest.models import Channel
from contacts import catalogue
from contacts.intake import Incoming
from scrm.lib import crypto

KEY_IS_GONE = gettext_noop(
    "The credentials were sealed with a key that this installation no longer has. Type them again."
)


@dataclass(slots=True)
class Rendered:
    """A message ready for one person. Which fields count depends on ``kind``:

    text: ``text`` · link: ``data`` title, description, url, picture · image: ``data`` media_id · mini: ``data`` title, appid,
    path, picture_media_id · template: ``data`` template_id, url, fields {name: value}, mini {appid, path} ·
    email: ``subject``, ``text``, ``html``, ``headers`` (List-Unsubscribe and the like).
    """

    kind: str
    text: str = ""
    subject: str = ""
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform has it. ``platform_id`` is what its later reports call the message, "" when it gives none."""

    platform_id: str = ""


class ConnectorError(Exception):
    """Why a call to a platform did not do its work. ``code`` is the platform's own; decide by the flags, never by the text.

    permanent: repeating the same call cannot help · retry_at: not before (real time) · channel_broken: credentials are
    refused, the account is marked and nothing more is sent · address_gone: the platform says this address does not exist
    (any more) or has left · window_closed: the platform's reply window is over · unknown: the request went out and no answer
    came, so the message may or may not have arrived. ``reason`` is an English sentence that pages translate; ``detail`` is
    what the other side said, and neither holds a contact point.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool,
        code: str = "",
        detail: str = "",
        retry_at: datetime | None = None,
        channel_broken: bool = False,
        address_gone: bool = False,
        window_closed: bool = False,
        unknown: bool = False,
    ) -> None:
        super().__init__(": ".join(part for part in (reason, code, detail) if part))
        self.reason = reason
        self.detail = detail
        self.permanent = permanent
        self.code = code
        self.retry_at = retry_at
        self.channel_broken = channel_broken
        self.address_gone = address_gone
        self.window_closed = window_closed
        self.unknown = unknown


@dataclass(slots=True)
class Raw:
    """One delivery as a parser sees it: plain body, and what the edge noted about it (models.Delivery)."""

    id: int
    body: bytes
    trustee: str
    notes: dict[str, Any]
    received_at: datetime
    business_at: datetime


@dataclass(slots=True)
class Parsed:
    """What a delivery tells. ``odd`` are shapes that were kept without an event: (reason, detail, sample)."""

    incoming: list[Incoming] = field(default_factory=list)
    products: list[catalogue.Told] = field(default_factory=list)
    odd: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Polled:
    """One page of a feed of a platform that does not call us: (id, what it says), and whether older new ones may follow."""

    items: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    more: bool = False


class Link(Protocol):
    def send(self, address: str, rendered: Rendered, key: str) -> Receipt:
        """Send one message. ``key`` is our idempotency key, stable over retries. Raises ConnectorError."""


@dataclass(frozen=True)
class Connector:
    """One row of the registry."""

    kind: str
    channel_kind: str
    """contacts.enums.ChannelKind: what the timeline and the consent call it."""
    identity_kind: str
    """contacts.enums.IdentityKind of the addresses it sends to or hears from."""
    form: type
    """Settings form (channels_ingest.forms.ChannelForm)."""
    parse: Callable[[Channel, Raw], Parsed] | None = None
    """Pure. May raise anything on a body that makes no sense: the caller sets the delivery aside."""
    open: Callable[[Channel], AbstractContextManager[Link]] | None = None
    """A link for a batch of messages of one account. Raises ConnectorError."""
    check: Callable[[Channel], str] | None = None
    """One real call that proves the credentials; a sentence about what answered. Raises ConnectorError."""
    feeds: tuple[str, ...] = ()
    """What must be asked for, since the platform does not call (channels_ingest.polling)."""
    poll: Callable[[Channel, str, int, int], Polled] | None = None
    """(account, feed, since, until) -> the newest page with since < id <= until (0: no end). Raises ConnectorError."""
    rendered_kinds: tuple[str, ...] = ()
    idempotent_kinds: tuple[str, ...] = ()
    """Of these the platform itself drops a repetition with the same key, so an unknown outcome may be sent again."""


def held_secrets(channel: Channel) -> dict[str, str]:
    """The account's credentials for a call to its platform. Raises ConnectorError when their key is gone."""
    try:
        return channel.secrets
    except crypto.CannotOpen:
        raise ConnectorError(KEY_IS_GONE, permanent=False, code="sealed", channel_broken=True) from None
