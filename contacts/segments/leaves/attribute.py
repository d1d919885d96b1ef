"""A field of the contact, or one of its custom attributes."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts.segments.base import Cond, Leaf, Scope
from contacts.segments.operators import (
    SIGNS,
    check_comparison,
    check_days,
    compare_json,
    day_of,
    is_number,
    say_comparison,
)

CUSTOM = "attributes."
TEXTS = {
    "name": "c.name",
    "language": "c.language",
    "time_zone": "c.time_zone",
    "region": "c.region",
    "city": "c.city",
    "source": "c.source_kind",
    "source_label": "c.source_label",
}
NUMBERS = {"event_count": "c.event_count", "order_count": "c.order_count", "order_total": "c.order_total"}
DATES = {
    "created_at": "c.created_at",
    "first_seen_at": "c.first_seen_at",
    "last_seen_at": "c.last_seen_at",
    "first_order_at": "c.first_order_at",
    "last_order_at": "c.last_order_at",
}
LINKS = {"owner": "c.owner_id", "team": "c.team_id"}
TEXT_OPS = {*SIGNS, "in", "contains", "exists", "missing"}
DATE_OPS = {*SIGNS, "last_days", "before_days", "exists", "missing"}
LINK_OPS = {"eq", "ne", "in", "exists", "missing"}

NAMES = {
    "name": gettext_noop("Name"),
    "language": gettext_noop("Language"),
    "time_zone": gettext_noop("Time zone"),
    "region": gettext_noop("Region"),
    "city": gettext_noop("City"),
    "source": gettext_noop("Source"),
    "source_label": gettext_noop("Source detail"),
    "event_count": gettext_noop("Number of acts"),
    "order_count": gettext_noop("Number of orders"),
    "order_total": gettext_noop("Amount of all orders"),
    "created_at": gettext_noop("Added"),
    "first_seen_at": gettext_noop("First seen"),
    "last_seen_at": gettext_noop("Last seen"),
    "first_order_at": gettext_noop("First order"),
    "last_order_at": gettext_noop("Last order"),
    "owner": gettext_noop("Owner"),
    "team": gettext_noop("Team"),
    "known": gettext_noop("Known customer"),
}


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    name, op, value = leaf.get("name"), leaf.get("op", "eq"), leaf.get("value")
    if not isinstance(name, str) or name not in NAMES and not (name.startswith(CUSTOM) and len(name) > len(CUSTOM)):
        return [("name", _("Choose a field."))]
    if name == "known":
        return [] if isinstance(value, bool) and op in {"eq", "ne"} else [("value", _("Choose yes or no."))]
    if name in DATES:
        return _check_date(leaf, op, value)
    if name in LINKS:
        if op not in LINK_OPS:
            return [("op", _("Choose how to compare."))]
        values = value if isinstance(value, list) else [value]
        whole = all(isinstance(item, int) and not isinstance(item, bool) for item in values)
        return [] if op in {"exists", "missing"} or whole and values else [("value", _("Choose somebody."))]
    if name in NUMBERS:
        if op not in SIGNS:
            return [("op", _("Choose how to compare."))]
        return [] if is_number(value) else [("value", _("Enter a number."))]
    return check_comparison(leaf, TEXT_OPS)


def _check_date(leaf: dict[str, Any], op: str, value: Any) -> list[tuple[str, str]]:
    if op not in DATE_OPS:
        return [("op", _("Choose how to compare."))]
    if op in {"last_days", "before_days"}:
        return (
            check_days(leaf, "value") if value is not None else [("value", _("Enter a number of days from 1 to 3650."))]
        )
    if op in {"exists", "missing"} or day_of(value):
        return []
    return [("value", _("Enter a day such as 2026-05-31."))]


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> Cond:
    name, op, value = leaf["name"], leaf.get("op", "eq"), leaf.get("value")
    if name.startswith(CUSTOM):
        return compare_json("c.attributes", name.removeprefix(CUSTOM), op, value)
    if name == "known":
        return Cond("c.known = %s", [value is (op == "eq")])
    if name in DATES:
        return _date(DATES[name], op, value, scope)
    if name in NUMBERS:
        return Cond(f"{NUMBERS[name]} {SIGNS[op]} %s::numeric", [str(value)])
    column = LINKS.get(name) or TEXTS[name]
    if op in {"exists", "missing"}:
        blank = f"{column} IS NULL" if name in LINKS else f"{column} = ''"
        return Cond(blank if op == "missing" else f"NOT ({blank})")
    if op == "in":
        return Cond(f"{column} = ANY(%s)", [list(value) if name in LINKS else [str(item) for item in value]])
    if name in LINKS:
        return Cond(f"{column} IS {'NOT ' if op == 'eq' else ''}DISTINCT FROM %s", [value])
    if op == "contains":
        return Cond(f"strpos(lower({column}), lower(%s)) > 0", [str(value)])
    collation = ' COLLATE "C"' if op in {"gte", "lte", "gt", "lt"} else ""
    return Cond(f"{column}{collation} {SIGNS[op]} %s", [str(value)])


def _date(column: str, op: str, value: Any, scope: Scope) -> Cond:
    if op in {"exists", "missing"}:
        return Cond(f"{column} IS {'NOT ' if op == 'exists' else ''}NULL")
    if op == "last_days":
        return Cond(f"{column} >= %s AND {column} <= %s", [scope.ago(value), scope.now])
    if op == "before_days":
        return Cond(f"{column} < %s", [scope.ago(value)])
    day = day_of(value)
    begin, end = scope.start_of(day), scope.start_of(day + timedelta(days=1))
    if op == "eq":
        return Cond(f"{column} >= %s AND {column} < %s", [begin, end])
    if op == "ne":
        return Cond(f"({column} >= %s AND {column} < %s) IS NOT TRUE", [begin, end])
    sign, moment = {"gte": (">=", begin), "gt": (">=", end), "lt": ("<", begin), "lte": ("<", end)}[op]
    return Cond(f"{column} {sign} %s", [moment])


def describe(leaf: dict[str, Any]) -> str:
    name, op, value = str(leaf.get("name", "")), leaf.get("op", "eq"), leaf.get("value")
    label = _(NAMES[name]) if name in NAMES else name.removeprefix(CUSTOM)
    if op == "last_days":
        return _("{field} in the last {n} days").format(field=label, n=value)
    if op == "before_days":
        return _("{field} more than {n} days ago").format(field=label, n=value)
    if name == "known":
        return _("is a known customer") if value is (op == "eq") else _("is an unknown visitor")
    return f"{label} {say_comparison(op, value)}"


LEAF = Leaf("attribute", check, compile_leaf, describe, lambda leaf: leaf.get("op") in {"last_days", "before_days"})
