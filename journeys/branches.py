"""Edits on the branches of one step. Pure: a definition in, a changed one out."""

from copy import deepcopy
from typing import Any

from journeys.enums import FALL_BACKS
from journeys.steps.ab import MOST_ARMS
from journeys.steps.send import NEXT
from journeys.steps.split import ELSE, MOST_BRANCHES
from journeys.tree import Branch, Definition, NoSuchPlace, change, find, new_key, remember


def add_branch(definition: Definition, key: str) -> Definition:
    """One more branch of a split (before "everybody else") or arm of an A/B split (at the end, shares made even)."""
    changed = deepcopy(definition)
    step = find(changed, key)
    branches = step["branches"]
    if step["kind"] == "split" and len(branches) < MOST_BRANCHES:
        branches.insert(len(branches) - 1, {"key": new_key(changed, "b"), "name": "", "rule": {}, "steps": []})
    elif step["kind"] == "ab" and len(branches) < MOST_ARMS:
        taken = {branch["key"] for branch in branches}
        letter = next(letter for letter in "abcdefghijkl" if letter not in taken)
        branches.append({"key": letter, "name": letter.upper(), "weight": 0, "steps": []})
        for at, branch in enumerate(branches):
            branch["weight"] = 100 // len(branches) + (1 if at < 100 % len(branches) else 0)
    return changed


def remove_branch(definition: Definition, key: str, branch: str) -> Definition:
    """Without a branch and everything in it. The last two arms, "everybody else" and what is not a free branch stay."""
    changed = deepcopy(definition)
    remember(changed)
    step = find(changed, key)
    kept = [one for one in step["branches"] if one["key"] != branch]
    free = {"split": branch != ELSE and len(kept) >= 2, "ab": len(kept) >= 2}.get(step["kind"], False)
    if free:
        step["branches"] = kept
        if step["kind"] == "ab":
            kept[0]["weight"] += 100 - sum(one["weight"] for one in kept)
    return changed


def set_branches(definition: Definition, key: str, values: dict[str, dict[str, Any]]) -> Definition:
    """Names, shares or rules: {branch key: {"name", "weight", "rule"}}."""
    changed = deepcopy(definition)
    step = find(changed, key)
    for branch in step["branches"]:
        branch.update(values.get(branch["key"], {}))
    return changed


def set_fall_backs(definition: Definition, key: str, wanted: list[str]) -> Definition:
    """Which outcomes of a send step have a branch of their own. Steps of a branch that is given up go with it; the ones
    after the step stay, since "sent" is the way on."""
    step = find(definition, key)
    held: dict[str, Branch] = {branch["key"]: branch for branch in step["branches"]}
    if not wanted:
        return change(definition, key, branches=[]) if not held.get(NEXT, {}).get("steps") else _inline(definition, key)
    first = held.get(NEXT) or {"key": NEXT, "name": "", "steps": []}
    others = [held.get(one) or {"key": one, "name": "", "steps": []} for one in FALL_BACKS if one in wanted]
    return change(definition, key, branches=[first, *others])


def _inline(definition: Definition, key: str) -> Definition:
    """No branches any more: what stood under "sent" comes right after the step."""
    changed = deepcopy(definition)
    step = find(changed, key)
    steps = next(branch["steps"] for branch in step["branches"] if branch["key"] == NEXT)
    step["branches"] = []
    for sequence in _sequences(changed):
        if step in sequence:
            at = sequence.index(step) + 1
            sequence[at:at] = steps
            return changed
    raise NoSuchPlace(key)


def _sequences(definition: Definition):
    stack = [definition["steps"]]
    while stack:
        steps = stack.pop()
        yield steps
        stack += [branch["steps"] for step in steps for branch in step["branches"]]
