"""Two contacts that may be one person: side by side, accepted, rejected, undone."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from contacts import identity, profile
from contacts.access import merge_for
from contacts.enums import MergeState
from contacts.models import Contact
from contacts.sources import source_label
from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from scrm.core.models import User
from scrm.core.pages import done


@require_GET
@requires(Permission.CONTACTS_VIEW)
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """The proposal with both people side by side; after the decision it stays readable."""
    found = merge_for(request.user, pk)
    context = {
        "merge": found,
        "reasons": profile.merge_reasons(found.evidence),
        "sides": [_side(found.survivor, request.user), _side(found.other, request.user)],
        "open": found.state == MergeState.PROPOSED,
        "can_edit": request.user.can(Permission.CONTACTS_EDIT),
    }
    return render(request, "contacts/merge.html", context)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def merge_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """``keep`` is the contact that lives on."""
    found = merge_for(request.user, pk)
    if found.state != MergeState.PROPOSED or found.survivor.merged_into_id or found.other.merged_into_id:
        return done(request, "contacts:merge", _("This proposal was settled already."), Level.WARN, pk)
    keep, other = found.survivor, found.other
    if request.POST.get("keep") == str(other.pk):
        keep, other = other, keep
    try:
        identity.merge(keep, other, {**found.evidence, "staff": True}, by=request.user)
    except identity.CannotMerge:
        return done(request, "contacts:contact", _("One of the two was merged meanwhile."), Level.WARN, keep.pk)
    return done(request, "contacts:contact", _("Merged. It can be undone on this page."), Level.OK, keep.pk)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def merge_reject(request: HttpRequest, pk: int) -> HttpResponse:
    found = merge_for(request.user, pk)
    if found.state != MergeState.PROPOSED:
        return done(request, "contacts:merge", _("This proposal was settled already."), Level.WARN, pk)
    identity.reject(found, by=request.user)
    return done(request, "contacts:contact", _("They stay two people."), Level.OK, found.survivor_id)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def merge_undo(request: HttpRequest, pk: int) -> HttpResponse:
    found = merge_for(request.user, pk)
    if found.state != MergeState.DONE:
        return done(request, "contacts:contact", _("This merge was undone already."), Level.WARN, found.survivor_id)
    try:
        identity.unmerge(found, by=request.user)
    except identity.CannotUnmerge:
        text = _("Another merge came after this one: undo that one first.")
        return done(request, "contacts:contact", text, Level.BAD, found.survivor_id)
    text = _("Undone: %(name)s is a contact of their own again.") % {"name": found.other.display_name}
    return done(request, "contacts:contact", text, Level.OK, found.survivor_id)


def _side(person: Contact, user: User) -> dict[str, Any]:
    return {
        "contact": person,
        "source": source_label(person),
        "identities": profile.shown_identities(list(person.identities.order_by("kind", "id")), user),
        "tags": [tagging.tag.name for tagging in person.taggings.select_related("tag")],
        "attributes": profile.attribute_rows(person),
    }
