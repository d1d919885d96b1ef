"""Looking at a journey: the builder page, live figures, old versions, the dry run."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from contacts.access import contact_for
from contacts.models import Contact
from journeys.access import journey_for, version_for
from journeys.queries import inside_by_version
from journeys.rehearsal import Rehearsal
from journeys.views.shown import base_context, show
from scrm.core.access import requires
from scrm.core.enums import Permission
from scrm.core.pages import is_fragment

CHOICES = 8


@require_GET
@requires(Permission.JOURNEYS_EDIT)
def journey_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The builder. ``?version=`` shows an old design, ``?step=`` opens a step's settings; htmx gets only the inspector."""
    journey = journey_for(request.user, pk)
    number = request.GET.get("version", "")
    if number:
        number = version_for(request.user, journey, int(number) if number.isdecimal() else -1).number
    shown = show(request.user, journey, number or None)
    context = base_context(shown, request.GET.get("step", ""))
    if is_fragment(request):
        return render(request, "journeys/_inspector.html", context)
    return render(request, "journeys/journey_detail.html", context)


@require_GET
@requires(Permission.JOURNEYS_EDIT)
def journey_counts(request: HttpRequest, pk: int) -> HttpResponse:
    """Fresh figures for the cards and the status line, out of band; asked for every few seconds while the page is open."""
    journey = journey_for(request.user, pk)
    number = request.GET.get("version", "")
    shown = show(
        request.user, journey, int(number) if number.isdecimal() and journey.versions.filter(number=number) else None
    )
    return render(request, "journeys/_counts.html", shown.bar() | {"cards": shown.board.flat()})


@require_GET
@requires(Permission.JOURNEYS_EDIT)
def version_list(request: HttpRequest, pk: int) -> HttpResponse:
    journey = journey_for(request.user, pk)
    inside = inside_by_version(journey)
    versions = list(journey.versions.select_related("published_by", "edited_by").order_by("-number"))
    for version in versions:
        version.inside = inside.get(version.number, 0)
    context = show(request.user, journey).bar() | {"versions": versions, "tab": "versions"}
    return render(request, "journeys/version_list.html", context)


@require_GET
@requires(Permission.JOURNEYS_EDIT, Permission.CONTACTS_VIEW)
def dry_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose a customer, see what would happen to them; reads only."""
    journey = journey_for(request.user, pk)
    shown = show(request.user, journey)
    text = request.GET.get("q", "").strip()[:60]
    people = Contact.objects.visible_to(request.user).known()
    if text:
        people = people.filter(name__icontains=text)
    context = {
        "journey": journey,
        "version": shown.version,
        "q": text,
        "people": people.order_by("-last_seen_at", "-id")[:CHOICES],
        "acts": request.GET.get("acts", "1") == "1",
    }
    chosen = request.GET.get("contact", "")
    if chosen.isdecimal():
        contact = contact_for(request.user, int(chosen))
        rehearsal = Rehearsal(
            shown.version.definition, contact, shown.names, journey_id=journey.pk, acts=context["acts"]
        )
        context |= {"contact": contact, "stops": rehearsal.run(), "zone": rehearsal.zone.key}
    template = "journeys/dry_run.html#people" if request.htmx.target == "dry-people" else "journeys/dry_run.html"
    return render(request, template, context)
