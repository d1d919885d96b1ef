"""The way people went, in words."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from journeys.board import lane_name
from journeys.enums import Outcome, Reason
from journeys.models import Enrolment, Journey
from journeys.queries import names
from journeys.steps import KINDS
from journeys.steps.base import Text
from journeys.tree import Step, walk


@dataclass(frozen=True, slots=True)
class Station:
    at: datetime
    icon: str
    tone: str
    label: Text
    title: Text
    branch: Text
    """How the person left it; blank while they are there."""


def card_names(journey: Journey) -> dict[str, Text]:
    """Title of every step of every version by key; the newest version's wins. Two sends of one content get their channels
    after the name."""
    known = names()
    found: dict[str, Text] = {}
    details: dict[str, Text] = {}
    for step in _steps(journey):
        kind = KINDS[step["kind"]]
        told = kind.tell(step, known)
        same = str(told.title) == str(kind.label)
        found[step["key"]] = told.title if same else format_lazy("{kind} · {title}", kind=kind.label, title=told.title)
        details[step["key"]] = told.detail
    often = Counter(map(str, found.values()))
    return {
        key: format_lazy("{name} · {more}", name=name, more=details[key])
        if often[str(name)] > 1 and details[key]
        else name
        for key, name in found.items()
    }


def resting_places(journey: Journey) -> set[str]:
    """Keys of the steps where people may be found: those that wait."""
    return {step["key"] for step in _steps(journey) if step["kind"] in {"wait", "wait_event", "send"}}


def _steps(journey: Journey) -> Iterator[Step]:
    for version in journey.versions.order_by("number"):
        yield from (step for step, _depth in walk(version.definition["steps"]))


def way_of(enrolment: Enrolment) -> list[Station]:
    """Every step passed so far, oldest first, and where the person is."""
    known = names()
    steps = {step["key"]: step for step, _depth in walk(enrolment.version.definition["steps"])}
    way = [Station(enrolment.entered_at, "bolt", "t-info", _("Trigger"), _("Entered"), "")]
    for line in enrolment.trail.splitlines():
        stamp, *marks = line.split()
        at = datetime.fromtimestamp(int(stamp), UTC)
        for mark in marks:
            key, _arrow, branch = mark.partition(">")
            if branch and key in steps:
                way.append(_station(steps[key], branch, at, known))
    if enrolment.is_open and enrolment.step in steps:
        way.append(_station(steps[enrolment.step], "", enrolment.due_at or enrolment.entered_at, known))
    return way


def _station(step: Step, branch: str, at: datetime, known: Any) -> Station:
    kind = KINDS[step["kind"]]
    icon, tone = kind.look(step)
    return Station(at, icon, tone, kind.label, kind.tell(step, known).title, _branch(step, branch))


def _branch(step: Step, branch: str) -> Text:
    for lane in step["branches"]:
        if lane["key"] == branch:
            return lane_name(step, lane)[0]
    if branch in Outcome.values:
        return Outcome(branch).label
    if branch in Reason.values:
        return Reason(branch).label
    return ""
