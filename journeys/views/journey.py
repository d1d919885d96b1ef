"""The list, and what happens to a journey as a whole."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from journeys import actions
from journeys.access import journey_for
from journeys.enums import JourneyState
from journeys.forms import JourneyForm
from journeys.models import Journey
from journeys.queries import inside_by_version, journeys_with_figures, people_of
from journeys.recipes import RECIPES
from journeys.views.shown import STATE_TONES, redraw, show
from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from scrm.core.formats import count
from scrm.core.pages import close_modal, done, toast


@require_GET
@requires(Permission.JOURNEYS_EDIT)
def journey_list(request: HttpRequest) -> HttpResponse:
    journeys = journeys_with_figures()
    state = request.GET.get("state", "")
    states = [(value, label, sum(j.state == value for j in journeys)) for value, label in JourneyState.choices]
    if state in JourneyState.values:
        journeys = [journey for journey in journeys if journey.state == state]
    for journey in journeys:
        journey.tone, journey.icon = STATE_TONES[JourneyState(journey.state)]
        # Without a goal there is nothing to reach: a dash, not 0 %.
        aims = journey.converted or (journey.published and journey.published.definition.get("goal"))
        journey.rate = journey.converted / journey.entered if aims and journey.entered else None
        journey.reached = journey.converted if aims else None
    context = {"journeys": journeys, "states": states, "state": state, "recipes": RECIPES.values()}
    return render(request, "journeys/journey_list.html", context)


@requires(Permission.JOURNEYS_EDIT)
def journey_new(request: HttpRequest) -> HttpResponse:
    """Modal: a name, from nothing or from a recipe."""
    recipe = RECIPES.get(request.POST.get("recipe") or request.GET.get("recipe", ""))
    form = JourneyForm(
        request.POST or None, initial={"recipe": recipe.key if recipe else "", "name": _free_name(recipe)}
    )
    if request.method == "POST" and form.is_valid():
        journey = actions.create_journey(
            name=form.cleaned_data["name"],
            by=request.user,
            definition=recipe.make() if recipe else None,
            recipe=recipe.key if recipe else "",
        )
        return done(request, "journeys:journey_detail", _("Journey created."), Level.OK, journey.pk)
    context = {"form": form, "recipe": recipe, "recipes": RECIPES.values()}
    return render(request, "journeys/journey_new.html", context, status=422 if form.errors else 200)


@requires(Permission.JOURNEYS_EDIT)
def journey_rename(request: HttpRequest, pk: int) -> HttpResponse:
    journey = journey_for(request.user, pk)
    form = JourneyForm(request.POST or None, journey=journey, initial={"name": journey.name})
    if request.method == "POST" and form.is_valid():
        actions.rename_journey(journey=journey, name=form.cleaned_data["name"], by=request.user)
        return done(request, "journeys:journey_detail", _("Renamed."), Level.OK, pk)
    context = {"form": form, "journey": journey, "act": "rename"}
    return render(request, "journeys/journey_name.html", context, status=422 if form.errors else 200)


@requires(Permission.JOURNEYS_EDIT)
def journey_copy(request: HttpRequest, pk: int) -> HttpResponse:
    journey = journey_for(request.user, pk)
    form = JourneyForm(request.POST or None, initial={"name": _("%(name)s (copy)") % {"name": journey.name}})
    if request.method == "POST" and form.is_valid():
        copy = actions.copy_journey(journey=journey, name=form.cleaned_data["name"], by=request.user)
        return done(request, "journeys:journey_detail", _("Copied."), Level.OK, copy.pk)
    context = {"form": form, "journey": journey, "act": "copy"}
    return render(request, "journeys/journey_name.html", context, status=422 if form.errors else 200)


@requires(Permission.JOURNEYS_PUBLISH)
def journey_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Modal: which version, and who stays on which old one; then publish."""
    journey = journey_for(request.user, pk)
    if request.method == "POST":
        try:
            version = actions.publish_draft(journey=journey, by=request.user)
        except actions.HasProblems as refused:
            step = refused.problems[0].step
            return close_modal(toast(redraw(request, journey, step), str(refused), Level.BAD))
        except actions.Refused as refused:
            return close_modal(toast(redraw(request, journey), str(refused), Level.BAD))
        text = _("Version %(n)s is published.") % {"n": version.number}
        return done(request, "journeys:journey_detail", text, Level.OK, pk)
    shown = show(request.user, journey)
    stay = sorted(inside_by_version(journey).items())
    return render(request, "journeys/journey_publish.html", shown.bar() | {"stay": stay})


@require_POST
@requires(Permission.JOURNEYS_EDIT)
def draft_discard(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, actions.discard_draft, _("The draft is discarded."))


@require_POST
@requires(Permission.JOURNEYS_PUBLISH)
def journey_pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, actions.pause_journey, _("Paused. Nobody enters or moves on until you resume it."))


@require_POST
@requires(Permission.JOURNEYS_PUBLISH)
def journey_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, actions.resume_journey, _("Resumed."))


@requires(Permission.JOURNEYS_PUBLISH)
def journey_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Modal naming how many are inside; then end for good."""
    journey = journey_for(request.user, pk)
    if request.method != "POST":
        inside = people_of(journey)["inside"]
        return render(request, "journeys/journey_end.html", {"journey": journey, "inside": inside})
    try:
        inside = actions.end_journey(journey=journey, by=request.user)
    except actions.Refused as refused:
        return done(request, "journeys:journey_detail", str(refused), Level.BAD, pk)
    text = ngettext("Ended. %(n)s person is taken out.", "Ended. %(n)s people are taken out.", inside) % {
        "n": count(inside)
    }
    return done(request, "journeys:journey_detail", text, Level.OK, pk)


@require_POST
@requires(Permission.JOURNEYS_EDIT)
def journey_delete(request: HttpRequest, pk: int) -> HttpResponse:
    journey = journey_for(request.user, pk)
    try:
        actions.delete_journey(journey=journey, by=request.user)
    except actions.Refused as refused:
        return done(request, "journeys:journey_detail", str(refused), Level.BAD, pk)
    return done(request, "journeys:journey_list", _("Deleted."))


def _act(request: HttpRequest, pk: int, action, text: str) -> HttpResponse:
    journey = journey_for(request.user, pk)
    try:
        action(journey=journey, by=request.user)
    except actions.Refused as refused:
        return done(request, "journeys:journey_detail", str(refused), Level.BAD, pk)
    return done(request, "journeys:journey_detail", text, Level.OK, pk)


def _free_name(recipe) -> str:
    """The recipe's name, numbered when it is taken."""
    if recipe is None:
        return ""
    name = str(recipe.name)
    taken = set(Journey.objects.filter(name__startswith=name).values_list("name", flat=True))
    return (
        name
        if name not in taken
        else next(f"{name} {n}" for n in range(2, len(taken) + 3) if f"{name} {n}" not in taken)
    )
