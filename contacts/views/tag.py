"""The dictionary of tags."""

from itertools import groupby

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from contacts import actions, queries
from contacts.forms.tags import TagForm
from contacts.models import Tag
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.pages import done, render_page


@require_GET
@requires(Permission.CONTACTS_VIEW)
def tag_list(request: HttpRequest) -> HttpResponse:
    """All tags by group with how many contacts carry them and since when nobody new does, among those the reader may see."""
    tags = list(Tag.objects.all())
    usage = queries.tag_usage(request.user)
    for tag in tags:
        tag.used, tag.last_at = usage.get(tag.pk, (0, None))
    groups = [(name, list(found)) for name, found in groupby(tags, key=lambda tag: tag.group)]
    context = {
        "groups": groups,
        "total": len(tags),
        "can_edit": request.user.can(Permission.SEGMENTS_EDIT),
    }
    return render_page(request, "contacts/tag_list.html", context, partial="rows")


@require_http_methods(["GET", "POST"])
@requires(Permission.SEGMENTS_EDIT)
def tag_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new tag, or the name, group and meaning of an old one; shown in the modal."""
    tag = fetch(Tag, pk=pk) if pk else None
    form = TagForm(request.POST or None, instance=tag)
    if request.method == "POST" and form.is_valid():
        actions.save_tag(tag_id=pk, **form.cleaned_data, by=request.user)
        return done(request, "contacts:tag_list", _("Saved."))
    groups = Tag.objects.exclude(group="").order_by("group").values_list("group", flat=True).distinct()
    context = {"form": form, "tag": tag, "group_names": list(groups)}
    return render(request, "contacts/tag_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@requires(Permission.SEGMENTS_EDIT)
def tag_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks with the number of contacts that lose the tag; refused while a rule names it."""
    tag = fetch(Tag, pk=pk)
    users = queries.tag_users(pk)
    if request.method == "POST":
        try:
            actions.delete_tag(tag_id=pk, by=request.user)
            return done(request, "contacts:tag_list", _("The tag “%(name)s” is deleted.") % {"name": tag.name})
        except actions.TagInUse as refusal:
            users = refusal.users
    used = tag.counts.aggregate(n=Sum("n"))["n"] or 0
    context = {"tag": tag, "used": used, "users": users}
    return render(request, "contacts/tag_delete.html", context, status=422 if request.method == "POST" else 200)
