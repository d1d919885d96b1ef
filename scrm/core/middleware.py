"""Middleware as plain functions. Order in settings: guard_database, (security, static files, sessions), protect,
(common, CSRF, authentication), speak, require_login, the rest."""

import logging
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from scrm.core import audit
from scrm.core.enums import Language
from scrm.core.models import Company
from scrm.core.views.errors import unavailable

log = logging.getLogger(__name__)
Next = Callable[[HttpRequest], HttpResponse]

CONTENT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # widths and positions that are data
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


def guard_database(get_response: Next) -> Next:
    """A database that is away answers 503 (so that a platform delivers its callback again), never a half-done page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        log.error("database: %s", error)
        return unavailable(request)

    middleware.process_exception = process_exception
    return middleware


def protect(get_response: Next) -> Next:
    """Content-Security-Policy on every answer that did not bring its own: no inline script, nothing from elsewhere. And no NUL
    character in an address: the database cannot even be asked for one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return HttpResponseBadRequest("NUL", content_type="text/plain")
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response

    return middleware


def speak(get_response: Next) -> Next:
    """Language and time zone of the page. The zone is the company's. The language is the user's, for strangers the
    cookie's, else Chinese: never the browser's guess, which says English on many Chinese machines."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = getattr(request, "user", None)
        zone = settings.TIME_ZONE
        if user is not None and settings.SESSION_COOKIE_NAME in request.COOKIES and user.is_authenticated:
            language, zone = user.language, Company.zone()
        else:
            language = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if language not in Language.values:
            language = settings.LANGUAGE_CODE
        request.LANGUAGE_CODE = language
        with translation.override(language), timezone.override(zone):
            response = get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Cookie"])
        return response

    return middleware


def require_login(get_response: Next) -> Next:
    """Every view needs a log-in unless it is marked with ``core.access.public``. Notes the address for the audit."""

    def middleware(request: HttpRequest) -> HttpResponse:
        audit.come_from(address(request))
        return get_response(request)

    def process_view(request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if getattr(view, "is_public", False) or request.user.is_authenticated:
            return None
        if request.headers.get("HX-Request"):  # a fragment cannot show the log-in page: send the whole tab there
            return HttpResponse(status=204, headers={"HX-Redirect": resolve_url(settings.LOGIN_URL)})
        return redirect_to_login(request.get_full_path())

    middleware.process_view = process_view
    return middleware


def address(request: HttpRequest) -> str | None:
    """The client's IP. Behind our own proxy (BEHIND_PROXY) the hop that it added, never what a client claims."""
    if settings.BEHIND_PROXY:
        hop = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        try:
            return str(ip_address(hop))
        except ValueError:
            pass  # absent, or a proxy that adds ports or words: no address is better than a page that breaks
    return request.META.get("REMOTE_ADDR") or None
