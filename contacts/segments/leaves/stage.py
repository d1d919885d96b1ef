"""The lifecycle stage, and how long the contact has been in it."""

from typing import Any

from django.utils.translation import gettext as _

from contacts.enums import Stage
from contacts.segments.base import Cond, Leaf, Scope
from contacts.segments.operators import check_days


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    stages = leaf.get("stages")
    if not isinstance(stages, list) or not stages or any(stage not in Stage.values for stage in stages):
        return [("stages", _("Choose at least one stage."))]
    if leaf.get("days") is not None and leaf.get("op", "gte") not in {"gte", "lte"}:
        return [("op", _("Choose how to compare."))]
    return check_days(leaf)


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> Cond:
    sql, params = "c.stage = ANY(%s)", [list(leaf["stages"])]
    if leaf.get("days") is not None:
        sign = "<=" if leaf.get("op", "gte") == "gte" else ">="
        sql += f" AND COALESCE(c.stage_since, c.first_seen_at) {sign} %s"
        params.append(scope.ago(leaf["days"]))
    return Cond(sql, params)


def describe(leaf: dict[str, Any]) -> str:
    names = _("“, ”").join(str(Stage(stage).label) for stage in leaf.get("stages") or [] if stage in Stage.values)
    if leaf.get("days") is None:
        return _("is in the stage “{stages}”").format(stages=names)
    if leaf.get("op", "gte") == "gte":
        return _("has been in the stage “{stages}” for at least {n} days").format(stages=names, n=leaf["days"])
    return _("has been in the stage “{stages}” for at most {n} days").format(stages=names, n=leaf["days"])


LEAF = Leaf("stage", check, compile_leaf, describe, lambda leaf: leaf.get("days") is not None)
