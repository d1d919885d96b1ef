"""What the event log means for live journeys: which kind of event lets people in, is a goal, or takes people out. One index
for all journeys, rebuilt when a journey was published, paused, resumed or ended."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from contacts.enums import EventKind
from journeys import where
from journeys.enums import JourneyState, TriggerKind, VersionState
from journeys.graph import Graph, graph_of
from journeys.models import Journey, Version


@dataclass(frozen=True, slots=True)
class Condition:
    """An event's kind is in the index already; this is the rest."""

    graph: Graph
    where: list[dict[str, Any]]
    rule: dict[str, Any] = field(default_factory=dict)
    key: str = ""

    def met_by(self, properties: dict[str, Any]) -> bool:
        return not self.where or where.holds(self.where, properties)


@dataclass(slots=True)
class Index:
    stamp: tuple = ()
    triggers: dict[str, list[Condition]] = field(default_factory=lambda: defaultdict(list))
    goals: dict[str, list[Condition]] = field(default_factory=lambda: defaultdict(list))
    exits: dict[str, list[Condition]] = field(default_factory=lambda: defaultdict(list))
    waits: set[str] = field(default_factory=set)
    """Kinds that a step of some version with people inside may wait for."""


_index = Index()


def index() -> Index:
    """The present index; one cheap query when nothing changed. Goals and exits are kept per version: people follow the rules
    of the version they entered by."""
    global _index
    # Of every journey: two that are published at once may commit in the other order than their times say.
    stamp = tuple(Journey.objects.order_by("pk").values_list("pk", "changed_at"))
    if stamp != _index.stamp:
        _index = _build(stamp)
    return _index


def trigger_event(trigger: dict[str, Any]) -> tuple[str, list[dict[str, Any]]] | None:
    """Kind and conditions of the event that lets people in; None when they are added by hand."""
    match trigger["kind"]:
        case TriggerKind.EVENT:
            return trigger["event"], trigger["where"]
        case TriggerKind.SEGMENT:
            return EventKind.SEGMENT_ENTERED.value, [{"property": "segment", "op": "eq", "value": trigger["segment"]}]
        case TriggerKind.STAGE:
            return EventKind.STAGE_CHANGED.value, [{"property": "to", "op": "eq", "value": trigger["stage"]}]
    return None


def _build(stamp: tuple) -> Index:
    built = Index(stamp)
    versions = Version.objects.exclude(state=VersionState.DRAFT).exclude(journey__state=JourneyState.ENDED)
    for version in versions.select_related("journey").order_by("journey_id", "number"):
        graph = graph_of(version.pk)
        definition = graph.definition
        live = version.journey.state == JourneyState.LIVE
        if live and version.state == VersionState.PUBLISHED and (found := trigger_event(definition["trigger"])):
            kind, conditions = found
            trigger = definition["trigger"]
            built.triggers[kind].append(
                Condition(graph, conditions, trigger.get("rule") or {}, trigger.get("key") or "")
            )
        if definition.get("goal"):
            built.goals[definition["goal"]["event"]].append(Condition(graph, definition["goal"]["where"]))
        for rule in definition.get("exits", ()):
            built.exits[rule["event"]].append(Condition(graph, rule["where"]))
        built.waits |= {node.config["event"] for node in graph.nodes.values() if node.kind == "wait_event"}
    return built
