"""Segments: list, builder with live figures, members."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts import actions, queries, segments
from contacts.access import segment_for
from contacts.builder import building
from contacts.builder.drawing import menu
from contacts.forms.segments import SegmentForm
from contacts.models import Contact, Segment, SegmentMember
from contacts.views.contact_list import ContactPage, decorated
from scrm.core.access import requires
from scrm.core.enums import Level, Permission, Scope
from scrm.core.lists import Search, listing
from scrm.core.models import User
from scrm.core.pages import done, render_page
from scrm.lib import clock


@require_GET
@requires(Permission.CONTACTS_VIEW)
def segment_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        Segment.objects.select_related("created_by"),
        sorts={"name": "name", "size": "-member_count", "changed": "-updated_at"},
        search=Search(_("Name"), lambda rows, text: rows.filter(name__icontains=text)),
    )
    mine = _own_numbers(page.rows, request.user)
    uses = queries.segment_uses(segment.pk for segment in page.rows)
    for segment in page.rows:
        segment.shown = segment.member_count if mine is None else mine.get(segment.pk, 0)
        segment.uses = uses[segment.pk]
    context = {"page": page, "scoped": mine is not None, "can_edit": request.user.can(Permission.SEGMENTS_EDIT)}
    return render_page(request, "contacts/segment_list.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.CONTACTS_VIEW)
def segment_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The builder, for a new segment or a stored one. Reading needs contacts.view, saving segments.edit."""
    segment = segment_for(pk) if pk else None
    can_edit = request.user.can(Permission.SEGMENTS_EDIT)
    if request.method == "GET" and (segment or can_edit):
        draft = building.from_rule(segment.rule if segment else {}, pk)
        form = SegmentForm(instance=segment, initial={"version": segment.version if segment else None})
        # The page comes at once, its figures with the first step of building; who may only read gets both together.
        counted = not can_edit or bool(segment and segment.static)
        return _builder(request, draft, form, segment, counted=counted)
    if not can_edit:
        raise PermissionDenied
    draft = building.from_post(request.POST, pk)
    form = SegmentForm(request.POST, instance=Segment.objects.get(pk=pk) if pk else None)
    if request.POST.get("do"):  # a button of the builder without htmx
        return _builder(request, draft, form, segment)
    is_static = bool(segment and segment.static)
    if not form.is_valid() or not (is_static or draft.is_valid) or draft.too_big:
        return _builder(request, draft, form, segment, status=422, refused=True)
    try:
        saved = actions.save_segment(
            segment_id=pk,
            name=form.cleaned_data["name"],
            description=form.cleaned_data["description"],
            rule=None if is_static else draft.rule,
            version=form.cleaned_data["version"],
            by=request.user,
        )
    except actions.StaleVersion:
        form.data = form.data.copy()
        form.data["version"] = segment_for(pk).version
        return _builder(request, draft, form, segment_for(pk), status=409, conflict=True)
    return done(request, "contacts:segment", _("Saved. The members follow within a minute."), Level.OK, saved.pk)


@require_POST
@requires(Permission.SEGMENTS_EDIT)
def segment_build(request: HttpRequest) -> HttpResponse:
    """One step of building: the whole tree comes in, the tree with its figures goes out (hx-swap-oob). Stores nothing."""
    segment_id = _number(request.POST.get("segment", ""))
    draft = building.from_post(request.POST, segment_id)
    context = {**_drawn(request, draft, segment_id), "oob": True, "can_edit": True}
    return render(request, "contacts/_build.html", context)


@require_GET
@requires(Permission.CONTACTS_VIEW)
def segment_members(request: HttpRequest, pk: int) -> HttpResponse:
    segment = segment_for(pk)
    members = SegmentMember.objects.filter(segment=segment).values("contact")
    rows = Contact.objects.visible_to(request.user).filter(pk__in=members).select_related("owner")
    page = ContactPage.of(
        listing(
            request,
            rows.defer("name_grams", "attributes"),
            sorts={"seen": "-last_seen_at", "created": "-created_at"},
            size=30,
        )
    )
    context = {"segment": segment, "page": page, "people": decorated(page.rows)}
    return render_page(request, "contacts/segment_members.html", context)


