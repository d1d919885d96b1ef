"""A design as the builder draws it: cards, lanes and the places between them, with figures and problems on them."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from journeys.enums import FALL_BACKS, Outcome, Reentry
from journeys.queries import Counts
from journeys.rehearsal import trigger_title
from journeys.steps import KINDS
from journeys.steps.base import Names, Problem, Text, Told
from journeys.steps.send import NEXT
from journeys.steps.split import branch_name
from journeys.steps.wait_event import HAPPENED
from journeys.times import duration_text
from journeys.tree import ENDINGS, TRIGGER, Branch, Definition, Place, Step, ends, walk


@dataclass(slots=True)
class Lane:
    key: str
    name: Text
    tone: str
    count: int
    share: float | None
    cards: list["Card"]
    ended: bool
    tail: str
    """Place after the last card."""


@dataclass(slots=True)
class Card:
    key: str
    kind: str
    label: Text
    told: Told
    icon: str
    tone: str
    before: str = ""
    """Place in front of the card."""
    problems: list[Problem] = field(default_factory=list)
    entered: int = 0
    here: int = 0
    failed: int = 0
    lanes: list[Lane] = field(default_factory=list)
    joins: bool = True
    """Some lane goes on below."""
    quiet: bool = False

    @property
    def is_end(self) -> bool:
        return self.kind in ENDINGS

    @property
    def is_bad(self) -> bool:
        return any(problem.level == "error" for problem in self.problems)


@dataclass(slots=True)
class Board:
    trigger: Card
    cards: list[Card]
    tail: str
    ended: bool
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.level == "error"]

    @property
    def warnings(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.level != "error"]

    def flat(self) -> list[Card]:
        """Every card in reading order, the trigger first."""
        return [self.trigger, *_flat(self.cards)]

    def card(self, key: str) -> Card | None:
        return next((card for card in self.flat() if card.key == key), None)


def lay(definition: Definition, names: Names, counts: Counts, problems: list[Problem]) -> Board:
    by_step: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_step[problem.step].append(problem)
    cards = _cards(definition["steps"], "", "", names, counts, by_step)
    trigger = Card(
        TRIGGER,
        TRIGGER,
        _("Trigger"),
        Told(trigger_title(definition["trigger"], names), Reentry(definition["reentry"]["policy"]).label),
        "bolt",
        "t-info",
        problems=by_step[TRIGGER],
        entered=counts.entered(TRIGGER),
    )
    steps = definition["steps"]
    return Board(trigger, cards, str(Place("", "", len(steps))), ends(steps), problems)


def lane_name(step: Step, branch: Branch) -> tuple[Text, str]:
    """Name and tone of a branch."""
    key = branch["key"]
    match step["kind"]:
        case "split":
            return branch_name(branch), "t-mute"
        case "ab":
            return format_lazy(
                "{name} · {weight}%", name=branch["name"] or key.upper(), weight=branch["weight"]
            ), "t-mute"
        case "wait_event":
            if key == HAPPENED:
                return branch["name"] or _("Happened"), "t-ok"
            late = format_lazy(_("Not within {duration}"), duration=duration_text(step["config"].get("timeout", {})))
            return branch["name"] or late, "t-warn"
        case "repeat":
            return _("Each round"), "t-mute"
    if key == NEXT:
        return _("Sent or anything else"), "t-ok"
    return (Outcome(key).label, "t-warn") if key in FALL_BACKS else (key, "t-bad")


def _cards(
    steps: list[Step], owner: str, branch: str, names: Names, counts: Counts, problems: dict[str, list[Problem]]
) -> list[Card]:
    cards = []
    for at, step in enumerate(steps):
        kind, key = KINDS[step["kind"]], step["key"]
        icon, tone = kind.look(step)
        card = Card(
            key,
            step["kind"],
            kind.label,
            kind.tell(step, names),
            icon,
            tone,
            before=str(Place(owner, branch, at)),
            problems=problems[key],
            entered=counts.entered(key),
            here=max(0, counts.here(key)),
            failed=sum(counts.left(key, outcome) for outcome in FALL_BACKS),
            quiet=step["kind"] == "send" and _observes_quiet_hours(step, names),
        )
        card.lanes = [_lane(step, inner, names, counts, problems) for inner in step["branches"]]
        card.joins = not card.lanes or step["kind"] == "repeat" or not all(lane.ended for lane in card.lanes)
        cards.append(card)
    return cards


def _lane(step: Step, branch: Branch, names: Names, counts: Counts, problems: dict[str, list[Problem]]) -> Lane:
    key, steps = branch["key"], branch["steps"]
    name, tone = lane_name(step, branch)
    left = {inner["key"]: counts.left(step["key"], inner["key"]) for inner in step["branches"]}
    if NEXT in left:  # whatever has no lane of its own
        left[NEXT] += sum(counts.left(step["key"], outcome.value) for outcome in Outcome if outcome.value not in left)
    total = sum(left.values())
    return Lane(
        key,
        name,
        tone,
        left[key],
        left[key] / total if total else None,
        _cards(steps, step["key"], key, names, counts, problems),
        ends(steps),
        str(Place(step["key"], key, len(steps))),
    )


def _observes_quiet_hours(step: Step, names: Names) -> bool:
    content = names.contents.get(step["config"].get("content"))
    return bool(content and content.purpose == "marketing")


def _flat(cards: list[Card]) -> list[Card]:
    found = []
    for card in cards:
        found.append(card)
        for lane in card.lanes:
            found += _flat(lane.cards)
    return found


def changes(before: Definition, after: Definition) -> int:
    """How many steps and settings differ between two designs: what the draft badge counts."""
    old = {step["key"]: _own(step) for step, _depth in walk(before["steps"])}
    new = {step["key"]: _own(step) for step, _depth in walk(after["steps"])}
    steps = sum(old.get(key) != new.get(key) for key in old.keys() | new.keys())
    settings = sum(before.get(key) != after.get(key) for key in ("trigger", "reentry", "goal", "exits"))
    moved = int(not steps and before["steps"] != after["steps"])
    return steps + settings + moved


def _own(step: Step) -> dict:
    """The step without what stands in its branches."""
    branches = [{name: value for name, value in branch.items() if name != "steps"} for branch in step["branches"]]
    return {**step, "branches": branches}
