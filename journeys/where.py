"""Conditions on an event's properties: a list of {"property", "op", "value"}, all of which must hold. Pure."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

OPERATORS: dict[str, tuple[Any, Callable[[Any, Any], bool]]] = {
    "eq": (_("is"), lambda have, want: _same(have, want)),
    "ne": (_("is not"), lambda have, want: not _same(have, want)),
    "contains": (_("contains"), lambda have, want: str(want).casefold() in str(have).casefold()),
    "gte": (_("at least"), lambda have, want: _number(have) >= _number(want)),
    "lte": (_("at most"), lambda have, want: _number(have) <= _number(want)),
}
NO_NUMBER = float("nan")
"""Compares false with everything: a property that is no number never is "at least" something."""


def holds(where: list[dict[str, Any]], properties: dict[str, Any]) -> bool:
    """Whether an event with these properties meets every condition. A property it does not have meets only "is not"."""
    for condition in where:
        have = properties.get(condition["property"])
        if have is None:
            if condition["op"] != "ne":
                return False
        elif not OPERATORS[condition["op"]][1](have, condition["value"]):
            return False
    return True


def _same(have: Any, want: Any) -> bool:
    if isinstance(have, list):
        return any(_same(one, want) for one in have)
    if isinstance(have, bool):
        return str(have).casefold() == str(want).casefold()
    if isinstance(have, int | float):
        return have == _number(want)
    return str(have).casefold() == str(want).casefold()


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return NO_NUMBER
