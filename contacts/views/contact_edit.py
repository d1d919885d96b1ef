"""Changes to one contact: facts, stage, owner, tags, consent, and looking at a masked handle."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from contacts import actions, identity, profile
from contacts.access import contact_for, identity_for
from contacts.enums import Stage
from contacts.forms.contact import AttributeRows, ConsentForm, ContactForm, OwnerForm, StageForm, TagNameForm
from contacts.models import Contact
from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from scrm.core.pages import done


@require_http_methods(["GET", "POST"])
@requires(Permission.CONTACTS_EDIT)
def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Facts and attributes. When somebody saved meanwhile, nothing is overwritten: the page comes back with what was
    typed, what is stored now beside it, and the newer version number, so that saving again is a decision."""
    person = contact_for(request.user, pk)
    if request.method == "GET":
        form = ContactForm(instance=person, initial={"version": person.version})
        return _edit_page(request, person, form, AttributeRows(person.attributes))
    form, rows = ContactForm(request.POST, instance=person), AttributeRows(person.attributes, request.POST)
    if "add" in request.POST:
        rows.rows.append({"key": "", "value": "", "error": ""})
        return _edit_page(request, Contact.objects.get(pk=pk), form, rows)
    if not (form.is_valid() & rows.is_valid()):
        return _edit_page(request, Contact.objects.get(pk=pk), form, rows, status=422)
    changes = {name: form.cleaned_data[name] for name in ContactForm.Meta.fields} | {"attributes": rows.cleaned}
    try:
        actions.edit_contact(contact_id=pk, changes=changes, version=form.cleaned_data["version"], by=request.user)
    except actions.StaleVersion:
        return _conflict(request, contact_for(request.user, pk), form, rows, changes)
    return done(request, "contacts:contact", _("Saved."), Level.OK, pk)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def contact_stage(request: HttpRequest, pk: int) -> HttpResponse:
    person = contact_for(request.user, pk)
    form = StageForm(request.POST)
    if not form.is_valid():
        return done(request, "contacts:contact", _("Choose a stage and say why."), Level.BAD, pk)
    to = Stage(form.cleaned_data["stage"])
    if to == person.stage:
        return done(request, "contacts:contact", _("The contact is in this stage already."), Level.INFO, pk)
    actions.change_stage(contact_ids=[pk], stage=to.value, reason=form.cleaned_data["reason"], by=request.user)
    return done(request, "contacts:contact", _("Moved to “%(stage)s”.") % {"stage": to.label}, Level.OK, pk)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def contact_owner(request: HttpRequest, pk: int) -> HttpResponse:
    contact_for(request.user, pk)
    form = OwnerForm(request.POST)
    if not form.is_valid():
        return done(
            request, "contacts:contact", _("This person can’t own contacts any more. Choose another."), Level.BAD, pk
        )
    owner = form.cleaned_data["owner"]
    actions.assign_owner(contact_ids=[pk], owner=owner, by=request.user)
    text = _("Handed over to %(name)s.") % {"name": owner.name} if owner else _("The contact has no owner now.")
    if not Contact.objects.visible_to(request.user).filter(pk=pk).exists():
        return done(request, "contacts:contact_list", text)
    return done(request, "contacts:contact", text, Level.OK, pk)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def contact_tag(request: HttpRequest, pk: int) -> HttpResponse:
    person = contact_for(request.user, pk)
    form = TagNameForm(request.POST)
    if not form.is_valid():
        return _tags(request, person, typed=request.POST.get("name", ""), error=form.errors["name"][0])
    actions.add_tag(contact_ids=[pk], name=form.cleaned_data["name"].strip(), by=request.user)
    return _tags(request, person)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def contact_untag(request: HttpRequest, pk: int, tag_pk: int) -> HttpResponse:
    """Idempotent: a tag that is gone already stays gone."""
    person = contact_for(request.user, pk)
    actions.remove_tag(contact_ids=[pk], tag_id=tag_pk, by=request.user)
    return _tags(request, person)


@require_POST
@requires(Permission.CONTACTS_EDIT)
def contact_consent(request: HttpRequest, pk: int) -> HttpResponse:
    person = contact_for(request.user, pk)
    form = ConsentForm(request.POST)
    typed = {"channel": request.POST.get("channel", ""), "typed": request.POST.get("reason", "")}
    if form.is_valid():
        actions.set_consent(contact_id=pk, **form.cleaned_data, by=request.user)
        typed = {}
    else:
        typed["error"] = next(iter(form.errors.values()))[0]
    rows = profile.consent_rows(list(person.identities.all()), list(person.consents.all()), **typed)
    context = {"contact": person, "consents": rows, "can_edit": True}
    return render(request, "contacts/_consent.html", context, status=422 if typed else 200)


@require_POST
@requires(Permission.CONTACTS_VIEW, Permission.CONTACTS_REVEAL)
def contact_reveal(request: HttpRequest, pk: int, identity_pk: int) -> HttpResponse:
    """Show one handle in full, once; the look goes to the audit log. The answer must not be kept anywhere."""
    found = identity_for(request.user, pk, identity_pk)
    value = identity.reveal(found, by=request.user)
    context = {"contact": found.contact, "item": profile.show(found, request.user, revealed=value)}
    response = render(request, "contacts/_identity.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _tags(request: HttpRequest, person: Contact, *, typed: str = "", error: str = "") -> HttpResponse:
    context = {
        "contact": person,
        **profile.tags(person),
        "tag_typed": typed,
        "tag_error": error,
        "can_edit": True,
    }
    return render(request, "contacts/_tags.html", context, status=422 if error else 200)


def _conflict(
    request: HttpRequest, person: Contact, form: ContactForm, rows: AttributeRows, typed: dict
) -> HttpResponse:
    """The stored values that differ from what was typed, next to the untouched input."""
    theirs = [
        {"label": form.fields[name].label, "value": getattr(person, name)}
        for name in ContactForm.Meta.fields
        if getattr(person, name) != typed[name]
    ]
    theirs += [
        {"label": name, "value": profile.written(person.attributes[name]) if name in person.attributes else "—"}
        for name in sorted(set(person.attributes) | set(typed["attributes"]))
        if person.attributes.get(name) != typed["attributes"].get(name)
    ]
    form.data = form.data.copy()
    form.data["version"] = person.version
    return _edit_page(request, person, form, rows, status=409, theirs=theirs, conflict=True)


def _edit_page(request: HttpRequest, person: Contact, form, rows, *, status: int = 200, **more) -> HttpResponse:
    context = {"contact": person, "form": form, "attribute_rows": rows.rows, **more}
    return render(request, "contacts/contact_edit.html", context, status=status)
