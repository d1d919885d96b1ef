"""A fixed list of contacts."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.log.copying import array
from contacts.segments.base import Cond, Leaf, Scope

_MOST = 10_000


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    ids = leaf.get("ids")
    if not isinstance(ids, list) or any(not isinstance(number, int) or isinstance(number, bool) for number in ids):
        return [("ids", _("Choose customers."))]
    if len(ids) > _MOST:
        return [("ids", _("A list in a rule holds at most {n} customers; make a static segment.").format(n=_MOST))]
    return []


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> Cond:
    return Cond("c.id = ANY(%s::bigint[])", [array(leaf["ids"])])


def describe(leaf: dict[str, Any]) -> str:
    number = len(leaf.get("ids") or [])
    return ngettext("is on a list of {n} customer", "is on a list of {n} customers", number).format(n=number)


LEAF = Leaf("contacts", check, compile_leaf, describe)
