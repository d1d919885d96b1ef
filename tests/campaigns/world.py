"""People, accounts and content for tests of sending, and a platform that does what it is told."""

import itertools
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from campaigns.enums import ContentFormat, ContentState
from campaigns.models import Content, Variant
from campaigns.sending import SendRequest
from channels_ingest.connectors.base import Connector, ConnectorError, Receipt
from channels_ingest.models import Channel
from contacts.enums import ChannelKind, ConsentState, IdentityKind, Purpose, Trust
from contacts.models import Consent, Contact, Identity
from scrm.lib import crypto

NOON = datetime(2025, 11, 20, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai."""
NIGHT = datetime(2025, 11, 20, 14, 30, tzinfo=UTC)
"""22:30 in Shanghai."""
MORNING = datetime(2025, 11, 21, 0, 0, tzinfo=UTC)
"""08:00 the next day in Shanghai."""
_numbers = itertools.count(1)


def person(
    name: str = "小林", *, openid: int | None = None, email: str = "", consents: tuple[str, ...] = (), **fields
) -> Contact:
    """A contact; ``openid`` is the account it follows; ``consents`` are channels with a given consent."""
    window = {key: fields.pop(key) for key in ("last_inbound_at", "last_touch_at") if key in fields}
    contact = Contact.objects.create(
        name=name, known=True, first_seen_at=NOON, last_seen_at=NOON, created_at=NOON, **fields
    )
    n = next(_numbers)
    if openid is not None:
        identity(contact, IdentityKind.OPENID, f"o{n:027d}", scope=openid, **window)
    if email:
        identity(contact, IdentityKind.EMAIL, email.replace("#", str(n)))
    for channel in consents:
        Consent.objects.create(
            contact=contact, channel=channel, purpose=Purpose.MARKETING, state=ConsentState.GRANTED, changed_at=NOON
        )
    return contact


def identity(
    contact: Contact, kind: str, value: str, *, scope: int = 0, trust: int = Trust.VERIFIED, **fields
) -> Identity:
    return Identity.objects.create(
        contact=contact,
        kind=kind,
        scope=scope,
        index=crypto.blind_index(kind, value),
        value=crypto.seal(value, "identity"),
        hint=f"{value[:2]}***",
        trust=trust,
        first_seen_at=NOON,
        last_seen_at=NOON,
        **fields,
    )


def account(kind: str = "wechat_oa", **fields) -> Channel:
    return Channel.objects.create(kind=kind, name=f"{kind} {next(_numbers)}", **fields)


def written(
    *channels: str,
    purpose: str = Purpose.MARKETING,
    state: str = ContentState.APPROVED,
    body: str = "你好 {{ contact.name }}",
    **fields,
) -> Content:
    """Content with a variant per channel."""
    content = Content.objects.create(name=f"内容 {next(_numbers)}", purpose=purpose, **fields)
    for channel in channels or (ChannelKind.OA, ChannelKind.EMAIL):
        mail = channel == ChannelKind.EMAIL
        Variant.objects.create(
            content=content,
            channel=channel,
            body=body,
            subject="主题" if mail else "",
            format=ContentFormat.MARKDOWN if mail else ContentFormat.TEXT,
        )
    content.state = state
    content.save()
    return content


def ask(contact: Contact, content: Content, *channels: str, key: str = "", **fields) -> SendRequest:
    fields.setdefault("purpose", content.purpose)
    fields.setdefault("origin", "journey")
    fields.setdefault("origin_id", 1)
    return SendRequest(
        key=key or f"test:{next(_numbers)}",
        contact_id=contact.pk,
        content_id=content.pk,
        channels=list(channels) or ["oa"],
        **fields,
    )


@dataclass
class Platform:
    """Stands in for every connector. ``answers``: address -> errors to raise, in order; then it accepts."""

    sent: list[tuple[str, str, object]] = field(default_factory=list)
    answers: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    on_open: list[Exception] = field(default_factory=list)
    opened: int = 0
    before_send: object = None

    @contextmanager
    def open(self, channel):
        self.opened += 1
        if self.on_open:
            raise self.on_open.pop(0)
        yield self

    def send(self, address, rendered, key):
        if self.before_send:
            self.before_send(address, rendered, key)
        for queue in (self.answers[address], self.answers["*"]):
            if queue:
                raise queue.pop(0)
        self.sent.append((address, key, rendered))
        return Receipt(f"p{len(self.sent)}")

    @property
    def keys(self) -> list[str]:
        return [key for _address, key, _rendered in self.sent]

    def connectors(self, **more) -> dict[str, Connector]:
        return {
            "wechat_oa": Connector(
                "wechat_oa",
                ChannelKind.OA,
                IdentityKind.OPENID,
                object,
                open=self.open,
                rendered_kinds=("text",),
                **more,
            ),
            "email": Connector(
                "email",
                ChannelKind.EMAIL,
                IdentityKind.EMAIL,
                object,
                open=self.open,
                rendered_kinds=("email",),
                **more,
            ),
        }


def refuse(reason: str = "no", **flags) -> ConnectorError:
    flags.setdefault("permanent", False)
    return ConnectorError(reason, **flags)
