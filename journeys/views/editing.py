"""Every change of a draft: one POST, one edit, the canvas drawn again. All of them carry the revision they were made on."""

from collections.abc import Callable
from copy import deepcopy

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from journeys import actions, branches, tree
from journeys.access import journey_for
from journeys.forms import ConditionForm, TriggerForm
from journeys.models import Journey
from journeys.queries import names
from journeys.steps import KINDS
from journeys.tree import TRIGGER, Definition, NoSuchPlace, Place
from journeys.views.shown import redraw, show
from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from scrm.core.pages import toast

Edit = Callable[[Definition], Definition]


def apply(request: HttpRequest, journey: Journey, edit: Edit, key: str = "", **drawing) -> HttpResponse:
    """Make the edit and draw the result with ``key`` selected; when it cannot be made, the newest state and why."""
    revision = request.POST.get("revision", "")
    text = ""
    try:
        actions.edit_draft(
            journey=journey, revision=int(revision) if revision.isdecimal() else -1, edit=edit, by=request.user
        )
    except NoSuchPlace:
        text = _("This place no longer exists. The page now shows the newest state.")
    except tree.TooBig:
        text = _("A journey can have %(n)s steps and %(depth)s levels of branches at most.") % {
            "n": tree.MAX_STEPS,
            "depth": tree.MAX_DEPTH,
        }
    except actions.Refused as refused:
        text = str(refused)
    response = redraw(request, journey, key, **drawing)
    return toast(response, text, Level.WARN) if text else response


@require_POST
@requires(Permission.JOURNEYS_EDIT)
def step_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Insert a step of ``kind`` at ``place`` and select it."""
    journey = journey_for(request.user, pk)
    kind = KINDS.get(request.POST.get("kind", ""))
    if kind is None:
        raise Http404
    config, lanes = kind.new()
    added: list[str] = []

    def edit(definition: Definition) -> Definition:
        place = Place.read(request.POST.get("place", ""))
        step = {"key": "", "kind": kind.key, "name": "", "config": config, "branches": lanes}
        before = set(tree.keys(definition))
        changed = tree.insert(definition, place, step)
        added.extend(set(tree.keys(changed)) - before)
        return changed

    revision = request.POST.get("revision", "")
    try:
        actions.edit_draft(
            journey=journey, revision=int(revision) if revision.isdecimal() else -1, edit=edit, by=request.user
        )
    except (NoSuchPlace, tree.TooBig, actions.Refused):
        return apply(request, journey, edit)
    return redraw(request, journey, added[0] if added else "")


@require_POST
@requires(Permission.JOURNEYS_EDIT)
def step_edit(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Settings of a step or of the trigger, saved with every change."""
    journey = journey_for(request.user, pk)
    definition = show(request.user, journey).version.definition
    if key == TRIGGER:
        form = TriggerForm(request.POST, names=names(), initial=TriggerForm.start(definition))
        if not form.is_valid():
            return redraw(request, journey, key, form, status=422)
        return apply(request, journey, form.apply, key)
    try:
        step = tree.find(definition, key)
    except NoSuchPlace as gone:
        raise Http404 from gone
    kind = KINDS[step["kind"]]
    form = kind.form(request.POST, names=names(), initial=kind.form.start(step["config"]))
    if not form.is_valid():
        return redraw(request, journey, key, form, status=422)

    def edit(definition: Definition) -> Definition:
        held = tree.find(definition, key)
        name = request.POST.get("name", held["name"]).strip()[:60]
        changed = tree.change(definition, key, name=name, config={**held["config"], **form.config()})
        if kind.key == "send":
            changed = branches.set_fall_backs(changed, key, form.cleaned_data["fall_backs"])
        return branches.set_branches(changed, key, _lanes(request, held))

    return apply(request, journey, edit, key)


@require_POST
@requires(Permission.JOURNEYS_EDIT)
def step_act(request: HttpRequest, pk: int, key: str, act: str) -> HttpResponse:
    """delete, duplicate, up, down, move (to ``place``), branch-add, branch-remove (``branch``)."""
    journey = journey_for(request.user, pk)
    branch = request.POST.get("branch", "")
    edits: dict[str, tuple[Edit, str]] = {
        "delete": (lambda d: tree.remove(d, key), ""),
        "duplicate": (lambda d: tree.duplicate(d, key), key),
        "up": (lambda d: tree.shift(d, key, -1), key),
        "down": (lambda d: tree.shift(d, key, 1), key),
        "move": (lambda d: tree.move(d, key, Place.read(request.POST.get("place", ""))), key),
        "branch-add": (lambda d: branches.add_branch(d, key), key),
        "branch-remove": (lambda d: branches.remove_branch(d, key, branch), key),
    }
    if act not in edits:
        raise Http404
    edit, selected = edits[act]
    return apply(request, journey, edit, selected)


@require_POST
@requires(Permission.JOURNEYS_EDIT)
def where_edit(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Conditions on the properties of an event: ``of`` says whose (trigger, goal, exit, or the step's own), ``act`` add or
    remove (row ``at``)."""
    journey = journey_for(request.user, pk)
    of, act, at = request.POST.get("of", ""), request.POST.get("act", ""), request.POST.get("at", "")
    form = ConditionForm(request.POST)
    if act == "add" and not form.is_valid():
        return toast(redraw(request, journey, key), _("A condition needs a property and a value."), Level.WARN)

    def edit(definition: Definition) -> Definition:
        changed = deepcopy(definition)
        rows = _where_of(changed, key, of)
        if act == "add" and len(rows) < 5:
            rows.append({name: form.cleaned_data[name] for name in ("property", "op", "value")})
        elif act == "remove" and at.isdecimal() and int(at) < len(rows):
            del rows[int(at)]
        return changed

    return apply(request, journey, edit, key)


@require_POST
@requires(Permission.JOURNEYS_EDIT)
def draft_undo(request: HttpRequest, pk: int) -> HttpResponse:
    journey = journey_for(request.user, pk)
    try:
        actions.undo_edit(journey=journey, by=request.user)
    except actions.Refused as refused:
        return toast(redraw(request, journey), str(refused), Level.INFO)
    return redraw(request, journey, request.POST.get("selected", ""))


def _lanes(request: HttpRequest, step: dict) -> dict[str, dict]:
    """Names and shares of the branches, posted as ``name-<key>`` and ``weight-<key>``."""
    values: dict[str, dict] = {}
    for branch in step["branches"]:
        mine = values.setdefault(branch["key"], {})
        if (name := request.POST.get(f"name-{branch['key']}")) is not None:
            mine["name"] = name.strip()[:40]
        weight = request.POST.get(f"weight-{branch['key']}", "")
        if weight.isdecimal() and "weight" in branch:
            mine["weight"] = min(int(weight), 100)
    return values


def _where_of(definition: Definition, key: str, of: str) -> list[dict]:
    if key != TRIGGER:
        return tree.find(definition, key)["config"].setdefault("where", [])
    if of == "goal" and definition.get("goal"):
        return definition["goal"]["where"]
    if of == "exit" and definition.get("exits"):
        return definition["exits"][0]["where"]
    if of == "trigger":
        return definition["trigger"]["where"]
    raise NoSuchPlace(of)
