"""Writes of the channels room: atomic, audited, in one place."""

import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_ingest.connectors.base import ConnectorError, Rendered
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.connectors.webhook import edge as signed
from channels_ingest.connectors.wechat_oa import tokens
from channels_ingest.connectors.wechat_oa.outbound import open_link
from channels_ingest.enums import DeliveryState, Kind, State
from channels_ingest.models import Channel, Delivery, SceneCode
from channels_ingest.models.channel import new_server_secret, new_token
from scrm.core import audit, notify
from scrm.core.enums import Level, Permission
from scrm.core.models import User
from scrm.lib import clock, hints

log = logging.getLogger(__name__)
_NO_CONNECTION = {
    "follow_reply",
    "rate_per_minute",
    "poll_seconds",
    "from_name",
    "reply_to",
    "site_url",
    "origins",
    "browser_orders",
}
"""Settings that cannot mend a refused connection."""


@transaction.atomic
def create_channel(
    *, kind: str, name: str, settings: dict[str, Any], credentials: dict[str, str], by: User | None, token: str = ""
) -> Channel:
    """Connect an account. ``token``: secret part of the address (or the public write key), made when empty."""
    channel = Channel(kind=kind, name=name, settings=settings, token=token or new_token(), created_by=by)
    channel.keep_secrets(credentials)
    channel.save()
    audit.record(by, "channel.created", channel, kind=kind)
    return channel


@transaction.atomic
def update_channel(
    channel: Channel, *, name: str, settings: dict[str, Any], credentials: dict[str, str], by: User | None
) -> Channel:
    """Change an account. New credentials or a new server forget the access token, and a broken account is tried again."""
    channel = _locked(channel)
    changed = sorted(k for k in {*settings, *channel.settings} if settings.get(k) != channel.settings.get(k))
    held = channel.held
    renewed = sorted(k for k, value in credentials.items() if held.get(k) != value)
    channel.name, channel.settings = name, settings
    if renewed:
        channel.keep_secrets(credentials)
    if renewed or set(changed) - _NO_CONNECTION:
        _forgive(channel)
    channel.save()
    audit.record(by, "channel.updated", channel, settings=changed, credentials=renewed)
    return channel


@transaction.atomic
def pause_channel(channel: Channel, *, by: User) -> None:
    channel = _locked(channel)
    if channel.state != State.PAUSED:
        channel.state = State.PAUSED
        channel.save(update_fields=["state", "updated_at"])
        audit.record(by, "channel.paused", channel)


@transaction.atomic
def resume_channel(channel: Channel, *, by: User) -> None:
    """Paused or broken to active: what waits is sent again."""
    channel = _locked(channel)
    if channel.state != State.ACTIVE:
        before, channel.state = channel.state, State.ACTIVE
        _forgive(channel)
        channel.save()
        audit.record(by, "channel.resumed", channel, before=before)


@transaction.atomic
def mark_broken(channel: Channel, reason: str) -> bool:
    """The platform refuses our credentials: nothing more is sent until a person tries again. Once: False when it is known.
    Tells everybody who may change channels. ``reason``: an English sentence that pages translate."""
    now = clock.real_now()
    changed = Channel.objects.filter(pk=channel.pk, state=State.ACTIVE).update(
        state=State.BROKEN, broken_reason=reason[:300], broken_at=now, last_error=reason[:300], last_error_at=now
    )
    if changed:
        audit.record(None, "channel.broken", channel, reason=reason[:300])
        text = format_lazy(_("Channel “{name}” is broken: {reason}"), name=channel.name, reason=_(reason))
        url = reverse("channels_ingest:channel_detail", args=[channel.pk])
        notify.tell(User.objects.able(Permission.CHANNELS_EDIT), text, url, Level.BAD)
    return bool(changed)


def check_channel(channel: Channel, *, by: User) -> tuple[bool, str, str]:
    """One real call: (worked, what answered or why not (translatable), the platform's code). Notes the result."""
    check = CONNECTORS[channel.kind].check
    if check is None:
        return True, "", ""
    now = clock.real_now()
    try:
        told = check(channel)
    except ConnectorError as error:
        Channel.objects.filter(pk=channel.pk).update(last_error=error.reason[:300], last_error_at=now)
        if error.channel_broken:
            mark_broken(channel, error.reason)
        audit.record(by, "channel.checked", channel, worked=False, code=error.code)
        log.warning("channel %s does not connect: %s", channel.pk, error)
        return False, error.reason, error.code if error.code[:1].isdigit() else ""
    Channel.objects.filter(pk=channel.pk).update(checked_at=now)
    audit.record(by, "channel.checked", channel, worked=True)
    return True, told, ""


