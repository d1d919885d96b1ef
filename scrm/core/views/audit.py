"""The audit log."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from scrm.core.access import requires
from scrm.core.enums import Permission
from scrm.core.lists import Search, listing
from scrm.core.models import AuditEntry, User
from scrm.core.pages import render_page
from scrm.core.queries import audit_kinds
from scrm.core.templatetags.ui import model_name, verb_text


@require_GET
@requires(Permission.AUDIT_VIEW)
def audit_list(request: HttpRequest) -> HttpResponse:
    """Filtered by person, verb and kind of object (parameters ``who``, ``verb``, ``object``), newest first."""
    rows = _narrowed(AuditEntry.objects.select_related("by"), request)
    page = listing(
        request,
        rows,
        sorts={"new": "-id"},
        search=Search(_("Name of the object"), lambda rows, text: rows.filter(target_label__icontains=text)),
    )
    page.is_filtered = page.is_filtered or any(request.GET.get(name) for name in ("who", "verb", "object"))
    context = {
        "page": page,
        "people": User.objects.order_by("name", "id"),
        "verbs": _verbs(),
        "objects": [(kind, model_name(kind)) for kind in audit_kinds("target_type")],
    }
    return render_page(request, "core/audit_list.html", context)


def _verbs() -> list[tuple[str, str]]:
    """One choice per word: ``content.saved`` and ``campaign.saved`` read the same, and the kind of object tells them apart."""
    found: dict[str, list[str]] = {}
    for verb in audit_kinds("verb"):
        found.setdefault(verb_text(verb), []).append(verb)
    return [(",".join(verbs), text) for text, verbs in found.items()]


def _narrowed(rows: QuerySet, request: HttpRequest) -> QuerySet:
    who, verb, kind = (request.GET.get(name, "") for name in ("who", "verb", "object"))
    if who == "system":
        rows = rows.filter(by=None)
    elif who.isdecimal():
        rows = rows.filter(by=int(who))
    if verb:
        rows = rows.filter(verb__in=verb.split(",")[:20])
    if kind:
        rows = rows.filter(target_type=kind)
    return rows
