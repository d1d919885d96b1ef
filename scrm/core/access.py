"""Who may do what. The way to get an object is the permission check: a missing permission answers 403, somebody else's
object answers 404."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from scrm.core.enums import Permission

View = Callable[..., HttpResponse]
M = TypeVar("M", bound=Model)


def requires(*permissions: Permission) -> Callable[[View], View]:
    """View decorator: the user needs every one of the permissions, else the 403 page. With none, only a log-in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not request.user.can(*permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.permissions = permissions
        return guarded

    return decorate


def public(view: View) -> View:
    """View decorator: no log-in needed (log-in page, webhooks, collector, unsubscribe, health)."""

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    opened.is_public = True
    return opened


def fetch(rows: QuerySet[M] | type[M], *, lock: bool = False, **lookup: Any) -> M:
    """The one object, or 404. Pass a queryset that is already limited to what the user may see. ``lock`` takes a row
    lock (FOR NO KEY UPDATE of this table only) and needs a transaction."""
    if lock:
        rows = rows.objects.all() if isinstance(rows, type) else rows
        rows = rows.select_for_update(of=("self",), no_key=True)
    return get_object_or_404(rows, **lookup)
