"""Letting people in. The re-entry policy is kept by unique keys (journeys.models.Enrolment), so that two workers, a
redelivered event and a click on "add" can never let one person in twice."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from contacts.enums import ChannelKind, EventKind
from contacts.intake import Incoming
from journeys import local_time
from journeys.enums import OPEN_STATES, EnrolmentState, Reentry
from journeys.graph import Graph
from journeys.models import Enrolment, Journey
from journeys.times import duration
from journeys.tree import TRIGGER
from journeys.walk import add_counts

MOST_CONTEXT = 2000
"""Characters of the entry event's properties that are kept for the run."""


@dataclass(slots=True)
class Entry:
    """Somebody who is to enter: by which event, or by hand (event id = the log's position now)."""

    contact_id: int
    event_id: int
    properties: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    """One run per cart, per order: the value of the trigger's key property."""


def enrol(graph: Graph, entries: list[Entry], now: datetime) -> list[Incoming]:
    """Let in everybody the policy allows; at most one run per person and key for *never* and *after exit*. The caller has
    checked trigger and entry rule, and appends the journey_entered events that are answered, last in its transaction."""
    policy = graph.definition["reentry"]["policy"]
    entries = _distinct(entries, policy)
    entries = _allowed(graph, entries, now)
    if not entries or graph.start is None:
        return []
    rows = [
        (
            entry.contact_id,
            entry.event_id,
            f"k:{entry.key}"[:80] if policy == Reentry.NEVER else f"e:{entry.event_id}",
            entry.key[:80] if policy == Reentry.AFTER_EXIT else None,
            _context(entry.properties),
        )
        for entry in entries
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    state, due_at = _arrival(graph, now)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journeys_enrolment (journey_id, version_id, contact_id, state, step, visit, due_at, wake,"
            " wake_event_id, context, entered_at, entry_event_id, run, slot, reason, faults, fault)"
            " SELECT %s, %s, c.id, %s, %s, 1, %s, '', CASE WHEN %s THEN 0 ELSE v.event_id END, v.context::jsonb, %s,"
            " v.event_id, v.run, v.slot, '', 0, '' FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[])"
            " v(contact_id, event_id, run, slot, context)"
            " JOIN contacts_contact c ON c.id = v.contact_id AND c.merged_into_id IS NULL ORDER BY v.event_id"
            " ON CONFLICT DO NOTHING RETURNING id, contact_id",
            [graph.journey_id, graph.version_id, state.value, graph.start, due_at, due_at > now, now, *columns],
        )
        entered = cursor.fetchall()
        if not entered:
            return []
        counts = Counter({(graph.version_id, TRIGGER, "in"): len(entered)})
        counts[graph.version_id, graph.start, "in"] += len(entered)
        add_counts(cursor, counts)
    name = Journey.objects.values_list("name", flat=True).get(pk=graph.journey_id)
    return [
        Incoming(
            kind=EventKind.JOURNEY_ENTERED,
            channel=ChannelKind.SYS,
            occurred_at=now,
            contact_id=contact_id,
            external_id=f"journey_entered:{pk}",
            properties={"journey": graph.journey_id, "name": name, "enrolment": pk, "version": graph.version_id},
        )
        for pk, contact_id in entered
    ]


def _arrival(graph: Graph, now: datetime) -> tuple[EnrolmentState, datetime]:
    """A way that begins with a wait for a while counts it from the entry itself, however late the engine comes to it."""
    node = graph.nodes[graph.start]
    if node.kind == "wait" and node.config.get("mode") != "until":
        return EnrolmentState.WAITING, now + duration(node.config)
    return EnrolmentState.ACTIVE, now


def _distinct(entries: list[Entry], policy: str) -> list[Entry]:
    if policy == Reentry.ALWAYS:
        return entries
    first: dict[tuple[int, str], Entry] = {}
    for entry in entries:
        first.setdefault((entry.contact_id, entry.key), entry)
    return list(first.values())


def _allowed(graph: Graph, entries: list[Entry], now: datetime) -> list[Entry]:
    """Without people whose earlier run forbids another one. Said here as well as in the unique keys, since the policy may
    have been another when they entered, and for the gap, which counts calendar days where the person is."""
    reentry = graph.definition["reentry"]
    policy, gap = reentry["policy"], reentry.get("gap_days") or 0
    if policy == Reentry.ALWAYS and not gap:
        return entries
    earlier = defaultdict(list)
    rows = Enrolment.objects.filter(journey_id=graph.journey_id, contact_id__in={entry.contact_id for entry in entries})
    for contact_id, run, slot, state, entered_at in rows.values_list(
        "contact_id", "run", "slot", "state", "entered_at"
    ):
        earlier[contact_id].append((run, slot, state, entered_at))
    if not earlier:
        return entries
    zones = local_time.zones_of(earlier) if gap else {}
    return [
        entry
        for entry in entries
        if not any(_forbids(run, entry, policy, gap, zones, now) for run in earlier.get(entry.contact_id, ()))
    ]


def _forbids(earlier: tuple, entry: Entry, policy: str, gap: int, zones: dict, now: datetime) -> bool:
    run, slot, state, entered_at = earlier
    if policy == Reentry.NEVER:
        return not entry.key or run == f"k:{entry.key}"[:80]
    if policy == Reentry.AFTER_EXIT and state in OPEN_STATES and (not entry.key or slot == entry.key[:80]):
        return True
    zone = zones.get(entry.contact_id)
    return bool(gap and zone) and local_time.day_of(zone, now) < local_time.day_of(zone, entered_at) + timedelta(
        days=gap
    )


def _context(properties: dict[str, Any]) -> str:
    """The entry event's plain values, as long as they are few."""
    plain = {key: value for key, value in properties.items() if isinstance(value, str | int | float | bool)}
    text = json.dumps({"event": plain}) if plain else "{}"
    return text if len(text) <= MOST_CONTEXT else "{}"