@require_POST
@requires(Permission.SEGMENTS_EDIT)
def segment_freeze(request: HttpRequest, pk: int) -> HttpResponse:
    """A static list of those who meet the rule now (or are members, of a static one)."""
    segment = segment_for(pk)
    now = clock.now()
    name = _free_name(_("%(name)s, as of %(day)s") % {"name": segment.name, "day": f"{now:%Y-%m-%d}"})
    try:
        people = segments.people(segment, now)
    except segments.BrokenRule as error:
        return done(request, "contacts:segment", str(error), Level.BAD, pk)
    frozen = actions.freeze_segment(segment_id=pk, name=name, people=people, by=request.user)
    return done(
        request, "contacts:segment", _("Kept as the list “%(name)s”.") % {"name": frozen.name}, Level.OK, frozen.pk
    )


@require_POST
@requires(Permission.SEGMENTS_EDIT)
def segment_copy(request: HttpRequest, pk: int) -> HttpResponse:
    segment = segment_for(pk)
    copy = actions.copy_segment(
        segment_id=pk, name=_free_name(_("%(name)s, copy") % {"name": segment.name}), by=request.user
    )
    return done(request, "contacts:segment", _("Copied."), Level.OK, copy.pk)


@require_http_methods(["GET", "POST"])
@requires(Permission.SEGMENTS_EDIT)
def segment_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """The modal names the members; refused, with what uses it, while something does."""
    segment = segment_for(pk)
    users = queries.segment_users(segment)
    if request.method == "POST":
        try:
            actions.delete_segment(segment_id=pk, by=request.user)
            return done(
                request, "contacts:segment_list", _("The segment “%(name)s” is deleted.") % {"name": segment.name}
            )
        except actions.SegmentInUse as refusal:
            users = refusal.users
    context = {"segment": segment, "users": users}
    return render(request, "contacts/segment_delete.html", context, status=422 if request.method == "POST" else 200)


def _builder(
    request, draft, form, segment: Segment | None, *, status: int = 200, counted: bool = True, **more: Any
) -> HttpResponse:
    context = {
        **_drawn(request, draft, segment.pk if segment else None, counted=counted),
        "form": form,
        "segment": segment,
        "users": queries.segment_users(segment) if segment else [],
        "can_edit": request.user.can(Permission.SEGMENTS_EDIT),
        **more,
    }
    return render(request, "contacts/segment.html", context, status=status)


def _drawn(
    request: HttpRequest, draft: building.Draft, segment_id: int | None, *, counted: bool = True
) -> dict[str, Any]:
    building.draw(draft, without_segment=segment_id)
    language = get_language() or "zh-hans"
    figures = (
        building.figures(draft, request.user, clock.now(), language) if counted else building.uncounted(draft, language)
    )
    return {
        "draft": draft,
        "root": draft.root,
        "menu": menu(),
        "figures": figures,
        "people": decorated(figures.sample),
        "segment_id": segment_id,
    }


def _own_numbers(found: list[Segment], user: User) -> dict[int, int] | None:
    """Members among the contacts of a reader who does not see all; None for those who do. One query."""
    if user.scope == Scope.ALL:
        return None
    rows = SegmentMember.objects.filter(segment__in=found, contact__in=Contact.objects.visible_to(user))
    return dict(rows.values_list("segment").annotate(n=Count("id")).order_by())


def _free_name(name: str) -> str:
    """The name, or the name with a number behind it, that no segment has yet."""
    stem, taken = name[:74], set(Segment.objects.filter(name__startswith=name[:74]).values_list("name", flat=True))
    return next(text for n in range(1, 10_000) if (text := stem if n == 1 else f"{stem} {n}") not in taken)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
