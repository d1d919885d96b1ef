"""Whether the contact has an identity of a kind, and whether it can be reached by it."""

from typing import Any

from django.utils.translation import gettext as _

from contacts.enums import IdentityKind, Trust
from contacts.segments.base import IdSet, Leaf, Params, Scope

_STATES = {"present": "", "reachable": " AND i.reachable", "verified": f" AND i.trust = {Trust.VERIFIED.value}"}


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    if leaf.get("identity") not in IdentityKind.values:
        return [("identity", _("Choose a kind of identity."))]
    return [] if leaf.get("state", "present") in _STATES else [("state", _("Choose a state."))]


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> IdSet:
    condition = "i.kind = %s" + _STATES[leaf.get("state", "present")]
    inner: Params = [leaf["identity"]]
    narrowed, ids = scope.within("i.contact_id")

    def exists(outer: str) -> tuple[str, Params]:
        return f"SELECT 1 FROM contacts_identity i WHERE {condition} AND i.contact_id = {outer}", inner

    sql = f"SELECT i.contact_id FROM contacts_identity i WHERE {condition}{narrowed}"
    return IdSet(sql, inner + ids, distinct=False, exists=exists)


def describe(leaf: dict[str, Any]) -> str:
    name = IdentityKind(leaf["identity"]).label if leaf.get("identity") in IdentityKind.values else ""
    text = {"reachable": _("can be reached by {identity}"), "verified": _("has a verified {identity}")}
    return text.get(leaf.get("state", "present"), _("has the identity {identity}")).format(identity=name)


LEAF = Leaf("identity", check, compile_leaf, describe)