def send_test_mail(channel: Channel, *, by: User) -> tuple[bool, str]:
    """One real mail to the person who asks: (left, what the server called it or why not (translatable))."""
    text = gettext("This mail shows that “{name}” works. Nothing has to be done.").format(name=channel.name)
    mail = Rendered("email", subject=gettext("Test mail of {name}").format(name=channel.name), text=text)
    now = clock.real_now()
    try:
        with CONNECTORS[channel.kind].open(channel) as link:
            receipt = link.send(by.email, mail, f"test-{channel.pk}-{now.timestamp()}")
    except ConnectorError as error:
        log.warning("channel %s sends no test mail: %s", channel.pk, error)
        Channel.objects.filter(pk=channel.pk).update(last_error=error.reason[:300], last_error_at=now)
        if error.channel_broken:
            mark_broken(channel, error.reason)
        audit.record(by, "channel.tested", channel, worked=False, code=error.code)
        return False, error.reason
    note_sent(channel)
    audit.record(by, "channel.tested", channel, worked=True)
    return True, receipt.platform_id


def note_sent(channel: Channel) -> None:
    """Something left by this account (real time)."""
    Channel.objects.filter(pk=channel.pk).update(last_sent_at=clock.real_now())


@transaction.atomic
def show_secrets(channel: Channel, *, by: User) -> dict[str, str]:
    """What has to be typed on the other side (never the platform's own secret or a password). Audited."""
    shown = {Kind.WECHAT_OA: ("token", "aes_key"), Kind.WEB: ("server_secret",), Kind.WEBHOOK: ("key",)}.get(
        channel.kind, ()
    )
    audit.record(by, "channel.secrets_shown", channel)
    held = channel.secrets
    return {name: held.get(name, "") for name in shown}


@transaction.atomic
def rotate_server_key(channel: Channel, *, by: User) -> None:
    """A new secret behind a web site's write key; whoever uses the old one is refused from now on."""
    channel = _locked(channel)
    channel.keep_secrets({**channel.held, "server_secret": new_server_secret()})
    channel.save(update_fields=["credentials", "updated_at"])
    audit.record(by, "channel.key_rotated", channel)


@transaction.atomic
def rotate_key(channel: Channel, *, by: User) -> None:
    """A new signing key for an order system; the one before is good for some days, so that the shop can change over."""
    channel = _locked(channel)
    channel.keep_secrets(signed.rotated(channel.secrets))
    channel.save(update_fields=["credentials", "updated_at"])
    audit.record(by, "channel.signing_key_made", channel)


@transaction.atomic
def end_old_key(channel: Channel, *, by: User) -> None:
    channel = _locked(channel)
    channel.keep_secrets({**channel.secrets, "old_key": "", "old_until": ""})
    channel.save(update_fields=["credentials", "updated_at"])
    audit.record(by, "channel.old_key_ended", channel)


def create_scene_code(channel: Channel, *, label: str, scene: str, by: User | None) -> SceneCode:
    """A permanent code. The platform is asked first (asking twice gives the same code), then it is kept. Raises ConnectorError."""
    with open_link(channel) as link:
        ticket, url = link.create_scene(scene)
    if not url:
        raise ConnectorError("WeChat gave no code.", permanent=True, code="empty")
    with transaction.atomic():
        code = SceneCode.objects.create(
            channel=channel, scene=scene, label=label, ticket=ticket, url=url, created_by=by
        )
        audit.record(by, "scene_code.created", code, channel=channel.pk, scene=scene)
    return code


@transaction.atomic
def replay_deliveries(ids: Iterable[int] | None, *, by: User, channel: Channel | None = None) -> int:
    """Set-aside deliveries go back to the inbox: the given ones, or all (of an account). How many did."""
    rows = Delivery.objects.dead()
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    if channel is not None:
        rows = rows.filter(channel=channel)
    count = rows.update(state=DeliveryState.PENDING, attempts=0, leased_until=None, error="", processed_at=None)
    if count:
        audit.record(by, "delivery.replayed", channel, count=count)
        hints.poke_on_commit("ingest")
    return count


@transaction.atomic
def discard_delivery(delivery: Delivery, *, reason: str, by: User) -> None:
    """A set-aside delivery that nobody will need: it stays out of the list, with the reason, until it expires."""
    changed = (
        Delivery.objects.dead()
        .filter(pk=delivery.pk)
        .update(state=DeliveryState.DISCARDED, notes={**delivery.notes, "discarded": reason})
    )
    if changed:
        audit.record(by, "delivery.discarded", delivery, reason=reason)


def _locked(channel: Channel) -> Channel:
    return Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)


def _forgive(channel: Channel) -> None:
    tokens.forgive(channel)
    if channel.state == State.BROKEN:
        channel.state = State.ACTIVE
    channel.broken_reason, channel.broken_at = "", None
