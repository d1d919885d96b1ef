"""The ledger as pages: what was sent, is waiting or was not sent, and why."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from campaigns.enums import Origin, Reason, State
from campaigns.models import Campaign, Message
from campaigns.queries import WENT
from campaigns.sending import reasons, states
from campaigns.sending.settling import settle_unknown
from channels_ingest.models import Channel
from contacts.enums import ChannelKind
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission, Scope
from scrm.core.lists import Facet, Search, listing
from scrm.core.models import Company, User
from scrm.core.pages import done, render_page
from scrm.lib import clock

GROUPS = {
    "waiting": (gettext_lazy("Waiting"), [State.QUEUED, State.HELD, State.LEASED, State.ATTEMPTING]),
    "sent": (gettext_lazy("Sent"), [State.SENT, State.DELIVERED]),
    "not_sent": (gettext_lazy("Not sent"), [State.SUPPRESSED, State.EXPIRED]),
    "failed": (gettext_lazy("Failed"), [State.FAILED, State.BOUNCED]),
    "unknown": (gettext_lazy("Unknown"), [State.UNKNOWN]),
}
USUAL_REASONS = [
    Reason.QUIET_HOURS,
    Reason.RETRY,
    Reason.CHANNEL_BROKEN,
    Reason.NO_ADDRESS,
    Reason.NO_CONSENT,
    Reason.UNSUBSCRIBED,
    Reason.WINDOW_CLOSED,
    Reason.CAPPED,
    Reason.EXPIRED,
]
SENDING_CHANNELS = [ChannelKind.OA, ChannelKind.EMAIL]


def _by_group(rows, values):
    return rows.filter(state__in=[state for value in values for state in GROUPS[value][1]])


def _facets(request: HttpRequest) -> list[Facet]:
    """The usual reasons are always offered; a rarer one when a link of another page asks for it."""
    asked = [Reason(value) for value in request.GET.getlist("reason") if value in Reason.values]
    offered = list(dict.fromkeys([*USUAL_REASONS, *asked]))
    reasons_facet = Facet(
        "reason",
        gettext_lazy("Reason"),
        [(r.value, r.label) for r in offered],
        lambda rows, values: rows.filter(reason__in=values),
    )
    return [*FACETS, reasons_facet, *_planned(request.GET.get("planned", ""))]


def _planned(value: str) -> list[Facet]:
    """``planned=2026-10-29..2026-11-27``, days of the company: only when a link of another page asks, as the figures do."""
    try:
        first, last = (date.fromisoformat(day) for day in value.split(".."))
        after = last + timedelta(days=1)
    except (ValueError, OverflowError):
        return []
    zone = ZoneInfo(Company.get().time_zone)
    start, end = (datetime.combine(day, time(), zone) for day in (first, after))
    return [
        Facet(
            "planned",
            gettext_lazy("Planned"),
            [(value, f"{first:%m-%d} – {last:%m-%d}")],
            lambda rows, values: rows.filter(planned_at__gte=start, planned_at__lt=end),
        )
    ]


FACETS = [
    Facet("state", gettext_lazy("State"), [(key, label) for key, (label, _states) in GROUPS.items()], _by_group),
    Facet(
        "channel",
        gettext_lazy("Channel"),
        [(c.value, c.label) for c in SENDING_CHANNELS],
        lambda rows, values: rows.filter(channel__in=values),
    ),
    Facet(
        "did",
        gettext_lazy("Reaction"),
        [("opened", gettext_lazy("Opened")), ("clicked", gettext_lazy("Clicked"))],
        lambda rows, values: rows.filter(**{f"{value}_at__isnull": False for value in values}),
    ),
    Facet("origin", gettext_lazy("Origin"), Origin.choices, lambda rows, values: rows.filter(origin__in=values)),
]


def _narrow(rows, text):
    return rows.filter(contact__name_grams__contains=[text[:2]], contact__name__icontains=text) if text else rows


@require_GET
@requires(Permission.CONTACTS_VIEW)
def message_list(request: HttpRequest) -> HttpResponse:
    """All messages to contacts that the user may see, newest first; ``contact``, ``campaign`` or ``content`` in the
    address narrow it."""
    rows = Message.objects.visible_to(request.user).select_related("contact", "content").defer("decisions", "context")
    narrowed = {}
    for name, column in (
        ("contact", "contact_id"),
        ("content", "content_id"),
        ("campaign", "origin_id"),
        ("journey", "origin_id"),
    ):
        value = request.GET.get(name, "")
        if value.isdecimal() and len(value) < 19:
            narrowed[column] = int(value)
            if column == "origin_id":
                narrowed["origin"] = name
    if "went" in request.GET:  # what reports count as sent: also what came back
        narrowed["state__in"] = WENT
    page = listing(
        request,
        rows.filter(**narrowed),
        sorts={"new": "-id"},
        facets=_facets(request),
        search=Search(_("Customer"), _narrow),
        size=50,
    )
    for row in page.rows:
        row.tone = reasons.TONES[row.state]
    context = {"page": page, "unknown": _unknown(request), "scoped": request.user.scope != Scope.ALL}
    return render_page(request, "campaigns/message_list.html", context)


def _unknown(request: HttpRequest) -> int:
    """How many wait for a person's decision."""
    return Message.objects.visible_to(request.user).filter(state=State.UNKNOWN)[:100].count()


@require_GET
@requires(Permission.CONTACTS_VIEW)
def message_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Why did or didn't this person get this?"""
    message = _message(request, pk)
    author = User.objects.filter(pk=message.origin_id).first() if message.origin == Origin.AGENT else None
    origin = Campaign.objects.filter(pk=message.origin_id).first() if message.origin == Origin.CAMPAIGN else None
    context = {
        "message": message,
        "tone": reasons.TONES[message.state],
        "headline": reasons.headline(message),
        "steps": reasons.steps(message),
        "asked": [ChannelKind(channel) for channel in message.channels if channel in ChannelKind.values],
        "account": Channel.objects.filter(pk=message.account_id).first(),
        "campaign": origin,
        "author": author,
        "may_campaign": request.user.can(Permission.CAMPAIGNS_EDIT),
        "may_content": request.user.can(Permission.CONTENT_EDIT),
        "waits": message.state in {State.QUEUED, State.HELD} and message.next_at > clock.now(),
        "may_settle": message.state == State.UNKNOWN and request.user.can(Permission.CAMPAIGNS_SEND),
    }
    return render(request, "campaigns/message_detail.html", context)


@require_POST
@requires(Permission.CAMPAIGNS_SEND)
def message_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an unknown one: it arrived, or send it again."""
    message = _message(request, pk)
    sent = request.POST.get("answer") == "sent"
    try:
        settle_unknown(message=message, sent=sent, by=request.user)
    except states.ImpossibleMove:
        return done(request, "campaigns:message_detail", _("Somebody else has decided already."), Level.WARN, pk)
    return done(
        request, "campaigns:message_detail", _("Counted as sent.") if sent else _("Queued again."), Level.OK, pk
    )


def _message(request: HttpRequest, pk: int) -> Message:
    rows = Message.objects.visible_to(request.user).select_related("contact", "content", "identity")
    return fetch(rows, pk=pk)
