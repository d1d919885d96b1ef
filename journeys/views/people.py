"""The people inside a journey and those who were: list, one person's way, adding and taking out by hand."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from contacts.access import contact_for
from contacts.models import Contact
from journeys import actions
from journeys.access import enrolment_for, enrolments_visible_to, journey_for
from journeys.enums import EnrolmentState
from journeys.trails import card_names, resting_places, way_of
from journeys.views.shown import show
from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.pages import done, render_page

CHOICES = 8


@require_GET
@requires(Permission.JOURNEYS_EDIT, Permission.CONTACTS_VIEW)
def enrolment_list(request: HttpRequest, pk: int) -> HttpResponse:
    journey = journey_for(request.user, pk)
    rows = enrolments_visible_to(request.user).filter(journey=journey).select_related("contact", "version")
    steps = card_names(journey)
    resting = resting_places(journey)
    places = [(key, name) for key, name in steps.items() if key in resting]
    page = listing(
        request,
        rows,
        sorts={"entered": "-id"},
        facets=[
            Facet("state", _("State"), EnrolmentState.choices, lambda q, values: q.filter(state__in=values)),
            Facet("step", _("Step"), places, lambda q, values: q.filter(step__in=values).open(), many=False),
        ],
        search=Search(_("Name"), lambda q, text: q.filter(contact__name__icontains=text)),
    )
    for row in page.rows:
        row.step_name = steps.get(row.step, row.step)
    context = {"page": page} if request.htmx else show(request.user, journey).bar() | {"page": page, "tab": "people"}
    return render_page(request, "journeys/enrolment_list.html", context | {"journey": journey})


@require_GET
@requires(Permission.JOURNEYS_EDIT, Permission.CONTACTS_VIEW)
def enrolment_detail(request: HttpRequest, pk: int, enrolment_pk: int) -> HttpResponse:
    """Modal: the way one person went so far."""
    journey = journey_for(request.user, pk)
    enrolment = enrolment_for(request.user, journey, enrolment_pk)
    context = {"journey": journey, "enrolment": enrolment, "way": way_of(enrolment)}
    return render(request, "journeys/enrolment_detail.html", context)


@requires(Permission.JOURNEYS_PUBLISH, Permission.CONTACTS_VIEW)
def contact_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Modal: choose a customer; then let them in by hand."""
    journey = journey_for(request.user, pk)
    if request.method == "POST":
        chosen = request.POST.get("contact", "")
        contact = contact_for(request.user, int(chosen) if chosen.isdecimal() else 0)
        try:
            entered = actions.add_contact(journey=journey, contact=contact, by=request.user)
        except actions.Refused as refused:
            return done(request, "journeys:enrolment_list", str(refused), Level.BAD, pk)
        if entered:
            return done(request, "journeys:enrolment_list", _("Added."), Level.OK, pk)
        text = _("Not added: the rule for entering again does not allow it.")
        return done(request, "journeys:enrolment_list", text, Level.WARN, pk)
    text = request.GET.get("q", "").strip()[:60]
    people = Contact.objects.visible_to(request.user).known()
    if text:
        people = people.filter(name__icontains=text)
    context = {"journey": journey, "people": people.order_by("-last_seen_at", "-id")[:CHOICES], "q": text}
    template = (
        "journeys/contact_add.html#people" if request.htmx.target == "add-people" else "journeys/contact_add.html"
    )
    return render(request, template, context)


@require_POST
@requires(Permission.JOURNEYS_PUBLISH, Permission.CONTACTS_VIEW)
def enrolment_remove(request: HttpRequest, pk: int, enrolment_pk: int) -> HttpResponse:
    journey = journey_for(request.user, pk)
    enrolment = enrolment_for(request.user, journey, enrolment_pk)
    out = actions.take_contact_out(enrolment=enrolment, by=request.user)
    text, level = (_("Taken out of the journey."), Level.OK) if out else (_("The run was over already."), Level.INFO)
    return done(request, "journeys:enrolment_list", text, level, pk)
