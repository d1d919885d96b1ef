"""Which identities belong to which channel, and how a contact can be reached now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from contacts.enums import ChannelKind, ConsentState, IdentityKind, Purpose
from contacts.models import Consent, Identity

CHANNEL_OF = {
    IdentityKind.OPENID: ChannelKind.OA,
    IdentityKind.UNIONID: ChannelKind.OA,
    IdentityKind.WEIBO_UID: ChannelKind.WEIBO,
    IdentityKind.EXTERNAL_USERID: ChannelKind.WECOM,
    IdentityKind.PHONE: ChannelKind.SMS,
    IdentityKind.EMAIL: ChannelKind.EMAIL,
    IdentityKind.ANONYMOUS: ChannelKind.WEB,
    IdentityKind.USER_ID: ChannelKind.WEB,
    IdentityKind.MEMBER: ChannelKind.SHOP,
    IdentityKind.CUSTOMER: ChannelKind.SHOP,
}
ADDRESS_KINDS = {
    ChannelKind.OA: [IdentityKind.OPENID],
    ChannelKind.WEIBO: [IdentityKind.WEIBO_UID],
    ChannelKind.WECOM: [IdentityKind.EXTERNAL_USERID],
    ChannelKind.SMS: [IdentityKind.PHONE],
    ChannelKind.EMAIL: [IdentityKind.EMAIL],
}
"""Channels we can write on, and the identities that are an address there."""

POINT_KINDS = {IdentityKind.PHONE, IdentityKind.EMAIL}
"""Contact points: shown unmasked only to roles that see them."""

REPLY_WINDOW = timedelta(hours=48)
"""Official Account and Weibo: how long a message of the person lets us write (on the former up to 5 messages)."""
WINDOWED = {ChannelKind.OA, ChannelKind.WEIBO}


@dataclass(frozen=True)
class Reach:
    """One channel in the strip under the name."""

    channel: str
    reachable: bool
    consent: str
    """A ConsentState, or empty when never asked."""
    window_until: datetime | None = None
    """Channels with a reply window only: until when free messages may be sent; None when closed or not needed."""
    needs_window: bool = False
    written: bool = False
    """Whether the person ever wrote here."""

    @property
    def state(self) -> str:
        """``open`` (may write now), ``window`` (only templates until the person writes), ``asked`` (consent pending),
        ``refused`` (withdrawn), ``gone`` (the address does not work)."""
        if not self.reachable:
            return "gone"
        if self.consent == ConsentState.WITHDRAWN:
            return "refused"
        if self.consent == ConsentState.PENDING:
            return "asked"
        if self.needs_window and self.window_until is None:
            return "window"
        return "open"


def strip(identities: Iterable[Identity], consents: Iterable[Consent], now: datetime) -> list[Reach]:
    """One entry per channel on which the person has an address, best state of its addresses. Pure."""
    asked = {consent.channel: consent.state for consent in consents if consent.purpose == Purpose.MARKETING}
    found = []
    for channel, kinds in ADDRESS_KINDS.items():
        held = [identity for identity in identities if identity.kind in kinds]
        if not held:
            continue
        written = max((i.last_inbound_at for i in held if i.reachable and i.last_inbound_at), default=None)
        until = written + REPLY_WINDOW if written and channel in WINDOWED else None
        found.append(
            Reach(
                channel=channel.value,
                reachable=any(identity.reachable for identity in held),
                consent=asked.get(channel.value, ""),
                window_until=until if until and until > now else None,
                needs_window=channel in WINDOWED,
            )
        )
    return found
