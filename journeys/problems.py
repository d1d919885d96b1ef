"""What keeps a design from being published, said at the step it concerns."""

from collections.abc import Iterator

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts import segments
from contacts.enums import Stage
from journeys.enums import TriggerKind
from journeys.steps import KINDS
from journeys.steps.base import Names, Problem
from journeys.tree import ENDINGS, TRIGGER, Definition, Step, ends, walk


def problems_of(definition: Definition, names: Names) -> list[Problem]:
    """Every problem in reading order, the trigger's first. Only a list without errors may be published."""
    found = [*_trigger(definition, names), *_rules(definition)]
    if not definition["steps"]:
        found.append(Problem(TRIGGER, _("Nothing happens after the trigger. Add at least one step and an exit.")))
    elif not ends(definition["steps"]):
        found += _loose_ends(definition["steps"])
    found += _unreachable(definition["steps"])
    for step, _depth in walk(definition["steps"]):
        found += KINDS[step["kind"]].check(step, names)
        if step["kind"] == "repeat":
            found += _inside_repeat(step)
    if all(step["kind"] in ENDINGS for step, _depth in walk(definition["steps"])):
        text = _("People would leave at once: there is no step between the trigger and the end.")
        found.append(Problem(TRIGGER, text, "warning"))
    order = {TRIGGER: -1} | {step["key"]: at for at, (step, _depth) in enumerate(walk(definition["steps"]))}
    return sorted(found, key=lambda problem: (order.get(problem.step, 0), problem.level))


def errors(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.level == "error"]


def _trigger(definition: Definition, names: Names) -> Iterator[Problem]:
    trigger = definition["trigger"]
    match trigger["kind"]:
        case TriggerKind.EVENT:
            if not trigger.get("event"):
                yield Problem(TRIGGER, _("Choose the event that starts the journey."))
        case TriggerKind.SEGMENT:
            if not trigger.get("segment"):
                yield Problem(TRIGGER, _("Choose the segment whose new members enter."))
            elif trigger["segment"] not in names.segments:
                yield Problem(TRIGGER, _("The chosen segment no longer exists."))
        case TriggerKind.STAGE:
            if trigger.get("stage") not in Stage.values:
                yield Problem(TRIGGER, _("Choose the stage that starts the journey."))
    if trigger.get("rule"):
        for trouble in segments.validate(trigger["rule"]):
            yield Problem(TRIGGER, format_lazy(_("Entry condition: {trouble}"), trouble=trouble.message))


def _rules(definition: Definition) -> Iterator[Problem]:
    goal = definition.get("goal")
    if goal and not goal.get("event"):
        yield Problem(TRIGGER, _("Choose the event that counts as the goal, or remove the goal."))
    for rule in definition.get("exits", ()):
        if not rule.get("event"):
            yield Problem(TRIGGER, _("Choose the event that takes people out, or remove the condition."))


def _loose_ends(steps: list[Step]) -> Iterator[Problem]:
    """Where a way falls out of the tree: the last step of every sequence that should have ended."""
    if not steps:
        return
    last = steps[-1]
    if last["kind"] == "repeat" or not last["branches"]:
        yield Problem(last["key"], _("The way does not end here. Add an exit or a goal after this step."))
        return
    for branch in last["branches"]:
        if not branch["steps"]:
            text = _("A branch of this step does not end. Add an exit or a goal to it, or after the step.")
            yield Problem(last["key"], text, branch=branch["key"])
        elif not ends(branch["steps"]):
            yield from _loose_ends(branch["steps"])


def _unreachable(steps: list[Step]) -> Iterator[Problem]:
    for at in range(1, len(steps)):
        if ends(steps[:at]):
            yield Problem(steps[at]["key"], _("Nobody gets here: the way ends before this step."))
            break
    for step in steps:
        for branch in step["branches"]:
            yield from _unreachable(branch["steps"])


def _inside_repeat(step: Step) -> Iterator[Problem]:
    for inner, _depth in walk(step["branches"][0]["steps"]):
        if inner["kind"] == "repeat":
            yield Problem(inner["key"], _("A repeat cannot stand inside another repeat."))
