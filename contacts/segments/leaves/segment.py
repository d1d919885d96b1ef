"""Another segment: the rule of a dynamic one as it is now, the rows of a static one."""

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from contacts.models import Segment
from contacts.segments.base import BrokenRule, Cond, IdSet, Leaf, Part, Scope
from contacts.segments.compiling import compile_rule, select_ids
from contacts.segments.walking import is_timed


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    if not isinstance(leaf.get("segment"), int):
        return [("segment", _("Choose a segment."))]
    if not Segment.objects.filter(pk=leaf["segment"]).exists():
        return [("segment", _("This segment was deleted. Choose another."))]
    return []


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> Part:
    number = leaf["segment"]
    if number in scope.inside:
        raise BrokenRule(_("The segment is part of its own rule."))
    segment = Segment.objects.filter(pk=number).only("static", "rule").first()
    if segment is None:
        raise BrokenRule(_("The rule uses a segment that was deleted."))
    if segment.static:
        narrowed, ids = scope.within("m.contact_id")
        sql = f"SELECT m.contact_id FROM contacts_segmentmember m WHERE m.segment_id = %s{narrowed}"
        return IdSet(sql, [number, *ids])
    inner = replace(scope, inside=(*scope.inside, number))
    part = compile_rule(segment.rule, inner)
    return part if isinstance(part, Cond) else IdSet(*select_ids(segment.rule, inner))


def describe(leaf: dict[str, Any]) -> str:
    name = Segment.objects.filter(pk=leaf.get("segment")).values_list("name", flat=True).first()
    return _("is in the segment “{name}”").format(name=name or _("deleted"))


def timed(leaf: dict[str, Any]) -> bool:
    rule = Segment.objects.filter(pk=leaf.get("segment"), static=False).values_list("rule", flat=True).first()
    return bool(rule) and is_timed(rule)


LEAF = Leaf("segment", check, compile_leaf, describe, timed)
