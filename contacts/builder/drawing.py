"""Puts on the tree what its page shows: widgets, what is wrong with a row, what the menus offer."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contacts.builder.fields import Field, Lists, Widget
from contacts.builder.schema import SCHEMAS, WHERE_OPS, Schema, unshown
from contacts.builder.tree import Node, walk
from contacts.models import Segment, Tag
from scrm.core.models import Team, User


@dataclass(frozen=True)
class WhereRow:
    """One "of which property …" of an event condition."""

    at: int
    property: str
    op: str
    value: Any
    ops: list[tuple[str, Any]]


def lists(attributes: Iterable[str], events: Iterable[tuple[str, str]], *, without_segment: int | None = None) -> Lists:
    """What menus offer. Four queries. A segment can't be a condition of itself."""
    return Lists(
        tags=list(Tag.objects.order_by("name").values_list("id", "name")),
        segments=list(Segment.objects.exclude(pk=without_segment).order_by("name").values_list("id", "name")),
        attributes=[(f"attributes.{key}", key) for key in attributes],
        events=list(events),
        owners=list(User.objects.active().values_list("id", "name")),
        teams=list(Team.objects.values_list("id", "name")),
    )


def draw(root: Node, offered: Lists, problems: Iterable[tuple[str, str, str]]) -> Node:
    """``problems`` are (node path, field name or empty, message)."""
    by_node: dict[str, list[tuple[str, str]]] = {}
    for path, name, message in problems:
        by_node.setdefault(path, []).append((name, message))
    for node in walk(root):
        found = by_node.get(node.path, [])
        node.problems = list(dict.fromkeys(message for _name, message in found))
        schema = SCHEMAS.get(node.kind)
        node.schema = schema
        node.extra = json.dumps(unshown(node.kind, node.values), ensure_ascii=False)
        if schema:
            bad = {name for name, _message in found}
            node.widgets = [_widget(node, field, offered, bad) for field in schema.fields if field.shown(node.values)]
            node.where = _where_rows(node, schema)
    return root


def _widget(node: Node, field: Field, offered: Lists, bad: set[str]) -> Widget:
    options, kind = field.choices(offered, node.values), field.drawn(node.values)
    value = node.values.get(field.name)
    chosen: list[tuple[Any, Any]] = []
    if kind == "many":
        labels = {str(known): label for known, label in options}
        chosen = [(item, labels.get(str(item), item)) for item in value or []]
        held = {str(item) for item, _label in chosen}
        options = [(known, label) for known, label in options if str(known) not in held]
    elif kind == "choice" and value not in (None, "") and str(value) not in {str(known) for known, _l in options}:
        options = [*options, (value, value)]
    if isinstance(value, list) and kind != "many":
        value = ", ".join(str(item) for item in value)
    name, dom_id = f"{node.path}:{field.name}", f"{node.dom_id}-{field.name}"
    return Widget(field, kind, name, dom_id, value, options, chosen, field.name in bad)


def _where_rows(node: Node, schema: Schema) -> list[WhereRow]:
    if not schema.has_where:
        return []
    return [
        WhereRow(at, row.get("property", ""), row.get("op", "eq"), row.get("value"), WHERE_OPS)
        for at, row in enumerate(node.values.get("where") or [])
    ]


def menu() -> list[Schema]:
    return list(SCHEMAS.values())
