"""Edits of the tree: whatever is done, keys stay unique and nothing else is lost."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys import tree
from journeys.graph import compile_definition
from journeys.steps import KINDS
from journeys.tree import NoSuchPlace, Place, TooBig, blank
from tests.journeys.world import branch, design, leave, step, wait


def places(definition: dict) -> list[Place]:
    found = [Place("", "", at) for at in range(len(definition["steps"]) + 1)]
    for one, _depth in tree.walk(definition["steps"]):
        for lane in one["branches"]:
            found += [Place(one["key"], lane["key"], at) for at in range(len(lane["steps"]) + 1)]
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.lists(st.sampled_from(["insert", "remove", "duplicate", "move", "shift"]), max_size=25)
)
def test_any_sequence_of_edits_keeps_a_sound_tree(seed, acts):
    dice = random.Random(seed)
    definition = blank()
    used: set[str] = set(tree.keys(definition))
    for act in acts:
        present = tree.keys(definition)
        try:
            if act == "insert":
                kind = dice.choice(list(KINDS.values()))
                config, lanes = kind.new()
                one = {"key": "", "kind": kind.key, "name": "", "config": config, "branches": lanes}
                changed = tree.insert(definition, dice.choice(places(definition)), one)
                new = set(tree.keys(changed)) - set(present)
                assert len(new) == 1
                assert not new & used
            elif not present:
                continue
            elif act == "remove":
                changed = tree.remove(definition, dice.choice(present))
            elif act == "duplicate":
                changed = tree.duplicate(definition, dice.choice(present))
                assert set(present) <= set(tree.keys(changed))
            elif act == "move":
                changed = tree.move(definition, dice.choice(present), dice.choice(places(definition)))
                assert sorted(tree.keys(changed)) == sorted(present)
            else:
                changed = tree.shift(definition, dice.choice(present), dice.choice([-1, 1]))
                assert sorted(tree.keys(changed)) == sorted(present)
        except (NoSuchPlace, TooBig):
            continue
        definition = changed
        keys = tree.keys(definition)
        assert len(keys) == len(set(keys))
        used |= set(keys)
    graph = compile_definition(definition)
    targets = {target for node in graph.nodes.values() for target in [node.after, *node.targets.values()]}
    assert targets - {None} <= set(graph.nodes)
    assert set(graph.nodes) == set(tree.keys(definition))


def test_branches_join_below_unless_they_end():
    definition = design(
        step("s", "split", [branch("b1", wait("a")), branch("b2"), branch("else", leave("x"))]),
        wait("after"),
        leave("y"),
    )
    graph = compile_definition(definition)
    assert [graph.nodes["s"].target(key) for key in ("b1", "b2", "else")] == ["a", "after", "x"]
    assert graph.nodes["a"].target("next") == "after"
    assert graph.nodes["y"].target("next") is None


def test_an_outcome_without_branch_goes_by_sent():
    lanes = [branch("next", wait("a")), branch("failed", leave("f"))]
    graph = compile_definition(design(step("m", "send", lanes), leave("x")))
    assert [graph.nodes["m"].target(key) for key in ("sent", "capped", "failed")] == ["a", "a", "f"]


def test_a_place_that_is_gone():
    with pytest.raises(NoSuchPlace):
        tree.insert(blank(), Place("s9", "b", 0), wait("n"))
    with pytest.raises(NoSuchPlace):
        Place.read("no place")
    assert Place.read("s1:b2:3") == Place("s1", "b2", 3)


def test_too_many_steps():
    definition = blank()
    with pytest.raises(TooBig):
        for _n in range(tree.MAX_STEPS + 1):
            definition = tree.insert(definition, Place("", "", 0), wait("n"))
