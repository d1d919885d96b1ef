"""Leads: the list sales works on, and one lead."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from contacts import actions
from contacts.access import contact_for
from contacts.enums import LeadState
from contacts.forms.leads import CloseForm, FollowUpForm, LeadOwnerForm, NoteForm
from contacts.models import Lead
from contacts.sources import source_label
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission, Scope
from scrm.core.lists import Facet, Search, listing
from scrm.core.pages import done, render_page
from scrm.lib import clock


@require_GET
@requires(Permission.LEADS_WORK)
def lead_list(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    rows = Lead.objects.visible_to(request.user).select_related("contact", "owner")
    facets = [Facet("state", _("State"), _states(), _by_state, many=False)]
    if request.user.scope != Scope.OWN:
        facets.append(
            Facet(
                "owner", _("Owner"), [("me", _("Mine")), ("none", _("Nobody’s"))], _owned_by(request.user), many=False
            )
        )
    facets.append(
        Facet(
            "due",
            _("Follow-up"),
            [("now", _("Due"))],
            lambda found, _v: found.filter(follow_up_at__lte=now),
            many=False,
        )
    )
    if "state" not in request.GET:
        rows = rows.open()
    page = listing(
        request,
        rows,
        sorts={"score": "-score", "opened": "-opened_at", "due": "follow_up_at"},
        facets=facets,
        search=Search(_("Name"), lambda found, text: found.filter(contact__name__icontains=text)),
    )
    for row in page.rows:
        _label(row)
    context = {"page": page, "now": now, "can_manage": request.user.can(Permission.LEADS_MANAGE)}
    return render_page(request, "contacts/lead_list.html", context)


@require_GET
@requires(Permission.LEADS_WORK)
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _lead(request, pk))


@require_POST
@requires(Permission.LEADS_WORK)
def lead_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a lead of this contact; it goes to whoever makes it, or by rule when a manager does."""
    person = contact_for(request.user, pk)
    owner = None if request.user.can(Permission.LEADS_MANAGE) else request.user
    made = actions.open_lead(contact=person, owner=owner, by=request.user)
    return done(request, "contacts:lead", _("It is a lead now."), Level.OK, made.pk)


@require_POST
@requires(Permission.LEADS_WORK)
def lead_note(request: HttpRequest, pk: int) -> HttpResponse:
    shown = _lead(request, pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, shown, note=form, status=422)
    actions.note_lead(lead_id=pk, **form.cleaned_data, by=request.user)
    return done(request, "contacts:lead", _("Kept."), Level.OK, pk)


@require_POST
@requires(Permission.LEADS_WORK)
def lead_plan(request: HttpRequest, pk: int) -> HttpResponse:
    shown = _lead(request, pk)
    form = FollowUpForm(request.POST)
    if not form.is_valid():
        return _page(request, shown, plan=form, status=422)
    actions.plan_follow_up(lead_id=pk, at=form.cleaned_data["at"], by=request.user)
    text = _("You will be reminded.") if form.cleaned_data["at"] else _("No follow-up is planned.")
    return done(request, "contacts:lead", text, Level.OK, pk)


@require_POST
@requires(Permission.LEADS_WORK)
def lead_close(request: HttpRequest, pk: int) -> HttpResponse:
    shown = _lead(request, pk)
    form = CloseForm(request.POST)
    if not form.is_valid():
        return _page(request, shown, close=form, status=422)
    asked = form.cleaned_data
    try:
        actions.close_lead(
            lead_id=pk, won=asked["outcome"] == "won", reason=asked["reason"], version=asked["version"], by=request.user
        )
    except actions.StaleVersion:
        form.add_error(None, _("Somebody changed this lead meanwhile. Look at it and decide again."))
        form.data = {**form.data.dict(), "version": Lead.objects.get(pk=pk).version}
        return _page(request, _lead(request, pk), close=form, status=409)
    return done(request, "contacts:lead_list", _("Closed."))


@require_POST
@requires(Permission.LEADS_WORK, Permission.LEADS_MANAGE)
def lead_assign(request: HttpRequest, pk: int) -> HttpResponse:
    shown = _lead(request, pk)
    form = LeadOwnerForm(request.POST)
    if not form.is_valid():
        return _page(request, shown, owner=form, status=422)
    owner = form.cleaned_data["owner"]
    actions.assign_lead(lead_id=pk, owner=owner, by=request.user)
    text = _("Handed over to %(name)s.") % {"name": owner.name} if owner else _("Nobody has this lead now.")
    if not Lead.objects.visible_to(request.user).filter(pk=pk).exists():
        return done(request, "contacts:lead_list", text)
    return done(request, "contacts:lead", text, Level.OK, pk)


def _lead(request: HttpRequest, pk: int) -> Lead:
    return fetch(Lead.objects.visible_to(request.user).select_related("contact__owner", "owner", "team"), pk=pk)


def _page(request: HttpRequest, shown: Lead, *, status: int = 200, **forms) -> HttpResponse:  # type: ignore[no-untyped-def]
    """One lead; ``forms`` that were refused come back with what was typed."""
    _label(shown)
    context = {
        "lead": shown,
        "contact": shown.contact,
        "source": source_label(shown.contact),
        "acts": list(shown.acts.select_related("by").order_by("-pk")[:100]),
        "note": forms.get("note") or NoteForm(),
        "plan": forms.get("plan") or FollowUpForm(initial={"at": shown.follow_up_at}),
        "close": forms.get("close") or CloseForm(initial={"version": shown.version}),
        "owner_form": forms.get("owner") or LeadOwnerForm(initial={"owner": shown.owner_id}),
        "can_manage": request.user.can(Permission.LEADS_MANAGE),
        "sees_contact": request.user.can(Permission.CONTACTS_VIEW),
        "now": clock.now(),
    }
    return render(request, "contacts/lead.html", context, status=status)


def _label(shown: Lead) -> None:
    """The reasons in the reader's language."""
    for reason in shown.reasons:
        reason["label"] = _(reason["name"])


def _states() -> list[tuple[str, str]]:
    return [
        ("new", LeadState.NEW.label),
        ("working", LeadState.WORKING.label),
        ("won", LeadState.WON.label),
        ("lost", LeadState.LOST.label),
    ]


def _by_state(rows, values: list[str]):  # type: ignore[no-untyped-def]
    return rows.filter(state__in=values)


def _owned_by(user):  # type: ignore[no-untyped-def]
    return lambda rows, values: rows.filter(owner=None if values[0] == "none" else user)
