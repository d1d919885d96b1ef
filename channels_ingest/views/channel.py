"""Accounts: list with health, connect, change, pause, try again, check."""

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from channels_ingest import actions, collector
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.connectors.webhook import edge as signed
from channels_ingest.connectors.webhook.inbound import examples
from channels_ingest.enums import Kind, State
from channels_ingest.looks import said
from channels_ingest.models import Channel, SceneCode
from channels_ingest.progress import odd_port, only_here, signs
from channels_ingest.queries import LOOK_BACK_DAYS, bad_inputs, channel_health, one_health, set_aside_counts
from channels_ingest.remedies import remedy
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission
from scrm.core.pages import done, render_page
from scrm.lib import crypto

WHAT_FOR = {
    Kind.WECHAT_OA: gettext_lazy(
        "Followers, menu clicks, scans and messages come in; greetings, texts and template messages go out."
    ),
    Kind.WEIBO: gettext_lazy(
        "Comments, mentions, private messages and followers come in; replies under comments and private messages go out."
    ),
    Kind.WEB: gettext_lazy(
        "Page views, products, forms and orders come in from your shop and your servers. Nothing goes out."
    ),
    Kind.WEBHOOK: gettext_lazy(
        "Customers, products, carts and orders come in from a shop or an ERP by signed webhooks. Nothing goes out."
    ),
    Kind.EMAIL: gettext_lazy("Mail goes out through your own mail server, with one-click unsubscribe."),
}

NEXT = {
    Kind.WECHAT_OA: gettext_lazy("Saved. Next: what to type at WeChat's side."),
    Kind.WEB: gettext_lazy("Saved. Next: put the tracker on the site."),
    Kind.EMAIL: gettext_lazy("Saved. Next: check the connection and send yourself a test mail."),
}
"""What follows the settings of a kind."""


@require_GET
@requires(Permission.CHANNELS_VIEW)
def channel_list(request: HttpRequest) -> HttpResponse:
    """Every account with its health. A constant number of queries."""
    context = {
        "rows": channel_health(),
        "days": LOOK_BACK_DAYS,
        "nobodys": bad_inputs(None),
        "may_edit": request.user.can(Permission.CHANNELS_EDIT),
        **set_aside_counts(),
    }
    return render(request, "channels_ingest/channel_list.html", context)


@require_GET
@requires(Permission.CHANNELS_EDIT)
def channel_add(request: HttpRequest) -> HttpResponse:
    """Choose what to connect."""
    kinds = [(kind, Kind(kind).label, connector.channel_kind, WHAT_FOR[kind]) for kind, connector in CONNECTORS.items()]
    return render(request, "channels_ingest/channel_add.html", {"kinds": kinds})


@requires(Permission.CHANNELS_EDIT)
def channel_create(request: HttpRequest, kind: str) -> HttpResponse:
    connector = CONNECTORS.get(kind)
    if connector is None:
        raise Http404
    form = connector.form(request.POST or None)
    if request.method == "POST" and form.is_valid():
        channel = actions.create_channel(
            kind=kind,
            name=form.cleaned_data["name"],
            settings=form.settings_values(),
            credentials=form.credential_values(),
            by=request.user,
        )
        return done(request, channel, str(NEXT.get(kind, _("Saved. Next: what to type on the other side."))))
    context = {"form": form, "kind": Kind(kind), "looks": connector.channel_kind}
    return render(request, "channels_ingest/channel_edit.html", context, status=422 if form.is_bound else 200)


@requires(Permission.CHANNELS_EDIT)
def channel_edit(request: HttpRequest, pk: int) -> HttpResponse:
    channel = fetch(Channel, pk=pk)
    connector = CONNECTORS[channel.kind]
    form = connector.form(request.POST or None, channel=channel)
    if request.method == "POST" and form.is_valid():
        actions.update_channel(
            channel,
            name=form.cleaned_data["name"],
            settings=form.settings_values(),
            credentials=form.credential_values(),
            by=request.user,
        )
        return done(request, channel, _("Saved"))
    context = {"form": form, "shown": channel, "kind": Kind(channel.kind), "looks": connector.channel_kind}
    return render(request, "channels_ingest/channel_edit.html", context, status=422 if form.is_bound else 200)


