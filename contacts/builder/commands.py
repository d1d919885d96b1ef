"""What the builder's buttons do to the tree: ``do`` = ``verb|path|argument...``. Pure."""

from collections.abc import Callable
from copy import deepcopy

from contacts.builder.schema import SCHEMAS, blank
from contacts.builder.tree import MAX_DEPTH, MAX_NODES, Node, TreeTooBig, find, number, walk


def apply(root: Node, command: str) -> Node | None:
    """Change the tree and answer the node to put the focus on, or None. An unknown or outdated command changes nothing
    (two quick clicks post two trees, the second may name a row that is gone). Raises TreeTooBig."""
    verb, _bar, rest = command.partition("|")
    path, _bar, argument = rest.partition("|")
    node = find(root, path)
    handler = COMMANDS.get(verb)
    if node is None or handler is None:
        return None
    focus = handler(root, node, argument)
    number(root)
    if sum(1 for _node in walk(root)) > MAX_NODES or any(n.path.count(".") >= MAX_DEPTH for n in walk(root)):
        raise TreeTooBig
    return focus


def _add(root: Node, node: Node, kind: str) -> Node | None:
    if not node.is_group or kind not in SCHEMAS:
        return None
    node.children.append(Node(kind, values=blank(kind)))
    return node.children[-1]


def _group(root: Node, node: Node, argument: str) -> Node | None:
    if not node.is_group:
        return None
    node.children.append(Node("any" if node.kind == "all" else "all"))
    return node.children[-1]


def _remove(root: Node, node: Node, argument: str) -> Node | None:
    parent, position = _place(root, node)
    if parent:
        del parent.children[position]
    return parent


def _copy(root: Node, node: Node, argument: str) -> Node | None:
    parent, position = _place(root, node)
    if parent is None:
        return None
    parent.children.insert(position + 1, deepcopy(node))
    return parent.children[position + 1]


def _up(root: Node, node: Node, argument: str) -> Node | None:
    """One line up as the eye reads: into the end of a group above, or out of its own group at its head."""
    parent, position = _place(root, node)
    if parent is None:
        return None
    if position == 0:
        grand, parent_position = _place(root, parent)
        if grand:
            parent.children.remove(node)
            grand.children.insert(parent_position, node)
        return node
    del parent.children[position]
    above = parent.children[position - 1]
    if above.is_group and not node.is_group:
        above.children.append(node)
    else:
        parent.children.insert(position - 1, node)
    return node


def _down(root: Node, node: Node, argument: str) -> Node | None:
    parent, position = _place(root, node)
    if parent is None:
        return None
    if position == len(parent.children) - 1:
        grand, parent_position = _place(root, parent)
        if grand:
            parent.children.remove(node)
            grand.children.insert(parent_position + 1, node)
        return node
    del parent.children[position]
    below = parent.children[position]
    if below.is_group and not node.is_group:
        below.children.insert(0, node)
    else:
        parent.children.insert(position + 1, node)
    return node


def _switch(root: Node, node: Node, argument: str) -> Node | None:
    if node.is_group:
        node.kind = "any" if node.kind == "all" else "all"
    return node


def _negate(root: Node, node: Node, argument: str) -> Node | None:
    if node.path != root.path:
        node.negated = not node.negated
    return node


def _drop(root: Node, node: Node, argument: str) -> Node | None:
    """Take one value out of a field with several."""
    name, _bar, value = argument.partition("|")
    held = node.values.get(name)
    if isinstance(held, list):
        node.values[name] = [item for item in held if str(item) != value]
    return node


def _where(root: Node, node: Node, argument: str) -> Node | None:
    node.values["where"] = [*node.values.get("where", []), {"property": "", "op": "eq", "value": ""}]
    return node


def _unwhere(root: Node, node: Node, argument: str) -> Node | None:
    held = node.values.get("where", [])
    if argument.isdecimal() and int(argument) < len(held):
        del held[int(argument)]
    return node


def _place(root: Node, node: Node) -> tuple[Node | None, int]:
    for parent in walk(root):
        for position, child in enumerate(parent.children):
            if child is node:
                return parent, position
    return None, 0


COMMANDS: dict[str, Callable[[Node, Node, str], Node | None]] = {
    "add": _add,
    "group": _group,
    "remove": _remove,
    "copy": _copy,
    "up": _up,
    "down": _down,
    "switch": _switch,
    "negate": _negate,
    "drop": _drop,
    "where": _where,
    "unwhere": _unwhere,
}
