"""Orders: all of them from the roll-ups of the contact, a window of them from their rows. Only those that count as
revenue (Order.counts)."""

from typing import Any

from django.utils.translation import gettext as _

from contacts.segments.base import Cond, IdSet, Leaf, Part, Scope
from contacts.segments.operators import OPPOSITE, SIGNS, check_days, check_number, holds, say_comparison, say_days

MEASURES = {"count", "sum", "average", "last_days_ago", "first_days_ago"}
_AGO = {"last_days_ago": "c.last_order_at", "first_days_ago": "c.first_order_at"}
_ALL = {"count": "c.order_count", "sum": "c.order_total", "average": "c.order_total / NULLIF(c.order_count, 0)"}
_SOME = {
    "count": "count(*)",
    "sum": "sum(o.total - o.refunded)",
    "average": "avg(o.total - o.refunded)",
}


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    if leaf.get("measure", "count") not in MEASURES:
        return [("measure", _("Choose what to count."))]
    return check_number(leaf) + check_days(leaf)


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> Part:
    measure, op, value = leaf.get("measure", "count"), leaf.get("op", "gte"), leaf["value"]
    if measure in _AGO:
        return _ago(_AGO[measure], op, value, scope)
    if leaf.get("days") is None:
        return Cond(f"{_ALL[measure]} {SIGNS[op]} %s::numeric", [str(value)])
    # Who ordered nothing has count and sum zero, and no average at all.
    negated = measure != "average" and holds(op, 0, value)
    narrowed, ids = scope.within("o.contact_id")
    sql = (
        "SELECT o.contact_id FROM contacts_order o WHERE o.placed_at >= %s AND o.placed_at <= %s"
        f" AND o.counts{narrowed}"
        f" GROUP BY o.contact_id HAVING {_SOME[measure]} {SIGNS[OPPOSITE[op] if negated else op]} %s::numeric"
    )
    return IdSet(sql, [scope.ago(leaf["days"]), scope.now, *ids, str(value)], negated=negated)


def _ago(column: str, op: str, days: float, scope: Scope) -> Cond:
    """Whole days since the moment, compared with ``days``."""
    day = scope.ago(days)
    before = scope.ago(days + 1)
    return {
        "gte": Cond(f"{column} <= %s", [day]),
        "gt": Cond(f"{column} <= %s", [before]),
        "lt": Cond(f"{column} > %s", [day]),
        "lte": Cond(f"{column} > %s", [before]),
        "eq": Cond(f"{column} <= %s AND {column} > %s", [day, before]),
    }[op]


def describe(leaf: dict[str, Any]) -> str:
    text = {
        "count": _("number of orders"),
        "sum": _("amount of the orders"),
        "average": _("average order"),
        "last_days_ago": _("days since the last order"),
        "first_days_ago": _("days since the first order"),
    }[leaf.get("measure", "count")]
    return " ".join(
        part
        for part in (text, say_comparison(leaf.get("op", "gte"), leaf.get("value")), say_days(leaf.get("days")))
        if part
    )


def timed(leaf: dict[str, Any]) -> bool:
    return leaf.get("measure") in _AGO or leaf.get("days") is not None


LEAF = Leaf("order", check, compile_leaf, describe, timed)
