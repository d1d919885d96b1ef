"""One batch of people on their way: what steps decided is collected here and written at the end, set-based.

A walk happens inside one transaction that holds the row locks of its people. Whatever a step sends or issues carries a key
made of (enrolment, step, visit), so a transaction that was killed is simply walked again by the next worker.
"""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from psycopg2.extras import execute_values

from campaigns import sending
from campaigns.sending import SendRequest
from contacts import intake
from contacts.enums import ChannelKind, EventKind
from journeys import local_time
from journeys.enums import EnrolmentState, Reason
from journeys.graph import Graph, graph_of
from journeys.models import Journey

log = logging.getLogger(__name__)

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
_MOST_MOVES = 200
"""Groups a single walk may pass through; a way longer than that goes on in the next batch."""


@dataclass(slots=True, eq=False)
class Person:
    """An enrolment in flight. Until the walk is written, its row still says how the person got here."""

    id: int
    journey_id: int
    version_id: int
    contact_id: int
    state: str
    step: str
    visit: int
    wake: str
    raw_context: str
    faults: int
    trail: str = ""
    _context: dict[str, Any] | None = None
    changed: bool = False

    @property
    def context(self) -> dict[str, Any]:
        if self._context is None:
            self._context = json.loads(self.raw_context)
        return self._context

    def kept(self, name: str) -> Any:
        """What an earlier step left, or None. Most people carry nothing, so the stored text is not parsed for them."""
        if self._context is None and f'"{name}"' not in self.raw_context:
            return None
        return self.context.get(name)

    def keep(self, name: str, value: Any) -> None:
        """Leave something for later steps."""
        self.context[name] = value
        self.changed = True


COLUMNS = "id, journey_id, version_id, contact_id, state, step, visit, wake, context::text, faults"


