"""The segment builder's tree: a rule as nodes that a form can post whole and a button can change. Pure, no database.

A node is a group (all or any of its children) or a condition row; each can be turned round by ``negated``. Its path is the
list of child positions from the root, written ``r.0.2`` in field names and buttons.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Rule = dict[str, Any]
ROOT = "r"
MAX_DEPTH = 6
MAX_NODES = 60

_FIELD = re.compile(r"^(r(?:\.\d{1,3})*):([a-z_]+(?:\.\d{1,2}\.[a-z_]+)?)$")


class TreeTooBig(ValueError):
    """More nodes or levels than the builder can show; the message is for people."""


@dataclass
class Node:
    kind: str
    """``all``, ``any``, or the kind of a condition."""
    negated: bool = False
    children: list["Node"] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    """Fields of a condition as the rule has them (without ``kind``)."""
    path: str = ROOT
    problems: list[str] = field(default_factory=list)
    count: Any = None
    """contacts.counting.Count of the people who meet this condition alone; None when not counted."""
    schema: Any = None
    widgets: list[Any] = field(default_factory=list)
    where: list[Any] = field(default_factory=list)
    extra: str = ""
    """JSON of the values that the row has no fields for."""

    @property
    def is_group(self) -> bool:
        return self.kind in {"all", "any"}

    @property
    def dom_id(self) -> str:
        return "n-" + self.path.replace(".", "-")


def from_rule(rule: Rule | None) -> Node:
    """The tree of a stored rule. The root is always a group, so that there is a place to add to."""
    node = _node(rule) if rule else Node("all")
    if not node.is_group or node.negated:
        node = Node("all", children=[node])
    return number(node)


def to_rule(node: Node) -> Rule:
    """The rule of the tree, rows that are not yet complete included as they are."""
    rule = (
        {node.kind: [to_rule(child) for child in node.children]}
        if node.is_group
        else {"kind": node.kind, **node.values}
    )
    return {"not": rule} if node.negated else rule


def number(root: Node) -> Node:
    """Give every node its path again after a change."""

    def walk_down(node: Node, path: str) -> None:
        node.path = path
        for position, child in enumerate(node.children):
            walk_down(child, f"{path}.{position}")

    walk_down(root, ROOT)
    return root


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def find(root: Node, path: str) -> Node | None:
    return next((node for node in walk(root) if node.path == path), None)


def from_post(post: Any, read: Callable[[str, dict[str, list[str]]], dict[str, Any]]) -> Node:
    """The tree out of a QueryDict with fields ``r.0.1:field``; ``read(kind, fields)`` gives a row its typed values
    (schema.read). Raises TreeTooBig."""
    rows: dict[str, dict[str, list[str]]] = {}
    for name, values in post.lists():
        if found := _FIELD.match(name):
            rows.setdefault(found[1], {})[found[2]] = values
    if len(rows) > MAX_NODES or any(path.count(".") >= MAX_DEPTH for path in rows):
        raise TreeTooBig
    return number(_posted(ROOT, rows, read) or Node("all"))


def without(root: Node, paths: set[str]) -> Node:
    """A copy without the condition rows at ``paths`` and without groups that are empty for lack of them."""

    def keep(node: Node) -> Node | None:
        if not node.is_group:
            return None if node.path in paths else node
        children = [kept for child in node.children if (kept := keep(child))]
        return Node(node.kind, node.negated, children, path=node.path) if children else None

    return keep(root) or Node(root.kind)


def _node(rule: Rule) -> Node:
    if "not" in rule:
        inner = _node(rule["not"])
        if inner.negated:
            inner = Node("all", children=[inner])
        inner.negated = True
        return inner
    for kind in ("all", "any"):
        if kind in rule:
            return Node(kind, children=[_node(child) for child in rule[kind]])
    values = deepcopy({name: value for name, value in rule.items() if name != "kind"})
    return Node(str(rule.get("kind", "")), values=values)


def _posted(path: str, rows: dict[str, dict[str, list[str]]], read: Callable) -> Node | None:
    fields = rows.get(path)
    if fields is None:
        return None
    kind, negated = fields.pop("kind", ["all"])[-1], fields.pop("negated", [""])[-1] == "1"
    if kind not in {"all", "any"}:
        return Node(kind, negated, values=read(kind, fields))
    below = re.compile(re.escape(path) + r"\.(\d+)$")
    positions = sorted(int(found[1]) for other in rows if (found := below.match(other)))
    children = [child for position in positions if (child := _posted(f"{path}.{position}", rows, read))]
    return Node(kind, negated, children)
