"""Reading rules without evaluating them: what is wrong, what they depend on, what they say."""

from collections.abc import Iterator
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from contacts.models import Segment
from contacts.segments.base import Problem
from contacts.segments.registry import leaf_of

Rule = dict[str, Any]
ROOT = "r"
_DEEPEST = 10
_MOST_LEAVES = 100


def validate(rule: Rule, segment_id: int | None = None) -> list[Problem]:
    """Everything that is wrong with a rule, empty when it may be used. ``segment_id`` is the segment whose rule it is to be:
    then a rule that leads back to it is refused."""
    problems: list[Problem] = []
    leaves = _check(rule, ROOT, 0, problems)
    if leaves > _MOST_LEAVES:
        problems.append(Problem(ROOT, _("A rule has at most {n} conditions.").format(n=_MOST_LEAVES)))
    if not problems and segment_id is not None:
        for path, leaf in leaves_of(rule):
            if leaf["kind"] == "segment" and leads_to(leaf["segment"], segment_id):
                problems.append(Problem(path, _("This segment uses the segment that you are editing."), "segment"))
    return problems


def leaves_of(rule: Rule, path: str = ROOT) -> Iterator[tuple[str, Rule]]:
    """Every leaf of a well-formed rule with its path."""
    if not rule:
        return
    if "not" in rule:
        yield from leaves_of(rule["not"], path)
    elif "all" in rule or "any" in rule:
        for position, child in enumerate(rule.get("all", rule.get("any"))):
            yield from leaves_of(child, f"{path}.{position}")
    else:
        yield path, rule


def leads_to(start: int, target: int) -> bool:
    """Does the rule of segment ``start`` use ``target``, directly or through others?"""
    seen, waiting = set(), {start}
    while waiting:
        if target in waiting:
            return True
        seen |= waiting
        rules = Segment.objects.filter(pk__in=waiting, static=False).values_list("rule", flat=True)
        used = {
            leaf.get("segment") for rule in rules for _path, leaf in leaves_of(rule) if leaf.get("kind") == "segment"
        }
        waiting = used - seen
    return False


def is_timed(rule: Rule) -> bool:
    """May people enter or leave by the passing of time alone?"""
    return any((leaf := leaf_of(part.get("kind"))) is not None and leaf.timed(part) for _path, part in leaves_of(rule))


def describe(rule: Rule, language: str) -> str:
    """The rule as one sentence, in ``zh-hans`` or ``en``."""
    with translation.override(language):
        return _say(rule, outer=True) if rule else _("everybody")


def _say(rule: Rule, outer: bool = False) -> str:
    if not rule:
        return _("everybody")
    if "not" in rule:
        return _("not ({rule})").format(rule=_say(rule["not"], outer=True))
    for group, word in (("all", _(" and ")), ("any", _(" or "))):
        if group in rule:
            parts = [_say(child) for child in rule[group]]
            if not parts:
                return _("everybody") if group == "all" else _("nobody")
            text = word.join(parts)
            return text if outer or len(parts) == 1 else _("({rule})").format(rule=text)
    leaf = leaf_of(rule.get("kind"))
    return leaf.describe(rule) if leaf else str(rule.get("kind", ""))


def _check(rule: Any, path: str, depth: int, problems: list[Problem]) -> int:
    """Adds what is wrong; answers the number of leaves."""
    if not isinstance(rule, dict):
        problems.append(Problem(path, _("This is not a condition.")))
        return 0
    if not rule:
        return 0
    if depth > _DEEPEST:
        problems.append(Problem(path, _("Groups can be nested {n} deep.").format(n=_DEEPEST)))
        return 0
    if "not" in rule:
        return _check(rule["not"], path, depth + 1, problems)
    for group in ("all", "any"):
        if group in rule:
            if len(rule) > 1 or not isinstance(rule[group], list):
                problems.append(Problem(path, _("This is not a condition.")))
                return 0
            if not rule[group] and depth:
                problems.append(Problem(path, _("This group is empty: add a condition or remove it.")))
            return sum(
                _check(child, f"{path}.{position}", depth + 1, problems) for position, child in enumerate(rule[group])
            )
    leaf = leaf_of(rule.get("kind"))
    if leaf is None:
        problems.append(Problem(path, _("There is no such condition."), "kind"))
    else:
        problems += [Problem(path, message, field) for field, message in leaf.check(rule)]
    return 1
