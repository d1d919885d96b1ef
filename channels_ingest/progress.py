"""How far the connecting of an account has come, shown on its page until everything has happened once."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels_ingest.enums import Kind
from channels_ingest.models import Channel

_PLATFORM_PORTS = {None, 80, 443}
"""WeChat calls no other."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that has to happen once. ``at`` None: not yet, and ``hint`` says how to bring it about."""

    text: Promise
    at: datetime | None
    hint: Promise


def signs(channel: Channel) -> list[Sign]:
    """In the order in which they are met; empty for a kind that has none of its own."""
    heard = channel.last_callback_at
    if channel.kind == Kind.WECHAT_OA:
        return [
            Sign(
                _("WeChat has verified the URL"),
                channel.verified_at or heard,
                _(
                    "Comes with “Submit” at WeChat, see the steps below. When WeChat says “Token verification failed”, "
                    "look at “Refused input”."
                ),
            ),
            Sign(
                _("WeChat accepts AppID and AppSecret"),
                channel.checked_at or channel.last_sent_at,
                _("Press “Check the connection”."),
            ),
            Sign(
                _("The first callback has come"),
                heard,
                _("Follow the account with your own WeChat and write something."),
            ),
        ]
    if channel.kind == Kind.WEIBO:
        return [
            Sign(
                _("Weibo has verified the URL"),
                channel.verified_at,
                _("Comes when the address is saved at Weibo, see the steps below."),
            ),
            Sign(
                _("Weibo accepts the Access Token"),
                channel.checked_at or channel.last_sent_at,
                _("Press “Check the connection”."),
            ),
            Sign(_("The first callback has come"), heard, _("Write to the account with your own Weibo.")),
        ]
    if channel.kind == Kind.WEB:
        return [
            Sign(
                _("The first event has come"),
                heard,
                _("Put the tracker on a page and open it, or run the example below."),
            )
        ]
    if channel.kind == Kind.WEBHOOK:
        return [Sign(_("The first webhook has come"), heard, _("Type address and key into the shop, and let it send."))]
    if channel.kind == Kind.EMAIL:
        return [
            Sign(
                _("The mail server accepts us"),
                channel.checked_at or channel.last_sent_at,
                _("Press “Check the connection”."),
            ),
            Sign(
                _("The first mail has left"),
                channel.last_sent_at,
                _("Press “Send me a test mail” and look whether it arrives."),
            ),
        ]
    return []


def only_here() -> bool:
    """Nobody outside this machine or network can call PUBLIC_URL (which a demo means to be so)."""
    if settings.DEMO:
        return False
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


def odd_port() -> bool:
    return not settings.DEMO and urlsplit(settings.PUBLIC_URL).port not in _PLATFORM_PORTS
