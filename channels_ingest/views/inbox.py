"""What could not be digested: set-aside deliveries, samples of refused input, events that a consumer could not take."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from channels_ingest import actions
from channels_ingest.enums import DeliveryState
from channels_ingest.forms import DiscardForm
from channels_ingest.looks import masked
from channels_ingest.models import BadInput, Channel, Delivery
from channels_ingest.queries import set_aside_counts
from contacts.consumers import replay
from contacts.models import PoisonEvent
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission
from scrm.core.lists import Facet, listing
from scrm.core.pages import done, render_page
from scrm.lib import crypto

_SHOWN_CHARS = 2000


@require_GET
@requires(Permission.CHANNELS_VIEW)
def dead_letter_list(request: HttpRequest) -> HttpResponse:
    """Set-aside deliveries, newest first; ``state=discarded`` shows the discarded ones."""
    accounts = list(Channel.objects.values_list("pk", "name"))
    state = DeliveryState.DISCARDED if request.GET.get("state") == "discarded" else DeliveryState.DEAD
    page = listing(
        request,
        Delivery.objects.filter(state=state).select_related("channel").defer("raw"),
        sorts={"new": "-id"},
        facets=[Facet("account", gettext_lazy("Account"), accounts, lambda rows, ids: rows.filter(channel__in=ids))],
    )
    context = {
        "page": page,
        "discarded": state == DeliveryState.DISCARDED,
        "may_edit": request.user.can(Permission.CHANNELS_EDIT),
        **set_aside_counts(),
    }
    return render_page(request, "channels_ingest/dead_letter_list.html", context)


@require_GET
@requires(Permission.CHANNELS_EDIT)
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery in a modal: error and the beginning of its body, masked; replay and discard."""
    delivery = fetch(Delivery.objects.select_related("channel"), pk=pk)
    try:
        body = masked(delivery.body[: _SHOWN_CHARS * 4].decode("utf-8", "replace")[:_SHOWN_CHARS])
    except crypto.CannotOpen:
        body = _("It was sealed with a key that this installation no longer has.")
    context = {"shown": delivery, "body": body, "form": DiscardForm()}
    return render(request, "channels_ingest/delivery_detail.html", context)


@require_POST
@requires(Permission.CHANNELS_EDIT)
def delivery_replay(request: HttpRequest, pk: int) -> HttpResponse:
    fetch(Delivery, pk=pk)
    count = actions.replay_deliveries([pk], by=request.user)
    return _replayed(request, count)


@require_POST
@requires(Permission.CHANNELS_EDIT)
def delivery_replay_all(request: HttpRequest) -> HttpResponse:
    """All of them, or all of one account (``account``)."""
    account = request.POST.get("account", "")
    channel = fetch(Channel, pk=account) if account.isdecimal() else None
    return _replayed(request, actions.replay_deliveries(None, by=request.user, channel=channel))


@require_POST
@requires(Permission.CHANNELS_EDIT)
def delivery_discard(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = fetch(Delivery, pk=pk)
    form = DiscardForm(request.POST)
    if not form.is_valid():
        return done(request, "channels_ingest:dead_letter_list", _("Give a reason."), Level.BAD)
    actions.discard_delivery(delivery, reason=form.cleaned_data["reason"], by=request.user)
    return done(request, "channels_ingest:dead_letter_list", _("Discarded"))


@require_GET
@requires(Permission.CHANNELS_EDIT)
def bad_input_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Samples behind one count, masked, in a modal."""
    bad = fetch(BadInput.objects.select_related("channel"), pk=pk)
    samples = []
    for sample in bad.samples.order_by("-at"):
        try:
            text = masked(sample.text)
        except crypto.CannotOpen:
            text = _("It was sealed with a key that this installation no longer has.")
        samples.append((sample.at, sample.detail, text))
    return render(request, "channels_ingest/bad_input_detail.html", {"shown": bad, "samples": samples})


@require_GET
@requires(Permission.CHANNELS_VIEW)
def poison_list(request: HttpRequest) -> HttpResponse:
    """Events that a consumer of the log could not take."""
    page = listing(request, PoisonEvent.objects.filter(replayed_at=None), sorts={"new": "-id"})
    context = {"page": page, "may_edit": request.user.can(Permission.CHANNELS_EDIT), **set_aside_counts()}
    return render_page(request, "channels_ingest/poison_list.html", context)


@require_POST
@requires(Permission.CHANNELS_EDIT)
def poison_replay(request: HttpRequest, pk: int) -> HttpResponse:
    poison = fetch(PoisonEvent, pk=pk)
    if replay(poison, by=request.user):
        return done(request, "channels_ingest:poison_list", _("It went through"))
    return done(
        request, "channels_ingest:poison_list", _("It failed again; the error below is the new one."), Level.BAD
    )


def _replayed(request: HttpRequest, count: int) -> HttpResponse:
    text = ngettext("{n} delivery goes through the inbox again", "{n} deliveries go through the inbox again", count)
    return done(request, "channels_ingest:dead_letter_list", text.format(n=count))
