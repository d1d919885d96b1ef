"""What the person did (or we did), counted in a window."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from contacts.enums import ChannelKind, kind_label
from contacts.segments.base import IdSet, Leaf, Params, Scope
from contacts.segments.operators import (
    OPPOSITE,
    SIGNS,
    check_comparison,
    check_days,
    check_number,
    compare_json,
    day_of,
    holds,
    say_comparison,
    say_days,
)

MEASURES = {"count", "sum", "days", "days_in_a_row"}
WHERE_OPS = {*SIGNS, "in", "contains", "exists", "missing"}
_NUMERIC = "^-?[0-9]{1,15}([.][0-9]{1,9})?$"


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    event, measure = leaf.get("event"), leaf.get("measure", "count")
    if not isinstance(event, str) or not event:
        return [("event", _("Choose an event."))]
    if measure not in MEASURES:
        return [("measure", _("Choose what to count."))]
    if measure == "sum" and not (isinstance(leaf.get("property"), str) and leaf["property"]):
        return [("property", _("Enter the property to add up."))]
    problems = check_number(leaf) + check_days(leaf)
    for name in ("since", "until"):
        if leaf.get(name) and day_of(leaf[name]) is None:
            problems.append((name, _("Enter a day such as 2026-05-31.")))
    if leaf.get("channel") and leaf["channel"] not in ChannelKind.values:
        problems.append(("channel", _("Choose a channel.")))
    where = leaf.get("where") or []
    if not isinstance(where, list):
        return [*problems, ("where", _("Enter a property and a value."))]
    for part in where:
        if not isinstance(part, dict) or not isinstance(part.get("property"), str) or not part["property"]:
            problems.append(("where", _("Enter a property and a value.")))
        else:
            problems += [("where", message) for _field, message in check_comparison(part, WHERE_OPS)]
    return problems


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> IdSet:
    condition, params = _condition(leaf, scope)
    narrowed, ids = scope.within("e.contact_id")
    source = f"FROM contacts_event e WHERE {condition}{narrowed}"
    params = params + ids
    measure, op, value = leaf.get("measure", "count"), leaf.get("op", "gte"), leaf.get("value", 1)
    # Who has no such event has measured zero; when zero satisfies the comparison, take everybody but those who do not.
    negated = holds(op, 0, value)
    if negated:
        op = OPPOSITE[op]
    if measure in {"count", "days"} and (op, value) in {("gte", 1), ("gt", 0), ("ne", 0)}:
        return _ever(condition, params[: len(params) - len(ids)], source, params, negated)
    if measure == "days_in_a_row":
        sql = _runs(source, SIGNS[op])
    else:
        number = {"count": "count(*)", "days": "count(DISTINCT e.local_date)", "sum": f"COALESCE(sum({_amount()}), 0)"}
        if measure == "sum":
            path = [leaf["property"].split(".")]
            sql = f"SELECT e.contact_id {source} GROUP BY e.contact_id HAVING {number['sum']} {SIGNS[op]} %s::numeric"
            return IdSet(sql, [*params, *path, *path, str(value)], negated=negated)
        sql = f"SELECT e.contact_id {source} GROUP BY e.contact_id HAVING {number[measure]} {SIGNS[op]} %s::numeric"
    return IdSet(sql, [*params, str(value)], negated=negated)


def _ever(condition: str, inner: Params, source: str, params: Params, negated: bool) -> IdSet:
    def exists(outer: str) -> tuple[str, Params]:
        return f"SELECT 1 FROM contacts_event e WHERE {condition} AND e.contact_id = {outer}", inner

    return IdSet(f"SELECT e.contact_id {source}", params, distinct=False, exists=exists, negated=negated)


def _amount() -> str:
    return f"CASE WHEN e.properties #>> %s::text[] ~ '{_NUMERIC}' THEN (e.properties #>> %s::text[])::numeric END"


def _runs(source: str, sign: str) -> str:
    """Longest run of company days: days minus their rank are equal within a run."""
    return (
        "SELECT run.contact_id FROM (SELECT day.contact_id, count(*) AS length FROM"
        " (SELECT d.contact_id, d.local_date - (row_number() OVER (PARTITION BY d.contact_id ORDER BY d.local_date))::int AS run"
        f" FROM (SELECT DISTINCT e.contact_id, e.local_date {source}) d) day GROUP BY day.contact_id, day.run) run"
        f" GROUP BY run.contact_id HAVING max(run.length) {sign} %s::numeric"
    )


def _condition(leaf: dict[str, Any], scope: Scope) -> tuple[str, Params]:
    parts, params = ["e.kind = %s", "e.occurred_at <= %s"], [leaf["event"], scope.now]
    if leaf.get("days") is not None:
        parts.append("e.occurred_at >= %s")
        params.append(scope.ago(leaf["days"]))
    if since := day_of(leaf.get("since") or None):
        parts.append("e.occurred_at >= %s")
        params.append(scope.start_of(since))
    if until := day_of(leaf.get("until") or None):
        parts.append("e.occurred_at < %s")
        params.append(scope.start_of(until + timedelta(days=1)))
    if leaf.get("channel"):
        parts.append("e.channel = %s")
        params.append(leaf["channel"])
    for part in leaf.get("where") or []:
        cond = compare_json("e.properties", part["property"], part.get("op", "eq"), part.get("value"))
        parts.append(f"({cond.sql})")
        params += cond.params
    return " AND ".join(parts), params


def describe(leaf: dict[str, Any]) -> str:
    event = str(leaf.get("event", ""))
    name = str(kind_label(event))
    where = _(" and ").join(
        f"{part.get('property', '')} {say_comparison(part.get('op', 'eq'), part.get('value'))}"
        for part in leaf.get("where") or []
    )
    comparison = say_comparison(leaf.get("op", "gte"), leaf.get("value", 1))
    measure = {
        "count": _("“{event}”: number of times {comparison}"),
        "sum": _("“{event}”: sum of {property} {comparison}"),
        "days": _("“{event}”: number of days {comparison}"),
        "days_in_a_row": _("“{event}”: days in a row {comparison}"),
    }[leaf.get("measure", "count")]
    parts = [measure.format(event=name, comparison=comparison, property=leaf.get("property", ""))]
    if where:
        parts.append(_("where {conditions}").format(conditions=where))
    parts.append(say_days(leaf.get("days")))
    if leaf.get("since"):
        parts.append(_("since {day}").format(day=leaf["since"]))
    if leaf.get("until"):
        parts.append(_("until {day}").format(day=leaf["until"]))
    # Full-width brackets carry their own space.
    return " ".join(part for part in parts if part).replace(" （", "（").replace("） ", "）")


LEAF = Leaf("event", check, compile_leaf, describe, lambda leaf: leaf.get("days") is not None)
