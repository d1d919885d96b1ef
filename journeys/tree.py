"""The definition of a journey: a tree of plain dicts, and the edits the builder makes on it. Pure; nothing here queries.

    {"trigger": {"kind", "event", "where", "segment", "stage", "rule", "key"},
     "reentry": {"policy": "never"|"after_exit"|"always", "gap_days": 0},
     "goal": {"event", "where"} or null,
     "exits": [{"event", "where"}],
     "last": highest number a key ever had,
     "steps": [step, ...]}

    step   = {"key", "kind", "name", "config": {...}, "branches": [branch, ...]}
    branch = {"key", "name", "steps": [...], ...what the kind needs (rule, weight)}

After a branch's last step people go on with the step that follows the branching one, so branches join by themselves
unless they end in ``exit`` or ``goal``. ``where`` is a list of {"property", "op", "value"}.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Definition = dict[str, Any]
Step = dict[str, Any]
Branch = dict[str, Any]

TRIGGER = "trigger"
"""Key under which the trigger is addressed like a step."""
ENDINGS = frozenset({"exit", "goal"})
MAX_STEPS = 200
MAX_DEPTH = 8


class NoSuchPlace(LookupError):
    """The step or branch is gone: somebody else changed the draft."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step can be put: before position ``at`` of the sequence of a branch, or of the trunk (owner "")."""

    owner: str
    branch: str
    at: int

    def __str__(self) -> str:
        return f"{self.owner}:{self.branch}:{self.at}"

    @classmethod
    def read(cls, text: str) -> "Place":
        owner, _colon, rest = text.partition(":")
        branch, _colon, at = rest.rpartition(":")
        if not at.isdecimal():
            raise NoSuchPlace(text)
        return cls(owner, branch, int(at))


def blank() -> Definition:
    """A new design: nothing is chosen yet, and it ends."""
    return {
        "trigger": {"kind": "event", "event": "", "where": [], "segment": None, "stage": "", "rule": {}, "key": ""},
        "reentry": {"policy": "never", "gap_days": 0},
        "goal": None,
        "exits": [],
        "steps": [{"key": "s1", "kind": "exit", "name": "", "config": {}, "branches": []}],
    }


def walk(steps: list[Step], depth: int = 0) -> Iterator[tuple[Step, int]]:
    """Every step in reading order with its depth (trunk 0)."""
    for step in steps:
        yield step, depth
        for branch in step["branches"]:
            yield from walk(branch["steps"], depth + 1)


def keys(definition: Definition) -> list[str]:
    return [step["key"] for step, _depth in walk(definition["steps"])]


def find(definition: Definition, key: str) -> Step:
    for step, _depth in walk(definition["steps"]):
        if step["key"] == key:
            return step
    raise NoSuchPlace(key)


def place_of(definition: Definition, key: str) -> Place:
    """Where the step stands now."""
    for owner, branch, steps in _sequences(definition):
        for at, step in enumerate(steps):
            if step["key"] == key:
                return Place(owner, branch, at)
    raise NoSuchPlace(key)


def sequence(definition: Definition, place: Place) -> list[Step]:
    """The list the place is in (the list itself, to be changed)."""
    for owner, branch, steps in _sequences(definition):
        if (owner, branch) == (place.owner, place.branch):
            if place.at > len(steps):
                raise NoSuchPlace(str(place))
            return steps
    raise NoSuchPlace(str(place))


def new_key(definition: Definition, prefix: str = "s") -> str:
    """Keys are never used twice in one design, so that counts and running people are never mixed up: the highest + 1."""
    remember(definition)
    definition["last"] += 1
    return f"{prefix}{definition['last']}"


def insert(definition: Definition, place: Place, step: Step) -> Definition:
    changed = deepcopy(definition)
    step = {**deepcopy(step), "key": new_key(changed)}
    sequence(changed, place).insert(place.at, step)
    _refuse_too_big(changed)
    return changed


def remove(definition: Definition, key: str) -> Definition:
    """Without the step and everything in its branches."""
    changed = deepcopy(definition)
    remember(changed)
    place = place_of(changed, key)
    del sequence(changed, place)[place.at]
    return changed


def duplicate(definition: Definition, key: str) -> Definition:
    """A copy with new keys, right after the step."""
    changed = deepcopy(definition)
    place = place_of(changed, key)
    copy = deepcopy(find(changed, key))
    for step, _depth in walk([copy]):
        step["key"] = new_key(changed)
    sequence(changed, place).insert(place.at + 1, copy)
    _refuse_too_big(changed)
    return changed


def move(definition: Definition, key: str, place: Place) -> Definition:
    """The step with its branches to another place; into its own branches it cannot go."""
    changed = deepcopy(definition)
    step = find(changed, key)
    if place.owner in {inner["key"] for inner, _depth in walk([step])}:
        raise NoSuchPlace(str(place))
    target = sequence(changed, place)
    source_place = place_of(changed, key)
    source = sequence(changed, source_place)
    at = place.at - (1 if source is target and source_place.at < place.at else 0)
    del source[source_place.at]
    target.insert(at, step)
    _refuse_too_big(changed)
    return changed


def shift(definition: Definition, key: str, by: int) -> Definition:
    """One position up (-1) or down (+1) in its own sequence; at the end it stays."""
    place = place_of(definition, key)
    at = place.at + (2 if by > 0 else -1)
    if not 0 <= at <= len(sequence(definition, place)):
        return definition
    return move(definition, key, Place(place.owner, place.branch, at))


def change(definition: Definition, key: str, **values: Any) -> Definition:
    """Another name, config or branches of a step."""
    changed = deepcopy(definition)
    find(changed, key).update(deepcopy(values))
    return changed


def ends(steps: list[Step]) -> bool:
    """Whether nobody falls out at the end of the sequence: it closes with an ending, or with branches that all do."""
    if not steps:
        return False
    last = steps[-1]
    if last["kind"] in ENDINGS:
        return True
    if last["kind"] == "repeat" or not last["branches"]:
        return False
    return all(ends(branch["steps"]) for branch in last["branches"])


def _sequences(definition: Definition) -> Iterator[tuple[str, str, list[Step]]]:
    yield "", "", definition["steps"]
    for step, _depth in walk(definition["steps"]):
        for branch in step["branches"]:
            yield step["key"], branch["key"], branch["steps"]


def _all_keys(definition: Definition) -> Iterator[str]:
    for step, _depth in walk(definition["steps"]):
        yield step["key"]
        for branch in step["branches"]:
            yield branch["key"]


def remember(definition: Definition) -> None:
    """Note the highest number that a key ever had."""
    numbers = (
        int(digits) for key in _all_keys(definition) if (digits := key.lstrip("abcdefghijklmnopqrstuvwxyz")).isdecimal()
    )
    definition["last"] = max(definition.get("last", 0), *numbers, 0)


def _refuse_too_big(definition: Definition) -> None:
    sizes = [depth for _step, depth in walk(definition["steps"])]
    if len(sizes) > MAX_STEPS or max(sizes, default=0) > MAX_DEPTH:
        raise TooBig


class TooBig(ValueError):
    """More than MAX_STEPS steps or deeper than MAX_DEPTH branches."""
