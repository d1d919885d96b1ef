"""The start page, the search box and the versions of live regions."""

from importlib import import_module

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from scrm.core import first_run, live
from scrm.core.access import public
from scrm.core.navigation import home_for
from scrm.core.search import pages_for

HITS_PER_GROUP = 6
MOST_LIVE_KEYS = 40


@public
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Sends everybody to the first page they may open; the very first visitor to the first-run page."""
    if not request.user.is_authenticated:
        return redirect("core:first_run" if first_run.is_needed() else "core:login")
    return redirect(home_for(request.user))


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Results of all rooms for ``q``, grouped."""
    q = request.GET.get("q", "").strip()[:100]
    if len(q) < 2:
        return render(request, "core/_search_hint.html")
    groups = pages_for(request.user, q, HITS_PER_GROUP)
    for path in settings.SEARCH_PROVIDERS:
        module, _dot, name = path.rpartition(".")
        try:
            provide = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            continue
        groups += provide(request.user, q, HITS_PER_GROUP)
    return render(request, "core/_search.html", {"groups": [group for group in groups if group.hits], "q": q})


@public
@never_cache
@require_GET
def live_versions(request: HttpRequest) -> JsonResponse:
    """Versions of the signed names in ``of``. Asks Redis only; the signatures are the permission."""
    return JsonResponse(live.versions(request.GET.getlist("of")[:MOST_LIVE_KEYS]))
