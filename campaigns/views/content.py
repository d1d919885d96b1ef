from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.actions import NotApprovable, approve_content, archive_content, delete_draft, new_version, save_content
from campaigns.actions.content import Outdated
from campaigns.content import FIELDS
from campaigns.enums import ContentState
from campaigns.forms.content import (
    CHANNELS,
    ContentForm,
    VariantRow,
    blank_row,
    missing_pairs,
    read_rows,
    rows_fault,
    rows_of,
)
from campaigns.models import Content, Immutable, Variant
from campaigns.preview import preview
from campaigns.queries import content_library
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.pages import render_page


def _by_channel(rows, values: list[str]):
    return rows.filter(Exists(Variant.objects.filter(content=OuterRef("pk"), channel__in=values)))


@requires(Permission.CONTENT_EDIT)
def content_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        content_library().prefetch_related("variants").select_related("approved_by"),
        sorts={"changed": "-updated_at", "name": "name"},
        facets=[
            Facet("state", _("State"), ContentState.choices, lambda rows, values: rows.filter(state__in=values)),
            Facet("channel", _("Channel"), [(c.value, c.label) for c in CHANNELS], _by_channel),
        ],
        search=Search(_("Name"), lambda rows, text: rows.filter(name__icontains=text)),
    )
    return render_page(request, "campaigns/content_list.html", {"page": page})


def _library():
    """What people write; the product's own system content is left out."""
    return Content.objects.filter(system_key="")


@requires(Permission.CONTENT_EDIT)
def content_new(request: HttpRequest) -> HttpResponse:
    return _editor(request, None)


@requires(Permission.CONTENT_EDIT)
def content_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _editor(request, fetch(_library(), pk=pk))


def _editor(request: HttpRequest, content: Content | None) -> HttpResponse:
    if content is not None and content.state != ContentState.DRAFT:
        if request.method != "POST":
            return _page(request, content, None, rows_of(content))
        fault = _(
            "Somebody approved this version while you were writing. Make a new version and copy your text into it."
        )
        return _page(request, content, None, read_rows(request.POST), fault=fault, status=409)
    form = ContentForm(request.POST or None, instance=content)
    if request.method != "POST":
        rows = rows_of(content) if content else [blank_row("oa", "zh-hans", 0)]
        return _page(request, content, form, rows)
    rows = read_rows(request.POST)
    fault = rows_fault(rows)
    if not form.is_valid() or fault or any(row.problems for row in rows):
        return _page(request, content, form, rows, fault=fault, status=422)
    try:
        saved = save_content(
            content=content,
            name=form.cleaned_data["name"],
            purpose=form.cleaned_data["purpose"],
            variants=[row.draft for row in rows],
            seen=request.POST.get("seen"),
            by=request.user,
        )
    except (Outdated, Immutable):
        fault = _(
            "Somebody else changed this content while you were writing. Compare with the stored one, then save again."
        )
        return _page(request, Content.objects.get(pk=content.pk), form, rows, fault=fault, status=409)
    messages.success(request, _("“{name}” is saved.").format(name=saved.name))
    return redirect("campaigns:content_edit", pk=saved.pk)


def _page(
    request: HttpRequest,
    content: Content | None,
    form: ContentForm | None,
    rows: list[VariantRow],
    fault: str = "",
    status: int = 200,
) -> HttpResponse:
    versions = Content.objects.filter(family=content.family).order_by("-version") if content else []
    first = preview(rows[0].unsaved(), request.user) if rows and not any(row.problems for row in rows) else None
    context = {
        "content": content,
        "form": form,
        "rows": rows,
        "fault": fault,
        "missing": missing_pairs(rows),
        "fields": FIELDS,
        "versions": versions,
        "preview": first,
        "previewed": rows[0] if rows else None,
        "may_approve": request.user.can(Permission.CONTENT_APPROVE),
        "may_campaign": request.user.can(Permission.CAMPAIGNS_EDIT),
    }
    return render(request, "campaigns/content_edit.html", context, status=status)


@require_POST
@requires(Permission.CONTENT_EDIT)
def content_variant(request: HttpRequest) -> HttpResponse:
    """htmx: the posted variants with one more or one less; nothing typed is lost, nothing is saved."""
    rows = read_rows(request.POST)
    for row in rows:
        row.problems = []
    added = request.POST.get("add", "")
    if added:
        channel, _dash, language = added.partition("-")
        row = blank_row(channel, language, len(rows))
        if row and row.key not in {other.key for other in rows}:
            rows.append(row)
    removed = request.POST.get("remove", "")
    rows = [row for row in rows if row.key != removed]
    for number, row in enumerate(rows):
        row.number = number
    context = {
        "rows": rows,
        "missing": missing_pairs(rows),
        "fields": FIELDS,
        "open": added or (rows[0].key if rows else ""),
    }
    return render(request, "campaigns/content_edit.html#variants", context)


@require_POST
@requires(Permission.CONTENT_EDIT)
def content_preview(request: HttpRequest) -> HttpResponse:
    """htmx: the variant named by ``show`` as one of the latest customers would get it, with what is wrong with it."""
    rows = read_rows(request.POST)
    shown = next((row for row in rows if row.key == request.POST.get("show")), rows[0] if rows else None)
    position = request.POST.get("as", "0")
    looked = None
    if shown and not shown.problems:
        looked = preview(shown.unsaved(), request.user, int(position) if position.isdecimal() else 0)
    return render(request, "campaigns/content_edit.html#preview", {"preview": looked, "previewed": shown})


@require_POST
@requires(Permission.CONTENT_APPROVE)
def content_approve(request: HttpRequest, pk: int) -> HttpResponse:
    content = fetch(_library(), pk=pk)
    try:
        approve_content(content=content, by=request.user)
        messages.success(request, _("“{name}” is approved and can be sent.").format(name=content.name))
    except NotApprovable as reason:
        messages.error(request, str(reason))
    return redirect("campaigns:content_edit", pk=pk)


@require_POST
@requires(Permission.CONTENT_EDIT)
def content_version(request: HttpRequest, pk: int) -> HttpResponse:
    draft = new_version(content=fetch(_library(), pk=pk), by=request.user)
    return redirect("campaigns:content_edit", pk=draft.pk)


@require_POST
@requires(Permission.CONTENT_EDIT)
def content_archive(request: HttpRequest, pk: int) -> HttpResponse:
    archive_content(content=fetch(_library(), pk=pk), by=request.user)
    return redirect("campaigns:content_edit", pk=pk)


@require_POST
@requires(Permission.CONTENT_EDIT)
def content_delete(request: HttpRequest, pk: int) -> HttpResponse:
    content = fetch(_library(), pk=pk, state=ContentState.DRAFT)
    delete_draft(content=content, by=request.user)
    messages.success(request, _("The draft of “{name}” is deleted.").format(name=content.name))
    return redirect("campaigns:content_list")
