"""Tags that are on the contact and have not expired."""

from typing import Any

from django.utils.translation import gettext as _

from contacts.models import Tag
from contacts.segments.base import IdSet, Leaf, Scope


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    tags = leaf.get("tags")
    if not isinstance(tags, list) or not tags or not all(isinstance(tag, int) for tag in tags):
        return [("tags", _("Choose at least one tag."))]
    if leaf.get("op", "any") not in {"any", "all", "none"}:
        return [("op", _("Choose how to compare."))]
    if Tag.objects.filter(pk__in=tags).count() < len(set(tags)):
        return [("tags", _("A tag of this condition was deleted. Choose another."))]
    return []


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> IdSet:
    op, tags = leaf.get("op", "any"), sorted(set(leaf["tags"]))
    narrowed, params = scope.within("t.contact_id")
    valid = "t.tag_id = ANY(%s::bigint[]) AND (t.expires_at IS NULL OR t.expires_at > %s)"
    sql = f"SELECT t.contact_id FROM contacts_tagging t WHERE {valid}{narrowed}"
    params = [tags, scope.now, *params]
    if op == "all" and len(tags) > 1:
        return IdSet(f"{sql} GROUP BY t.contact_id HAVING count(DISTINCT t.tag_id) = %s", [*params, len(tags)])

    def exists(outer: str) -> tuple[str, list[Any]]:
        return f"SELECT 1 FROM contacts_tagging t WHERE {valid} AND t.contact_id = {outer}", [tags, scope.now]

    return IdSet(sql, params, distinct=len(tags) == 1, exists=exists, negated=op == "none")


def describe(leaf: dict[str, Any]) -> str:
    names = _("“, ”").join(Tag.objects.filter(pk__in=leaf.get("tags") or []).values_list("name", flat=True))
    text = {"all": _("has all of the tags “{tags}”"), "none": _("has none of the tags “{tags}”")}
    return text.get(leaf.get("op", "any"), _("has the tag “{tags}”")).format(tags=names)


LEAF = Leaf("tag", check, compile_leaf, describe)
