"""Comparisons that leaves share, with their words."""

import re
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, npgettext

from contacts.segments.base import Cond, Params

SIGNS = {"eq": "=", "ne": "<>", "gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}
WORDS = {
    "eq": gettext_noop("is"),
    "ne": gettext_noop("is not"),
    "gte": gettext_noop("is at least"),
    "lte": gettext_noop("is at most"),
    "gt": gettext_noop("is more than"),
    "lt": gettext_noop("is less than"),
    "in": gettext_noop("is one of"),
    "contains": gettext_noop("contains"),
    "exists": gettext_noop("is known"),
    "missing": gettext_noop("is not known"),
}
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 10**15


def check_comparison(leaf: dict[str, Any], operators: set[str]) -> list[tuple[str, str]]:
    """Problems of ``op`` and ``value`` of a leaf that compares texts, numbers or lists."""
    op, value = leaf.get("op", "eq"), leaf.get("value")
    if op not in operators:
        return [("op", _("Choose how to compare."))]
    if op in {"exists", "missing"}:
        return []
    if op == "in":
        if not isinstance(value, list) or not value or not all(isinstance(item, str | int | float) for item in value):
            return [("value", _("Enter at least one value."))]
        return []
    if isinstance(value, str) and value or is_number(value) or isinstance(value, bool) and op in {"eq", "ne"}:
        return []
    return [("value", _("Enter a value."))]


def check_number(leaf: dict[str, Any], operators: set[str] = frozenset(SIGNS) - {"ne"}) -> list[tuple[str, str]]:
    if leaf.get("op", "gte") not in operators:
        return [("op", _("Choose how to compare."))]
    return [] if is_number(leaf.get("value")) else [("value", _("Enter a number."))]


def check_days(leaf: dict[str, Any], name: str = "days") -> list[tuple[str, str]]:
    """An optional number of days, 1 to 3650."""
    days = leaf.get(name)
    if days is None or is_number(days) and 0 < days <= 3650:
        return []
    return [(name, _("Enter a number of days from 1 to 3650."))]


def day_of(value: Any) -> date | None:
    """An ISO day, or None when it is none."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def compare_json(column: str, path: str, op: str, value: Any) -> Cond:
    """A value inside a jsonb column. ``path`` may step into objects with dots. Texts that look like numbers compare as numbers
    with a number; a text compares as text (so ISO days work); what is missing is not equal to anything."""
    text = f"{column} #>> %s::text[]"
    keys: Params = [path.split(".")]
    if op == "exists":
        return Cond(f"{text} IS NOT NULL", keys)
    if op == "missing":
        return Cond(f"{text} IS NULL", keys)
    if op == "in":
        return Cond(f"{text} = ANY(%s)", [*keys, [as_text(item) for item in value]])
    if op == "contains":
        return Cond(f"strpos(lower({text}), lower(%s)) > 0", [*keys, as_text(value)])
    if is_number(value):
        number = f"CASE WHEN {text} ~ '^-?[0-9]{{1,15}}([.][0-9]{{1,9}})?$' THEN ({text})::numeric END"
        if op == "ne":
            return Cond(f"({number}) IS DISTINCT FROM %s::numeric", [*keys, *keys, str(value)])
        return Cond(f"({number}) {SIGNS[op]} %s::numeric", [*keys, *keys, str(value)])
    if op == "ne":
        return Cond(f"{text} IS DISTINCT FROM %s", [*keys, as_text(value)])
    return Cond(f'({text}) COLLATE "C" {SIGNS[op]} %s', [*keys, as_text(value)])


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def holds(op: str, left: float, right: float) -> bool:
    """The comparison in Python: what a group without rows (zero) answers."""
    return {
        "eq": left == right,
        "ne": left != right,
        "gte": left >= right,
        "lte": left <= right,
        "gt": left > right,
        "lt": left < right,
    }[op]


OPPOSITE = {"eq": "ne", "ne": "eq", "gte": "lt", "lt": "gte", "lte": "gt", "gt": "lte"}


def say_comparison(op: str, value: Any) -> str:
    """For example "is at least 3", in the active language."""
    if op in {"exists", "missing"}:
        return _(WORDS[op])
    shown = _("“, ”").join(map(str, value)) if isinstance(value, list) else as_text(value)
    return f"{_(WORDS.get(op, op))} {shown if is_number(value) else _('“{text}”').format(text=shown)}"


def say_days(days: Any) -> str:
    """ "in the last 30 days", or nothing."""
    if not days:
        return ""
    return npgettext("window of a condition", "in the last {n} day", "in the last {n} days", int(days)).format(
        n=f"{days:g}"
    )
