"""What every builder page needs to draw a journey: the version that is shown, its board, the bar above it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contacts import segments
from contacts.enums import ChannelKind
from journeys.board import Board, changes, lane_name, lay
from journeys.enums import FALL_BACKS, JourneyState, Outcome, VersionState
from journeys.event_names import event_label
from journeys.forms import TriggerForm
from journeys.models import Journey, Version
from journeys.problems import problems_of
from journeys.queries import Counts, names, people_of
from journeys.steps import KINDS
from journeys.steps.base import Names
from journeys.steps.split import ELSE
from journeys.tree import TRIGGER, find, place_of, sequence
from journeys.where import OPERATORS
from scrm.core.enums import Permission
from scrm.core.models import Company, User

GROUPS = {"reach": _("Reach"), "flow": _("Flow"), "act": pgettext_lazy("palette", "Actions"), "end": _("End")}
STATE_TONES = {
    JourneyState.DRAFT: ("t-mute", "pencil"),
    JourneyState.LIVE: ("t-ok", "circle-check"),
    JourneyState.PAUSED: ("t-warn", "player-pause"),
    JourneyState.ENDED: ("t-mute", "flag-off"),
}


@dataclass(slots=True)
class Shown:
    """One version of one journey, drawn for one user."""

    journey: Journey
    version: Version
    published: Version | None
    draft: Version | None
    names: Names
    board: Board
    user: User
    counts: Counts
    pinned: bool
    """An old version is looked at by its number: nothing can be changed."""

    @property
    def editable(self) -> bool:
        return not self.pinned and not self.journey.is_over and self.user.can(Permission.JOURNEYS_EDIT)

    def bar(self) -> dict[str, Any]:
        """Badges, figures and what may be done now."""
        numbers = people_of(self.journey)
        definition = self.version.definition
        entered = self.board.trigger.entered
        tone, icon = STATE_TONES[JourneyState(self.journey.state)]
        goal = definition.get("goal") or {}
        return {
            "journey": self.journey,
            "version": self.version,
            "published": self.published,
            "draft": self.draft,
            "state_tone": tone,
            "state_icon": icon,
            "inside": numbers["inside"],
            "people": numbers["people"],
            "entered": entered,
            "rate": numbers["converted"] / entered if entered else None,
            "goal": event_label(goal["event"]) if goal.get("event") else "",
            "changed": changes(self.published.definition, self.draft.definition)
            if self.published and self.draft
            else 0,
            "board": self.board,
            "editable": self.editable,
            "pinned": self.pinned,
            "may_publish": self.user.can(Permission.JOURNEYS_PUBLISH),
            "company": Company.get(),
            "undoable": bool(self.draft and self.editable and self.draft.edits.exists()),
        }

    def inspector(self, key: str, form: Any = None) -> dict[str, Any]:
        """Settings of a step, of the trigger, or the empty panel."""
        card = self.board.card(key) if key else None
        if card is None:
            return {"card": None, "selected": ""}
        definition = self.version.definition
        context = {
            "card": card,
            "selected": key,
            "editable": self.editable,
            "journey": self.journey,
            "names": self.names,
        }
        if key == TRIGGER:
            trigger = definition["trigger"]
            form = form or TriggerForm(names=self.names, initial=TriggerForm.start(definition))
            goal, exits = definition.get("goal"), definition.get("exits") or [None]
            return context | {
                "form": form,
                "trigger": trigger,
                "where_rows": _where(trigger["where"]),
                "goal_rows": _where(goal["where"]) if goal else [],
                "goal_rule": goal,
                "exit_rule": exits[0],
                "exit_rows": _where(exits[0]["where"]) if exits[0] else [],
                "operators": [(name, label) for name, (label, _test) in OPERATORS.items()],
                "rule_text": self.rule_text(trigger.get("rule")),
                "template": "journeys/steps/_trigger.html",
            }
        step = find(definition, key)
        kind = KINDS[step["kind"]]
        initial = kind.form.start(step["config"])
        if step["kind"] == "send":
            initial["fall_backs"] = [branch["key"] for branch in step["branches"] if branch["key"] in FALL_BACKS]
        place = place_of(definition, key)
        return context | {
            "step": step,
            "kind": kind,
            "form": form or kind.form(names=self.names, initial=initial),
            "template": kind.template,
            "is_first": place.at == 0,
            "is_last": place.at == len(sequence(definition, place)) - 1,
            "where_rows": _where(step["config"].get("where", [])),
            "operators": [(name, label) for name, (label, _test) in OPERATORS.items()],
            "branches": [
                {
                    **branch,
                    "shown": lane_name(step, branch)[0],
                    "is_else": branch["key"] == ELSE,
                    "rule_text": self.rule_text(branch.get("rule")),
                }
                for branch in step["branches"]
            ],
            "content": self.names.contents.get(step["config"].get("content")),
            "outcomes": self._outcomes(key),
        }

    def rule_text(self, rule: dict[str, Any] | None) -> str:
        return segments.describe(rule, self.names.language) if rule else ""

    def _outcomes(self, key: str) -> list[dict[str, Any]]:
        """How the messages of a send step ended, from the live counts."""
        left = {outcome: self.counts.left(key, outcome.value) for outcome in Outcome}
        total = sum(left.values())
        return (
            [
                {"label": outcome.label, "n": n, "share": n / total, "bad": outcome is not Outcome.SENT}
                for outcome, n in left.items()
                if n or outcome is Outcome.SENT
            ]
            if total
            else []
        )


def show(user: User, journey: Journey, number: int | None = None) -> Shown:
    """Read a journey for drawing: the version of that number, else the draft, else the published one. A fixed number of
    queries."""
    versions = list(journey.versions.exclude(state=VersionState.RETIRED))
    draft = next((version for version in versions if version.state == VersionState.DRAFT), None)
    published = next((version for version in versions if version.state == VersionState.PUBLISHED), None)
    version = draft or published
    if number is not None:
        version = journey.versions.get(number=number)
    known = names()
    counted = [version.pk] if number is not None else journey.versions.values_list("pk", flat=True)
    counts = Counts(counted)
    found = problems_of(version.definition, known) if number is None else []
    board = lay(version.definition, known, counts, found)
    return Shown(journey, version, published, draft, known, board, user, counts, pinned=number is not None)


def revision_of(shown: Shown) -> int:
    """What an edit must carry back; 0 while there is no draft yet."""
    return shown.draft.revision if shown.draft else 0


def base_context(shown: Shown, key: str = "", form: Any = None) -> dict[str, Any]:
    """Everything the builder page and its partials read."""
    palette = [
        (label, [(name, kind) for name, kind in KINDS.items() if kind.group == group])
        for group, label in GROUPS.items()
    ]
    return {
        **shown.bar(),
        **shown.inspector(key, form),
        "revision": revision_of(shown),
        "palette": palette,
        "channels": ChannelKind.choices,
        "tab": "flow",
    }


def redraw(
    request: HttpRequest,
    journey: Journey,
    key: str = "",
    form: Any = None,
    *,
    inspector: bool = True,
    status: int = 200,
) -> HttpResponse:
    """The answer to an edit: the canvas, and beside it bar, status line and inspector."""
    shown = show(request.user, journey)
    if key and shown.board.card(key) is None:
        key = ""
    context = base_context(shown, key, form) | {"with_inspector": inspector}
    response = render(request, "journeys/_redraw.html", context, status=status)
    response.headers["HX-Replace-Url"] = reverse("journeys:journey_detail", args=[journey.pk]) + (
        f"?step={key}" if key else ""
    )
    return response


def _where(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "at": at} for at, row in enumerate(rows)]