@require_GET
@requires(Permission.CHANNELS_VIEW)
def channel_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Health, what to type on the other side, refused input, codes."""
    channel = fetch(Channel, pk=pk)
    found = signs(channel)
    context = {
        "shown": channel,
        "health": one_health(channel),
        "signs": found if any(sign.at is None for sign in found) else [],
        "only_here": only_here(),
        "odd_port": odd_port(),
        "public_url": settings.PUBLIC_URL,
        "fix": remedy(channel.broken_reason if channel.state == State.BROKEN else channel.present_error),
        "kind": Kind(channel.kind),
        "codes": SceneCode.objects.filter(channel=channel)[:50] if channel.kind == Kind.WECHAT_OA else [],
        "shown_settings": _settings(channel),
        "snippet": _snippet(channel) if channel.kind == Kind.WEB else "",
        "example": _example(channel) if channel.kind == Kind.WEB else "",
        **(_webhook(channel) if channel.kind == Kind.WEBHOOK else {}),
        "domain": str(channel.settings.get("from_address", "")).rpartition("@")[2],
        "days": LOOK_BACK_DAYS,
        "may_edit": request.user.can(Permission.CHANNELS_EDIT),
        "can_check": CONNECTORS[channel.kind].check is not None,
    }
    return render_page(request, "channels_ingest/channel_detail.html", context, partial="health")


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_secrets(request: HttpRequest, pk: int) -> HttpResponse:
    """What has to be typed on the other side, once, audited."""
    channel = fetch(Channel, pk=pk)
    held = actions.show_secrets(channel, by=request.user)
    if channel.kind == Kind.WEB:
        held = {"server_key": collector.server_key(channel)}
    response = render(request, "channels_ingest/_secrets.html", {"shown": channel, "held": held})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_pause(request: HttpRequest, pk: int) -> HttpResponse:
    channel = fetch(Channel, pk=pk)
    actions.pause_channel(channel, by=request.user)
    return done(request, channel, _("Paused"))


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Also “try again” of a broken account."""
    channel = fetch(Channel, pk=pk)
    actions.resume_channel(channel, by=request.user)
    return done(request, channel, _("Active again"))


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_check(request: HttpRequest, pk: int) -> HttpResponse:
    """One real call to the platform."""
    channel = fetch(Channel, pk=pk)
    worked, told, code = actions.check_channel(channel, by=request.user)
    if not worked:
        text = _("The connection does not work: {reason}").format(reason=said(told))
        return done(request, channel, f"{text} ({code})" if code else text, Level.BAD)
    if channel.kind == Kind.WECHAT_OA:
        return done(request, channel, _("The connection works: WeChat tells of {n} followers.").format(n=told or 0))
    return done(request, channel, _("The connection works: {server} answered.").format(server=told or channel.name))


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_test_mail(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail to whoever presses the button."""
    channel = fetch(Channel.objects.filter(kind=Kind.EMAIL), pk=pk)
    left, told = actions.send_test_mail(channel, by=request.user)
    if not left:
        text = _("The test mail could not be sent: {reason}").format(reason=said(told))
        return done(request, channel, text, Level.BAD)
    text = _("The mail server took a test mail to {address}. Look whether it arrives.")
    return done(request, channel, text.format(address=request.user.email))


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret server key; the old one ends at once."""
    channel = fetch(Channel.objects.filter(kind=Kind.WEB), pk=pk)
    actions.rotate_server_key(channel, by=request.user)
    return done(request, channel, _("A new server key is made; the old one is refused from now on."))


def _settings(channel: Channel) -> list[tuple[str, object]]:
    """(label, value) of what the form shows, without credentials."""
    form = CONNECTORS[channel.kind].form(channel=channel)
    shown = []
    for name, field in form.fields.items():
        if name == "name" or name in form.credential_names:
            continue
        value = channel.settings.get(name)
        if hasattr(field, "choices"):
            value = dict(field.choices).get(value, value)
        elif isinstance(field, forms.BooleanField):
            value = _("yes") if value else _("no")
        elif isinstance(value, list):
            value = ", ".join(value)
        shown.append((str(field.label), value))
    return shown


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_new_key(request: HttpRequest, pk: int) -> HttpResponse:
    channel = fetch(Channel, pk=pk, kind=Kind.WEBHOOK)
    actions.rotate_key(channel, by=request.user)
    return done(request, channel, _("There is a new key. Type it into the shop before the old one ends."))


@require_POST
@requires(Permission.CHANNELS_EDIT)
def channel_end_old_key(request: HttpRequest, pk: int) -> HttpResponse:
    channel = fetch(Channel, pk=pk, kind=Kind.WEBHOOK)
    actions.end_old_key(channel, by=request.user)
    return done(request, channel, _("The old key is refused from now on."))


def _webhook(channel: Channel) -> dict[str, object]:
    """Until when the key before is good, and the shapes. A key that cannot be opened any more is no reason to fail."""
    try:
        until = signed.old_until(channel.secrets)
    except crypto.CannotOpen:
        until = None
    return {"old_until": until, "examples": examples(), "old_key_hours": signed.OLD_KEY_HOURS}


def _snippet(channel: Channel) -> str:
    return f'<script src="{channel.webhook_url}/t.js?k={channel.token}" data-page async></script>'


def _example(channel: Channel) -> str:
    """One event from a shell, to see it arrive."""
    event = '{"anonymousId": "test-1", "event": "Product Viewed", "properties": {"product_id": "test"}}'
    return f"curl -u {channel.token}: -H 'Content-Type: application/json' -d '{event}' {channel.webhook_url}/v1/track"
