"""How views answer: one address gives the page or, to htmx, a part of it; results of a change are told as a toast."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import patch_vary_headers

from scrm.core.enums import Level

_MESSAGE_LEVELS = {
    Level.INFO: messages.INFO,
    Level.OK: messages.SUCCESS,
    Level.WARN: messages.WARNING,
    Level.BAD: messages.ERROR,
}


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    partial: str | Sequence[str] = "rows",
    status: int = 200,
) -> HttpResponse:
    """The page, or for an htmx request the ``{% partialdef %}`` of it called ``partial``. With several names, the one
    that equals the id of the htmx target is taken, else the first. Going back in history gets the whole page."""
    name = template
    if is_fragment(request):
        names = [partial] if isinstance(partial, str) else list(partial)
        name = f"{template}#{request.htmx.target if request.htmx.target in names else names[0]}"
    response = render(request, name, dict(context or {}), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def is_fragment(request: HttpRequest) -> bool:
    """True when htmx asks for a part of a page, not for a page (boosted link, history)."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def done(
    request: HttpRequest, to: Any, text: str = "", level: Level | str = Level.OK, *args: Any, **kwargs: Any
) -> HttpResponse:
    """After a change: go to ``to`` (address, URL name with arguments, or object) and show ``text`` there as a toast.
    Works for plain forms (redirect) and for htmx (the whole tab goes)."""
    if text:
        messages.add_message(request, _MESSAGE_LEVELS[Level(level)], text)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": resolve_url(to, *args, **kwargs)})
    return redirect(to, *args, **kwargs)


def toast(
    response: HttpResponse, text: str, level: Level | str = Level.OK, *, undo: str = "", undo_label: str = ""
) -> HttpResponse:
    """Show a toast with this htmx answer. ``undo`` is an address that takes a POST; it becomes a button."""
    return trigger(response, toast={"text": str(text), "level": str(level), "undo": undo, "undoLabel": str(undo_label)})


def close_modal(response: HttpResponse) -> HttpResponse:
    """Close the open modal after this htmx answer was swapped in."""
    return trigger(response, closeModal=True)


def trigger(response: HttpResponse, **events: Any) -> HttpResponse:
    """Fire client events (HX-Trigger) beside those already set."""
    already = json.loads(response.headers.get("HX-Trigger", "{}"))
    response.headers["HX-Trigger"] = json.dumps({**already, **events})
    return response
