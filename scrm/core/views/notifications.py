"""The bell."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from scrm.core import live
from scrm.core.access import fetch
from scrm.core.lists import Facet, listing
from scrm.core.pages import done, render_page
from scrm.lib.clock import real_now


@require_GET
def notification_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        request.user.notifications.all(),
        sorts={"new": "-id"},
        facets=[
            Facet(
                "state",
                pgettext_lazy("filter", "Show"),
                [("unread", _("Unread"))],
                lambda rows, _values: rows.unread(),
                many=False,
            ),
        ],
        size=30,
    )
    return render_page(request, "core/notification_list.html", {"page": page})


@require_GET
def notification_bell(request: HttpRequest) -> HttpResponse:
    return render(request, "core/_bell.html")


@require_POST
def notification_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark as read and go where it points."""
    row = fetch(request.user.notifications.all(), pk=pk)
    if row.read_at is None:
        row.read_at = real_now()
        row.save(update_fields=["read_at"])
        live.touch_on_commit("bell", request.user.pk)
    ours = row.url and url_has_allowed_host_and_scheme(row.url, {request.get_host()})
    return redirect(row.url if ours else "core:notification_list")


@require_POST
def notification_read_all(request: HttpRequest) -> HttpResponse:
    request.user.notifications.unread().update(read_at=real_now())
    live.touch_on_commit("bell", request.user.pk)
    return done(request, "core:notification_list", _("All read"))
