"""All kinds of conditions: ours, and those that rooms on the left add."""

from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string

from contacts.segments.base import Leaf


@lru_cache(maxsize=1)
def leaves() -> dict[str, Leaf]:
    """Every Leaf by kind. Raises ValueError when two rooms use one name."""
    own = [import_string(f"contacts.segments.leaves.{module}.LEAF") for module in _MODULES]
    found = {leaf.kind: leaf for leaf in own}
    for path in settings.SEGMENT_CONDITIONS:
        for leaf in import_string(path):
            if leaf.kind in found:
                raise ValueError(f"{path}: a condition {leaf.kind!r} exists already.")
            found[leaf.kind] = leaf
    return found


_MODULES = ["attribute", "tag", "stage", "event", "order", "consent", "identity", "segment", "listed"]


def leaf_of(kind: object) -> Leaf | None:
    return leaves().get(kind) if isinstance(kind, str) else None
