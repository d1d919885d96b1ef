"""Pages to keep canned replies."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts.enums import ChannelKind
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.pages import done, render_page
from service_desk.actions import delete_canned, save_canned
from service_desk.canned import FIELDS
from service_desk.forms.canned import CannedForm
from service_desk.models import CannedReply
from service_desk.queries.canned import categories


@require_GET
@requires(Permission.SERVICE_MANAGE)
def canned_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        CannedReply.objects.all(),
        sorts={"used": "-used", "shortcut": "shortcut", "title": "title", "category": "category"},
        facets=[
            Facet(
                "category",
                pgettext("canned reply", "Category"),
                [(name, name) for name in categories()],
                lambda rows, values: rows.filter(category__in=values),
            )
        ],
        search=Search(_("Title, shortcut or text"), _narrow),
        size=50,
    )
    for row in page.rows:
        row.places = [ChannelKind(kind).label for kind in row.channels if kind in ChannelKind.values]
    return render_page(request, "service_desk/canned_list.html", {"page": page})


def _narrow(rows, text):
    return (
        rows.filter(title__icontains=text) | rows.filter(shortcut__icontains=text) | rows.filter(body__icontains=text)
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def canned_new(request: HttpRequest) -> HttpResponse:
    return _editor(request, CannedReply())


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def canned_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _editor(request, fetch(CannedReply, pk=pk))


def _editor(request: HttpRequest, canned: CannedReply) -> HttpResponse:
    form = CannedForm(request.POST if request.method == "POST" else None, instance=canned)
    if request.method == "POST" and form.is_valid():
        saved = save_canned(canned=form.save(commit=False), by=request.user)
        return done(request, "service_desk:canned_list", _("“{name}” is saved.").format(name=saved.title))
    fields = [
        (f"{{{{ {root}.{name} }}}}", label)
        for root, named in FIELDS.items()
        for name, label in named.items()
        if name != "attributes"
    ]
    context = {"form": form, "canned": canned if canned.pk else None, "fields": fields, "categories": categories()}
    return render(request, "service_desk/canned_edit.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@requires(Permission.SERVICE_MANAGE)
def canned_delete(request: HttpRequest, pk: int) -> HttpResponse:
    canned = fetch(CannedReply, pk=pk)
    delete_canned(canned=canned, by=request.user)
    return done(request, "service_desk:canned_list", _("“{name}” is deleted.").format(name=canned.title))
