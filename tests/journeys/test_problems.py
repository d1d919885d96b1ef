"""What keeps a design from being published, and where it is said."""

import pytest

from campaigns.models import Content, CouponBatch
from contacts.models import Segment, Tag
from journeys.problems import errors, problems_of
from journeys.queries import names
from journeys.steps import KINDS
from journeys.tree import blank
from tests.journeys import world
from tests.journeys.world import branch, design, leave, step, wait

pytestmark = pytest.mark.django_db


def told(definition: dict) -> list[tuple[str, str]]:
    return [(problem.step, str(problem.message)) for problem in errors(problems_of(definition, names()))]


def only(definition: dict) -> tuple[str, str]:
    found = told(definition)
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(autouse=True)
def _english():
    from django.utils import translation

    with translation.override("en"):
        yield


def test_a_complete_design_has_none():
    content, tag = world.written("oa", "email"), Tag.objects.create(name="t")
    batch = CouponBatch.objects.create(name="b", value=5, stock=1)
    rule = {"kind": "stage", "stages": ["lead"]}
    assert not told(
        design(
            wait(),
            step(
                "s",
                "send",
                [branch("next"), branch("failed", leave("f"))],
                content=content.pk,
                channels=["oa", "email"],
            ),
            step("t", "tag", act="add", tag=tag.pk),
            step("c", "coupon", batch=batch.pk),
            step("r", "repeat", [branch("body", wait("w2"))], times=3),
            step("p", "split", [branch("b1", leave("x1"), rule=rule), branch("else", step("g", "goal"))]),
        )
    )


def test_nothing_chosen_yet():
    assert told(blank()) == [("trigger", "Choose the event that starts the journey.")]


@pytest.mark.parametrize(
    ("steps", "where", "words"),
    [
        ([], "trigger", "Nothing happens"),
        ([wait("a")], "a", "does not end"),
        ([wait("a"), leave(), leave("b")], "b", "Nobody gets here"),
        ([step("r", "repeat", [branch("body", wait("w"))], times=None), leave()], "r", "without a bound"),
        ([step("r", "repeat", [branch("body", wait("w"))], times=2)], "r", "does not end"),
        ([step("r", "repeat", [branch("body")], times=2), leave()], "r", "nothing to repeat"),
        ([step("r", "repeat", [branch("body", step("i", "repeat", [branch("body", wait("w"))], times=2))], times=2), leave()],
         "i", "inside another repeat"),
        ([step("w", "wait", mode="for", amount=None), leave()], "w", "how long"),
        ([step("w", "wait", mode="for", amount=200, unit="weeks"), leave()], "w", "two years"),
        ([step("w", "wait", mode="until", time=""), leave()], "w", "which time of day"),
        ([step("s", "send", content=None, channels=["oa"]), leave()], "s", "Choose the content"),
        ([step("s", "send", content=999, channels=["oa"]), leave()], "s", "no longer exists"),
        ([step("t", "tag", act="add", tag=None), leave()], "t", "Choose the tag"),
        ([step("t", "tag", act="add", tag=999), leave()], "t", "no longer exists"),
        ([step("c", "coupon", batch=999), leave()], "c", "no longer exists"),
        ([step("g", "stage", stage="nope"), leave()], "g", "Choose the stage"),
        ([step("a", "ab", [branch("a", weight=50), branch("b", weight=40)]), leave()], "a", "100 %"),
        ([step("p", "split", [branch("b1", rule={}), branch("else")]), leave()], "p", "has no condition"),
        ([step("p", "split", [branch("b1", leave(), rule={"kind": "stage", "stages": ["lead"]}), branch("else")])],
         "p", "A branch of this step does not end"),
        ([step("p", "split", [branch("b1", leave(), rule={"kind": "stage", "stages": ["lead"]}), branch("else", wait("z"))])],
         "z", "does not end"),
    ],
)  # fmt: skip
def test_each_problem_is_said_at_its_step(steps, where, words):
    at, text = only(design(*steps))
    assert at == where
    assert words in text


def test_a_rule_of_a_branch_that_names_something_gone():
    rule = {"kind": "segment", "segment": 999}
    at, _text = only(design(step("p", "split", [branch("b1", leave("a"), rule=rule), branch("else", leave("b"))])))
    assert at == "p"


def test_content_that_is_not_approved_or_has_no_variant():
    draft = world.written("oa", state="draft")
    at, text = only(design(step("s", "send", content=draft.pk, channels=["oa"]), leave()))
    assert (at, "is not approved" in text) == ("s", True)
    letter = world.written("email")
    assert "no variant" in only(design(step("s", "send", content=letter.pk, channels=["email", "oa"]), leave()))[1]
    Content.objects.filter(pk=letter.pk).update(state="archived")
    assert "no longer exists" in only(design(step("s", "send", content=letter.pk, channels=["email"]), leave()))[1]


def test_a_batch_without_stock():
    batch = CouponBatch.objects.create(name="b", value=5, stock=0)
    assert "none left" in only(design(step("c", "coupon", batch=batch.pk), leave()))[1]


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ({"kind": "segment_entry", "segment": None}, "Choose the segment"),
        ({"kind": "segment_entry", "segment": 999}, "no longer exists"),
        ({"kind": "stage_change", "stage": ""}, "Choose the stage"),
        ({"rule": {"kind": "segment", "segment": 999}}, "Entry condition"),
    ],
)
def test_triggers(trigger, words):
    at, text = only(design(wait(), leave(), trigger=trigger))
    assert at == "trigger"
    assert words in text


def test_a_segment_trigger_and_one_by_hand_are_fine():
    segment = Segment.objects.create(name="s", rule={})
    assert not told(design(wait(), leave(), trigger={"kind": "segment_entry", "segment": segment.pk}))
    assert not told(design(wait(), leave(), event="", trigger={"kind": "manual"}))


def test_every_new_step_says_what_it_needs_or_is_complete():
    for kind in KINDS.values():
        config, lanes = kind.new()
        found = told(
            design({"key": "n", "kind": kind.key, "name": "", "config": config, "branches": lanes}, leave("x"))
        )
        assert all(at in {"n", "x"} for at, _text in found), kind.key
