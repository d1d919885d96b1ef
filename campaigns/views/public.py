"""What recipients open: tracked links, the open pixel, the way out, the confirmation of an address. No log-in; the
signed token is the right to do exactly one thing. A GET never changes anything but the record that it happened."""

import base64
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns import optin, optout
from campaigns.enums import OptInState
from campaigns.models import Link, Message, OptIn
from campaigns.sending import outcomes, tokens
from contacts import intake
from contacts.enums import ConsentState, EventKind, IdentityKind, Purpose
from contacts.models import Consent, Contact
from scrm.core.access import public
from scrm.core.enums import Language
from scrm.core.models import Company
from scrm.lib import clock

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_ROBOTS = re.compile(
    r"bot\b|spider|crawl|slurp|scan|preview|prefetch|monitor|facebookexternalhit|barracuda|proofpoint|mimecast|urldefense"
    r"|\bcurl|\bwget|python-|go-http|okhttp|java/|libwww|axios",
    re.IGNORECASE,
)
_PROXIES = re.compile(r"GoogleImageProxy|YahooMailProxy|ggpht", re.IGNORECASE)
"""Mail services that fetch pictures on the reader's behalf. Google and Yahoo fetch when a person opens; Apple's proxy
calls itself only "Mozilla/5.0" and fetches everything beforehand."""


@public
@never_cache
@require_safe
def follow_link(request: HttpRequest, token: str) -> HttpResponse:
    """Record the click, durably, and lead to the stored address with the personal token as ``zk``. Unknown: 404, never
    a redirect."""
    numbers = tokens.read(tokens.LINK, token, 2)
    if numbers is None:
        raise Http404
    link = get_object_or_404(Link, pk=numbers[0])
    message = get_object_or_404(_messages(), pk=numbers[1])
    if link.content_id != message.content_id or not link.url.startswith(("http://", "https://")):
        raise Http404
    if request.method == "GET" and not _is_robot(request):
        _append(message, EventKind.MESSAGE_CLICKED, link=link.pk, url=link.url)
    answer = HttpResponseRedirect(_with_token(link.url, token))
    answer.headers["Referrer-Policy"] = "no-referrer-when-downgrade"
    return answer


@public
@never_cache
@require_safe
def open_pixel(request: HttpRequest, token: str) -> HttpResponse:
    """A picture of one pixel. Opens by privacy proxies and scanners are recorded as such; one event an hour is enough."""
    numbers = tokens.read(tokens.OPEN, token, 1)
    message = _messages().filter(pk=numbers[0]).first() if numbers else None
    if message is None:
        raise Http404
    if request.method == "GET":
        machine = _is_machine_open(request)
        hour = clock.now().strftime("%Y%m%d%H")
        _append(
            message, EventKind.MESSAGE_OPENED, external_id=f"open:{message.pk}:{hour}:{int(machine)}", machine=machine
        )
    return HttpResponse(PIXEL, content_type="image/gif")


@public
@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST acts: from the page's button and from mail programs (RFC 8058, body
    ``List-Unsubscribe=One-Click``). The token is the right to do it, so there is no CSRF check: a mail program brings no cookie."""
    numbers = tokens.read(tokens.UNSUBSCRIBE, token, 1)
    message = get_object_or_404(Message.objects.select_related("contact", "identity"), pk=numbers[0] if numbers else 0)
    if request.method == "POST":
        one_click = request.POST.get("List-Unsubscribe") == "One-Click"
        optout.unsubscribe(message, "one-click" if one_click else "unsubscribe link")
        if not one_click:
            return redirect(request.path)
    state = Consent.objects.filter(
        contact_id=message.contact_id, channel=message.channel, purpose=Purpose.MARKETING
    ).values_list("state", flat=True)
    done = request.method == "POST" or ConsentState.WITHDRAWN in state
    named = message.identity is not None and message.identity.kind in {IdentityKind.EMAIL, IdentityKind.PHONE}
    context = {
        "message": message,
        "hint": message.identity.hint if named else "",
        "done": done,
        "company": Company.get(),
    }
    return _page(request, message.contact.language, "campaigns/public_unsubscribe.html", context)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Double opt-in. GET shows what is asked (mail programs fetch links on their own), POST is the owner's yes."""
    numbers = tokens.read(tokens.CONFIRM, token, 1)
    rows = OptIn.objects.select_related("identity", "link_message", "contact")
    row = get_object_or_404(rows, pk=numbers[0] if numbers else 0)
    follower = optin.follower_of(row) if row.state == OptInState.PENDING else None
    outdated = False
    if request.method == "POST":
        answer = {"me": True, "not_me": False}.get(request.POST.get("answer", ""))
        if follower is None or answer is not None:
            try:
                optin.confirm(row, is_me=answer)
                return redirect(request.path)
            except optin.Outdated:
                outdated = True
    context = {
        "row": row,
        "hint": row.identity.hint,
        "done": row.state == OptInState.CONFIRMED,
        "outdated": outdated or optin.is_outdated(row),
        "follower": optin.masked(follower) if follower else "",
        "company": Company.get(),
    }
    status = 410 if context["outdated"] and not context["done"] else 200
    return _page(request, row.contact.language, "campaigns/public_confirm.html", context, status)


def _page(request: HttpRequest, language: str, template: str, context: dict, status: int = 200) -> HttpResponse:
    """In the language the reader chose on this page before, else the contact's."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language.lower().startswith("en"):
        request.LANGUAGE_CODE = Language.ENGLISH.value
        translation.activate(request.LANGUAGE_CODE)
    answer = render(request, template, context, status=status)
    # The address is the right to act: it must not leak to the sites this page may lead to. Not "no-referrer": with it a
    # browser posts our own form with ``Origin: null``, which the CSRF check refuses.
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def _messages():
    return (
        Message.objects.filter(contact__in=Contact.objects.all())
        .select_related("content")
        .only(
            "content__name",
            "id",
            "contact_id",
            "channel",
            "account_id",
            "content_id",
            "purpose",
            "origin",
            "origin_id",
            "state",
            "reason",
            "ref",
            "body",
        )
    )


def _append(message: Message, kind: EventKind, external_id: str = "", **more: object) -> None:
    outcome = outcomes.Outcome(*(getattr(message, name) for name in outcomes.Outcome.COLUMNS[:-1]))
    told = outcomes.properties(outcome, content_name=message.content.name if message.content else "", **more)
    intake.append_own(
        [
            intake.Incoming(
                kind=kind.value,
                channel=message.channel,
                occurred_at=clock.now(),
                account_id=message.account_id,
                external_id=external_id,
                contact_id=message.contact_id,
                properties=told,
            )
        ]
    )


def _is_robot(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "")
    ahead = f"{request.headers.get('Purpose', '')} {request.headers.get('Sec-Purpose', '')}".lower()
    return not agent or "prefetch" in ahead or bool(_ROBOTS.search(agent))


def _is_machine_open(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "").strip()
    if _PROXIES.search(agent):
        return False
    return agent in {"", "Mozilla/5.0"} or bool(_ROBOTS.search(agent))


def _with_token(url: str, token: str) -> str:
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != "zk"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("zk", token)])))
