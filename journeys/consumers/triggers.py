"""What an event does to journeys, for a whole batch at once: it ends a wait, tells how a message went, lets people in,
reaches a goal, takes people out. Runs in one transaction with the consumer's cursor."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from contacts import intake, segments
from contacts.consumers import EventRow
from contacts.enums import EventKind
from journeys import engine, enrolling, live, subscriptions
from journeys.enums import OPEN_STATES, EnrolmentState, Reason
from journeys.live import Condition, Index
from journeys.models import Enrolment
from journeys.steps.send import outcome_of
from scrm.lib import clock, hints

log = logging.getLogger(__name__)

FINAL = {EventKind.MESSAGE_SENT.value, EventKind.MESSAGE_SUPPRESSED.value, EventKind.MESSAGE_FAILED.value}


def consume(events: list[EventRow]) -> None:
    """Effects are idempotent: a batch that is consumed again finds subscriptions gone, waits over and unique keys taken.

    Order matters: rows of people are locked first and in id order, the log's order lock is taken last (``append_own``).
    """
    index = live.index()
    outcomes, waited = [], defaultdict(list)
    plan = Plan()
    for event in events:
        kind = event.kind
        if kind in FINAL:
            outcomes.append(event)
        if kind in index.waits:
            waited[kind].append((event.contact_id, event.id))
        if kind in index.triggers or kind in index.goals or kind in index.exits:
            plan.note(event, index)
    wake_senders(outcomes)
    if waited:
        subscriptions.wake(subscriptions.find(waited))
    own = plan.carry_out()
    if own:
        intake.append_own(own)
        hints.poke_on_commit("journeys.advance")


def wake_senders(events: list[EventRow]) -> int:
    """The ledger's last word on messages of send steps. Only the very step and visit that asked is woken."""
    latest = {}
    for event in events:
        ref = event.properties.get("ref") or {}
        if "enrolment" in ref:
            place = (ref["enrolment"], ref["step"], ref["visit"])
            latest[place] = (outcome_of(event.kind, event.properties.get("reason", "")), event.id)
    if not latest:
        return 0
    wakes = [(*place, *word) for place, word in latest.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH held AS (SELECT e.id, v.outcome, v.event_id FROM journeys_enrolment e"
            " JOIN unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::bigint[])"
            " v(id, step, visit, outcome, event_id) ON v.id = e.id AND v.step = e.step AND v.visit = e.visit"
            " WHERE e.state = 'waiting' AND e.due_at IS NULL ORDER BY e.id FOR NO KEY UPDATE OF e)"
            " UPDATE journeys_enrolment e SET due_at = %s, wake = h.outcome, wake_event_id = h.event_id"
            " FROM held h WHERE e.id = h.id",
            [*(list(column) for column in zip(*wakes, strict=True)), clock.now()],
        )
        woken = cursor.rowcount
    if woken:
        hints.poke_on_commit("journeys.advance")
    return woken


@dataclass(slots=True)
class Note:
    condition: Condition
    event: EventRow


class Plan:
    """Entries, goals and exits of a batch in phases: within a phase people enter and then leave; a trigger that follows a
    goal or exit of the same person in the same journey belongs to the next phase, so that order is kept without going
    through the events one by one."""

    def __init__(self) -> None:
        self.entries: dict[int, list[Note]] = defaultdict(list)
        self.leaves: dict[int, list[tuple[Note, Reason]]] = defaultdict(list)
        self._phase: dict[tuple[int, int], int] = {}
        self._left: set[tuple[int, int]] = set()

    def note(self, event: EventRow, index: Index) -> None:
        for condition in index.triggers.get(event.kind, ()):
            if condition.met_by(event.properties):
                place = (condition.graph.journey_id, event.contact_id)
                if place in self._left:
                    self._left.discard(place)
                    self._phase[place] = self._phase.get(place, 0) + 1
                self.entries[self._phase.get(place, 0)].append(Note(condition, event))
        for found, reason in ((index.goals, Reason.GOAL), (index.exits, Reason.RULE)):
            for condition in found.get(event.kind, ()):
                if condition.met_by(event.properties):
                    place = (condition.graph.journey_id, event.contact_id)
                    self.leaves[self._phase.get(place, 0)].append((Note(condition, event), reason))
                    self._left.add(place)

    def carry_out(self) -> list[intake.Incoming]:
        """All phases in order; answers the events to append."""
        own: list[intake.Incoming] = []
        for phase in sorted(self.entries.keys() | self.leaves.keys()):
            own += _let_in(self.entries.get(phase, []))
            own += _let_out(self.leaves.get(phase, []))
        return own


def _let_in(notes: list[Note]) -> list[intake.Incoming]:
    now = clock.now()
    by_journey: dict[int, list[Note]] = defaultdict(list)
    for note in notes:
        by_journey[note.condition.graph.journey_id].append(note)
    own = []
    for group in by_journey.values():
        condition = group[0].condition
        people = {note.event.contact_id for note in group}
        met = _meeting(condition, people, now)
        entries = [
            enrolling.Entry(
                note.event.contact_id,
                note.event.id,
                note.event.properties,
                str(note.event.properties.get(condition.key, "")) if condition.key else "",
            )
            for note in group
            if note.event.contact_id in met
        ]
        own += enrolling.enrol(condition.graph, entries, now)
    return own


def _meeting(condition: Condition, people: set[int], now: datetime) -> set[int]:
    """Those who meet the entry condition. One that cannot be evaluated (it names something deleted) lets nobody in, and the other
    journeys go on."""
    if not condition.rule:
        return people
    try:
        with transaction.atomic():
            return segments.matching(condition.rule, people, now)
    except (segments.BrokenRule, KeyError, TypeError, DatabaseError) as error:
        if not segments.validate(condition.rule):
            raise
        log.warning("the entry condition of journey %s is broken: %s", condition.graph.journey_id, error)
        return set()


def _let_out(notes: list[tuple[Note, Reason]]) -> list[intake.Incoming]:
    """Goals first: who reaches the goal and meets an exit condition by the same event has reached the goal."""
    own = []
    for reason in (Reason.GOAL, Reason.RULE):
        positions: dict[tuple[int, int], int] = {}
        for note, why in notes:
            if why is reason:
                positions[note.condition.graph.version_id, note.event.contact_id] = note.event.id
        if positions:
            own += _leave_by(positions, reason)
    return own


def _leave_by(positions: dict[tuple[int, int], int], reason: Reason) -> list[intake.Incoming]:
    """Runs that began before the event end; a goal also marks the latest run that is over already."""
    rows: list[dict[str, Any]] = list(
        Enrolment.objects.filter(
            version_id__in={version for version, _contact in positions},
            contact_id__in={contact for _version, contact in positions},
        )
        .order_by("id")
        .values("id", "version_id", "contact_id", "state", "entry_event_id", "converted_at")
    )
    leaving, converted = [], {}
    for row in rows:
        place = (row["version_id"], row["contact_id"])
        if row["entry_event_id"] >= positions.get(place, 0):
            continue
        if row["state"] in OPEN_STATES:
            leaving.append(row["id"])
        elif row["state"] in {EnrolmentState.DONE, EnrolmentState.EXITED} and row["converted_at"] is None:
            converted[place] = row["id"]
    now = clock.now()
    with connection.cursor() as cursor:
        own = engine.take_out_quietly(cursor, leaving, reason, now, converted=reason is Reason.GOAL) if leaving else []
    if reason is Reason.GOAL and converted:
        Enrolment.objects.filter(pk__in=converted.values(), converted_at=None).update(converted_at=now)
    return own
