"""A published definition made ready for walking: every step knows where each of its branches leads."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from journeys.models import Version
from journeys.tree import Definition, Step

NEXT = "next"
"""The branch of a step that has none: the step that follows."""


@dataclass(frozen=True, slots=True)
class Node:
    version_id: int
    key: str
    kind: str
    order: int
    """Reading order: groups of people are moved top down so that those who meet at a join go on together."""
    config: dict[str, Any]
    branches: list[dict[str, Any]]
    after: str | None
    targets: dict[str, str | None] = field(default_factory=dict)

    def target(self, branch: str) -> str | None:
        """Key of the next step by that branch. One the design does not have goes by ``next`` (a message that was sent), else
        to the step that follows. None: the way is over."""
        if branch in self.targets:
            return self.targets[branch]
        return self.targets.get(NEXT, self.after)


@dataclass(frozen=True, slots=True)
class Graph:
    version_id: int
    journey_id: int
    definition: Definition
    start: str | None
    nodes: dict[str, Node]


def compile_definition(definition: Definition, *, version_id: int = 0, journey_id: int = 0) -> Graph:
    """Resolve every branch to a step key. Steps after an ending are kept (unreachable, told by the problems list)."""
    nodes: dict[str, Node] = {}

    def lay(steps: list[Step], after: str | None) -> str | None:
        for at, step in enumerate(steps):
            follower = steps[at + 1]["key"] if at + 1 < len(steps) else after
            node = Node(version_id, step["key"], step["kind"], len(nodes), step["config"], step["branches"], follower)
            nodes[step["key"]] = node
            inner_after = step["key"] if step["kind"] == "repeat" else follower
            for branch in step["branches"]:
                node.targets[branch["key"]] = lay(branch["steps"], inner_after)
        return steps[0]["key"] if steps else after

    start = lay(definition["steps"], None)
    return Graph(version_id, journey_id, definition, start, nodes)


@lru_cache(maxsize=512)
def graph_of(version_id: int) -> Graph:
    """The graph of a published or retired version. Cached for good: a published version never changes."""
    version = Version.objects.get(pk=version_id)
    return compile_definition(version.definition, version_id=version.pk, journey_id=version.journey_id)
