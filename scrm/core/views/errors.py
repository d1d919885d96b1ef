"""Error pages. They say what happened and what to do next. 500 and 503 draw no shell: it would ask the database."""

import logging
import secrets
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from scrm.core.enums import Level
from scrm.core.pages import toast

log = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request,
        400,
        "mood-puzzled",
        _("This request could not be understood"),
        _("The address or the form data was not complete. Go back, reload the page and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request,
        403,
        "lock",
        _("Your role does not allow this"),
        _("If you need it for your work, ask an administrator to change your role."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.warning("csrf: %s at %s", reason, request.path)
    return _answer(
        request,
        403,
        "shield-off",
        _("The form was open for too long"),
        _("For your safety it was not sent. Reload the page, then send it again."),
        plain=True,
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request,
        404,
        "map-off",
        _("There is nothing here"),
        _("The address is wrong, or the object was removed, or it belongs to somebody else."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return unavailable(request)
    number = secrets.token_hex(4)
    log.error("error page %s at %s", number, request.path)
    return _answer(
        request,
        500,
        "bug",
        _("Something broke on our side"),
        _("It was written to the log with the number %(number)s. Trying again may help.") % {"number": number},
        plain=True,
    )


def unavailable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    response = _answer(
        request,
        503,
        "plug-connected-x",
        _("The database does not answer"),
        _("Nothing was lost or half-done. Try again in a few seconds."),
        plain=True,
    )
    response.headers["Retry-After"] = "5"
    return response


def _answer(request: HttpRequest, status: int, icon: str, title: str, text: str, plain: bool = False) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return toast(HttpResponse(status=status), f"{title} · {text}", Level.BAD)
    user = None if plain else getattr(request, "user", None)
    layout = "base.html" if user is not None and user.is_authenticated else "plain.html"
    context = {
        "layout": layout,
        "status": status,
        "icon": icon,
        "title": title,
        "text": text,
        "LANGUAGE_CODE": get_language(),
    }
    if layout == "plain.html":  # without the context processors, which may ask the database
        return HttpResponse(render_to_string("core/error.html", context), status=status)
    return render(request, "core/error.html", context, status=status)


def show(request: HttpRequest, status: int) -> HttpResponse:
    """Development: look at an error page without breaking anything."""
    return {400: bad_request, 403: forbidden, 404: not_found, 500: broken, 503: unavailable}.get(status, not_found)(
        request
    )
