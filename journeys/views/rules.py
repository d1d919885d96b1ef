"""The condition of the trigger or of a branch, built with the segment builder of the contacts room in a modal."""

from copy import deepcopy
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from contacts.builder import building
from contacts.builder.drawing import menu
from journeys import tree
from journeys.access import journey_for
from journeys.models import Journey
from journeys.tree import TRIGGER, Definition, NoSuchPlace
from journeys.views.editing import apply
from journeys.views.shown import revision_of, show
from scrm.core.access import requires
from scrm.core.enums import Permission
from scrm.core.pages import close_modal
from scrm.lib import clock


@requires(Permission.JOURNEYS_EDIT)
def rule_edit(request: HttpRequest, pk: int, key: str, branch: str = "") -> HttpResponse:
    """GET opens the modal; a POST draws the tree again after a change or a button of it, or with ``save`` stores the rule."""
    journey = journey_for(request.user, pk)
    shown = show(request.user, journey)
    try:
        rule = _rule_of(shown.version.definition, key, branch)
    except NoSuchPlace as gone:
        raise Http404 from gone
    if request.method != "POST":
        draft = building.from_rule(rule)
        context = _drawn(request, draft) | {"revision": revision_of(shown), "is_branch": bool(branch)}
        return render(request, "journeys/rule_edit.html", context | {"journey": journey})
    draft = building.from_post(request.POST)
    if "save" in request.POST and draft.is_valid and not draft.too_big:
        return _save(request, journey, key, branch, draft.rule)
    return render(request, "journeys/_rule_tree.html", _drawn(request, draft) | {"refused": "save" in request.POST})


def _save(request: HttpRequest, journey: Journey, key: str, branch: str, rule: dict[str, Any]) -> HttpResponse:
    rule = {} if rule in ({"all": []}, {"any": []}) else rule

    def edit(definition: Definition) -> Definition:
        changed = deepcopy(definition)
        if key == TRIGGER:
            changed["trigger"]["rule"] = rule
        else:
            _branch_of(changed, key, branch)["rule"] = rule
        return changed

    response = apply(request, journey, edit, key)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#canvas", "innerHTML"
    return close_modal(response)


def _drawn(request: HttpRequest, draft: building.Draft) -> dict[str, Any]:
    building.draw(draft)
    figures = building.figures(draft, request.user, clock.now(), get_language() or "zh-hans")
    return {
        "draft": draft,
        "root": draft.root,
        "menu": menu(),
        "figures": figures,
        "can_edit": True,
        "problem_text": _("Not saved yet: look at the marked places."),
    }


def _rule_of(definition: Definition, key: str, branch: str) -> dict[str, Any]:
    if key == TRIGGER and not branch:
        return definition["trigger"].get("rule") or {}
    return _branch_of(definition, key, branch).get("rule") or {}


def _branch_of(definition: Definition, key: str, branch: str) -> dict[str, Any]:
    for one in tree.find(definition, key)["branches"]:
        if one["key"] == branch and "rule" in one:
            return one
    raise NoSuchPlace(branch)