@dataclass(slots=True)
class Walk:
    """Collects the decisions about one batch. ``now`` is business time."""

    now: datetime
    queue: dict[tuple[int, str, bool], list[Person]] = field(default_factory=lambda: defaultdict(list))
    parked: dict[tuple, list[Person]] = field(default_factory=lambda: defaultdict(list))
    finished: dict[tuple, list[Person]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter = field(default_factory=Counter)
    requests: list[SendRequest] = field(default_factory=list)
    events: list[intake.Incoming] = field(default_factory=list)
    """Our own events that tell what steps did; appended last."""
    careful: bool = False
    """Hand messages to the ledger group by group, inside the savepoint: after a batch as a whole was refused."""
    _zones: dict[int, ZoneInfo] = field(default_factory=dict)
    _here: tuple[Graph, str] | None = None

    # What steps call.

    def leave(self, people: list[Person], branch: str) -> None:
        """They go on by the branch."""
        if not people:
            return
        graph, key = self._here
        target = graph.nodes[key].target(branch)
        self.counts[graph.version_id, key, branch] += len(people)
        mark = f"{key}>{branch} "
        for person in people:
            person.trail += mark
            person.wake = ""
        if target is None:
            self.finish(people, Reason.COMPLETED, counted=True)
            return
        self.counts[graph.version_id, target, "in"] += len(people)
        self.queue[graph.version_id, target, False] += people

    def park(self, people: list[Person], due_at: datetime | None) -> None:
        """They stay in the step until ``due_at`` (business time), or until an event wakes them."""
        if people:
            self.parked[self._here[0].version_id, self._here[1], due_at] += people

    def finish(self, people: list[Person], reason: Reason, *, converted: bool = False, counted: bool = False) -> None:
        """Their run is over."""
        if not people:
            return
        graph, key = self._here
        if not counted:
            self.counts[graph.version_id, key, reason.value] += len(people)
            for person in people:
                person.trail += f"{key}>{reason.value} "
        self.finished[graph.version_id, key, reason, converted] += people

    def again(self, people: list[Person], branch: str) -> None:
        """They go round once more: later sends have keys of their own."""
        for person in people:
            person.visit += 1
        self.leave(people, branch)

    def send(self, requests: list[SendRequest]) -> None:
        """To the ledger, all messages of the batch in one call at the end: its locks come after all of ours."""
        if self.careful:
            sending.submit(requests)
        else:
            self.requests += requests

    def zone(self, contact_id: int) -> ZoneInfo:
        return self._zones[contact_id]

    def know_zones(self, people: Iterable[Person]) -> None:
        unknown = {person.contact_id for person in people} - self._zones.keys()
        if unknown:
            self._zones |= local_time.zones_of(unknown)
            missing = unknown - self._zones.keys()
            if missing:
                self._zones |= dict.fromkeys(missing, local_time.company_zone())

    # What the engine calls.

    def carry(self, people: Iterable[Person], step: Callable[[str], Any]) -> None:
        """Walk everybody as far as they get. ``step`` answers the kind for its name (journeys.steps.KINDS.get)."""
        for person in people:
            self.queue[person.version_id, person.step, person.state == EnrolmentState.WAITING].append(person)
        moves = 0
        while self.queue:
            place = min(self.queue, key=self._order)
            group = self.queue.pop(place)
            moves += 1
            if moves > _MOST_MOVES and not place[2]:
                self._here = (graph_of(place[0]), place[1])
                self._stop_over(group)
            else:
                self._visit(place, group, step)

    def _order(self, place: tuple[int, str, bool]) -> tuple[int, int, bool]:
        node = graph_of(place[0]).nodes.get(place[1])
        return (place[0], node.order if node else -1, not place[2])

    def _visit(self, place: tuple[int, str, bool], people: list[Person], step: Callable[[str], Any]) -> None:
        """One step for one group, in a savepoint. When it fails the group is halved until the culprits are alone."""
        version_id, key, resuming = place
        graph = graph_of(version_id)
        self._here = (graph, key)
        node = graph.nodes.get(key)
        if node is None:  # only a definition changed by hand can get here
            self.finish(people, Reason.STOPPED)
            return
        before = self._mark(people)
        try:
            with transaction.atomic():
                kind = step(node.kind)
                (kind.resume if resuming else kind.enter)(people, node, self)
        except (OperationalError, InterfaceError):
            raise  # the database itself is in trouble: the whole batch is taken again later
        except Exception as error:
            self._restore(before)
            if len(people) > 1:
                middle = len(people) // 2
                self._visit(place, people[:middle], step)
                self._visit(place, people[middle:], step)
            else:
                self._set_aside(place, people[0], error)

    def _set_aside(self, place: tuple[int, str, bool], person: Person, error: Exception) -> None:
        """One person's step failed: try again later, twice as late every time. The page of the journey shows it."""
        if isinstance(error, DatabaseError):
            log.warning("enrolment %s at %s: %s", person.id, place[1], error)
        else:
            log.exception("enrolment %s at %s", person.id, place[1], exc_info=error)
        person.faults += 1
        wait = min(FIRST_RETRY * 2 ** min(person.faults - 1, 12), LONGEST_RETRY)
        text = f"{type(error).__name__}: {error}"[:200]
        state = EnrolmentState.WAITING if place[2] else EnrolmentState.ACTIVE
        self.parked[place[0], place[1], self.now + wait, state, person.faults, text] += [person]

    def _stop_over(self, people: list[Person]) -> None:
        self.parked[self._here[0].version_id, self._here[1], self.now, EnrolmentState.ACTIVE, 0, ""] += people

    def _mark(self, people: list[Person]) -> tuple:
        # Columns instead of a tuple per person: thousands of small containers would keep the garbage collector busy.
        state = (people, [p.trail for p in people], [p.wake for p in people], [p.visit for p in people])
        lists = [{place: len(rows) for place, rows in box.items()} for box in (self.queue, self.parked, self.finished)]
        return state, lists, Counter(self.counts), len(self.requests), len(self.events)

    def _restore(self, mark: tuple) -> None:
        state, lists, self.counts, requests, events = mark
        del self.requests[requests:], self.events[events:]
        for person, person.trail, person.wake, person.visit in zip(*state, strict=True):
            person._context, person.changed = None, False
        for box, sizes in zip((self.queue, self.parked, self.finished), lists, strict=True):
            for place in list(box):
                del box[place][sizes.get(place, 0) :]
                if not box[place]:
                    del box[place]

    # What is written at the end.

    def write(self) -> None:
        """All effects on our own tables, then the events (intake takes the order lock of the log, so it comes last)."""
        with connection.cursor() as cursor:
            for (_version, key, due_at, *more), people in self.parked.items():
                state, faults, fault = more or (EnrolmentState.WAITING, 0, "")
                changes = "state = %s, step = %s, due_at = %s, faults = %s, fault = %s"
                if not faults:  # who is to try again is still woken by the same thing
                    changes += ", wake = ''" + (", wake_event_id = 0" if due_at and not more else "")
                _update(cursor, people, self.now, changes, [state, key, due_at, faults, fault])
            for (_version, key, reason, converted), people in self.finished.items():
                state = EnrolmentState.EXITED if reason in {Reason.RULE, Reason.STOPPED} else EnrolmentState.DONE
                changes = "state = %s, step = %s, due_at = NULL, exited_at = %s, reason = %s, faults = 0, fault = ''"
                values = [state, key, self.now, reason]
                if converted:
                    changes += ", converted_at = coalesce(converted_at, %s)"
                    values.append(self.now)
                _update(cursor, people, self.now, changes, values)
            self._write_context(cursor)
            add_counts(cursor, self.counts)
        if self.requests:
            sending.submit(self.requests)
        self.events += exit_events(
            [
                (person.contact_id, person.journey_id, person.id, reason, key)
                for (_version, key, reason, _converted), people in self.finished.items()
                for person in people
            ],
            self.now,
        )
        if self.events:
            intake.append_own(self.events)

    def _everybody(self) -> Iterable[Person]:
        for box in (self.parked, self.finished):
            for people in box.values():
                yield from people

    def _write_context(self, cursor) -> None:
        changed = [(p.id, json.dumps(p.context)) for p in self._everybody() if p.changed]
        if changed:
            execute_values(
                cursor,
                "UPDATE journeys_enrolment e SET context = v.context::jsonb FROM (VALUES %s) v(id, context)"
                " WHERE e.id = v.id::bigint",
                changed,
                page_size=len(changed),
            )


def ids_text(ids: Iterable[int]) -> str:
    """A bigint[] literal; several times faster than letting the driver adapt every number."""
    return "{" + ",".join(map(str, ids)) + "}"


def _update(cursor, people: list[Person], now: datetime, changes: str, values: list) -> None:
    """One statement for everybody with the same trail and visit."""
    alike = defaultdict(list)
    for person in people:
        alike[person.visit, person.trail].append(person.id)
    for (visit, trail), ids in alike.items():
        extra, more = "", []
        if trail:
            extra, more = ", trail = trail || %s", [f"{int(now.timestamp())} {trail.rstrip()}\n"]
        cursor.execute(
            f"UPDATE journeys_enrolment SET {changes}, visit = %s{extra} WHERE id = ANY(%s::bigint[])",
            [*values, visit, *more, ids_text(ids)],
        )


def add_counts(cursor, counts: Counter) -> None:
    """Deltas for the live figures of the builder: {(version, step, branch): n}."""
    rows = [(*place, n) for place, n in counts.items() if n]
    if rows:
        execute_values(cursor, "INSERT INTO journeys_stepcount (version_id, step, branch, n) VALUES %s", rows)


def journey_names(ids: set[int]) -> dict[int, str]:
    """What timelines call the journeys; no query for none."""
    return dict(Journey.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}


def exit_events(rows: list[tuple[int, int, int, str, str]], now: datetime) -> list[intake.Incoming]:
    """journey_exited for the timelines, of (contact, journey, enrolment, reason, step)."""
    names = journey_names({row[1] for row in rows})
    return [
        intake.Incoming(
            kind=EventKind.JOURNEY_EXITED,
            channel=ChannelKind.SYS,
            occurred_at=now,
            contact_id=contact_id,
            external_id=f"journey_exited:{enrolment_id}",
            properties={
                "journey": journey_id,
                "name": names.get(journey_id, ""),
                "enrolment": enrolment_id,
                "reason": str(reason),
                "step": key,
            },
        )
        for contact_id, journey_id, enrolment_id, reason, key in rows
    ]
