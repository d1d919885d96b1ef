"""SLA clocks: from what was stored (states with their times, replies, waits) and the calendar to elapsed and due.

Pure. Nothing is ever counted up: the same rows give the same answer at any time and after any restart.

* First reply: from the opening to the first public reply of a person. Ends unanswered when the ticket is solved first; a
  reopening never starts it again.
* Next reply: from the oldest customer message that is not answered; ends with the reply or the solution.
* Resolution: one clock per cycle, running while the ticket is open, standing while we wait for the customer. A reopening
  opens a new cycle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service_desk import calendar
from service_desk.calendar import Calendar
from service_desk.enums import Metric, TicketState

_ENDED = {TicketState.SOLVED.value, TicketState.CLOSED.value}


@dataclass(frozen=True, slots=True)
class Targets:
    """Seconds of working time; None: no promise."""

    first_reply: int | None
    next_reply: int | None
    resolution: int | None

    def of(self, metric: Metric) -> int | None:
        return {
            Metric.FIRST_REPLY: self.first_reply,
            Metric.NEXT_REPLY: self.next_reply,
            Metric.RESOLUTION: self.resolution,
        }[metric]


@dataclass(frozen=True, slots=True)
class Span:
    state: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Wait:
    """The customer waits for a further reply. ``key`` is the stored row's."""

    key: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Story:
    """What is stored of a ticket; spans and waits in the order of their times."""

    opened_at: datetime
    first_reply_at: datetime | None
    spans: Sequence[Span]
    waits: Sequence[Wait] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """``due_at`` is None while it stands or when it has ended in time; ``breached_at`` is the moment the promise broke."""

    metric: Metric
    trigger: int
    """Which one: 0 for the first reply, the wait's key, the number of the resolution cycle."""
    started_at: datetime
    ended_at: datetime | None
    elapsed: float
    target: int
    running: bool
    due_at: datetime | None
    warn_at: datetime | None
    breached_at: datetime | None

    @property
    def paused(self) -> bool:
        return self.ended_at is None and not self.running

    @property
    def left(self) -> float:
        return self.target - self.elapsed

    @property
    def ratio(self) -> float:
        return min(self.elapsed / self.target, 1.0) if self.target else 1.0


def clocks(story: Story, targets: Targets, hours: Calendar, now: datetime, warn: float = 0.8) -> list[Clock]:
    """Every clock of the ticket that has a promise, the first reply first, then waits, then cycles."""
    parts = [(Metric.FIRST_REPLY, 0, [_first_reply(story)])]
    parts += [(Metric.NEXT_REPLY, wait.key, [_cut(story, wait)]) for wait in story.waits]
    parts += [(Metric.RESOLUTION, number, spans) for number, spans in cycles(story)]
    found = []
    for metric, trigger, spans in parts:
        target = targets.of(metric)
        if target is not None and spans:
            found.append(_clock(metric, trigger, spans, target, hours, now, warn))
    return found


def cycles(story: Story) -> list[tuple[int, list[tuple[datetime, datetime | None, bool]]]]:
    """Resolution cycles from 1: (since, until, does the clock run) per span."""
    found: list[tuple[int, list[tuple[datetime, datetime | None, bool]]]] = []
    ended = True
    for span in story.spans:
        if span.state in _ENDED:
            ended = True
            continue
        if ended:
            found.append((len(found) + 1, []))
            ended = False
        found[-1][1].append((span.since, span.until, span.state == TicketState.OPEN))
    return found


def first_reply_seconds(story: Story, hours: Calendar) -> int | None:
    """Working seconds to the first reply; None when nobody replied."""
    if story.first_reply_at is None:
        return None
    return round(calendar.business_seconds(hours, story.opened_at, story.first_reply_at))


def resolution_seconds(story: Story, hours: Calendar, now: datetime) -> int | None:
    """Working seconds of the last cycle that has ended; None when none has."""
    ended = [spans for _number, spans in cycles(story) if spans[-1][1] is not None]
    if ended and story.spans[-1].state not in _ENDED:
        ended = [spans for spans in ended if spans[-1][1] != story.spans[-1].since]
    if not ended:
        return None
    return round(sum(calendar.business_seconds(hours, since, until or now) for since, until, on in ended[-1] if on))


def next_look(found: Sequence[Clock], now: datetime) -> datetime | None:
    """When something may be to tell: the next warning or due moment that lies ahead of a running clock."""
    ahead = [
        moment
        for clock in found
        if clock.running
        for moment in (clock.warn_at, clock.due_at)
        if moment is not None and moment > now
    ]
    return min(ahead, default=None)


def next_due(found: Sequence[Clock]) -> datetime | None:
    """The nearest promise that still runs, broken ones too: what the list sorts by."""
    return min((clock.due_at for clock in found if clock.running and clock.due_at is not None), default=None)


def _first_reply(story: Story) -> tuple[datetime, datetime | None, bool]:
    solved = min((span.since for span in story.spans if span.state in _ENDED), default=None)
    ends = [moment for moment in (story.first_reply_at, solved) if moment is not None]
    return story.opened_at, min(ends, default=None), True


def _cut(story: Story, wait: Wait) -> tuple[datetime, datetime | None, bool]:
    solved = [span.since for span in story.spans if span.state in _ENDED and span.since > wait.since]
    ends = [moment for moment in (wait.until, min(solved, default=None)) if moment is not None]
    return wait.since, min(ends, default=None), True


def _clock(
    metric: Metric,
    trigger: int,
    spans: Sequence[tuple[datetime, datetime | None, bool]],
    target: int,
    hours: Calendar,
    now: datetime,
    warn: float,
) -> Clock:
    elapsed, due_at, warn_at = 0.0, None, None
    for since, until, runs in spans:
        if not runs:
            continue
        passed = calendar.business_seconds(hours, since, min(until, now) if until else now)
        open_end = until is None
        if warn_at is None and (elapsed + passed >= target * warn or open_end):
            warn_at = calendar.after(hours, since, target * warn - elapsed)
        if due_at is None and (elapsed + passed >= target or open_end):
            due_at = calendar.after(hours, since, target - elapsed)
        elapsed += passed
    ended_at = spans[-1][1]
    running = ended_at is None and spans[-1][2]
    return Clock(
        metric=metric,
        trigger=trigger,
        started_at=spans[0][0],
        ended_at=ended_at,
        elapsed=elapsed,
        target=target,
        running=running,
        due_at=due_at,
        warn_at=warn_at,
        breached_at=due_at if _broken(due_at, ended_at, now) else None,
    )


def _broken(due_at: datetime | None, ended_at: datetime | None, now: datetime) -> bool:
    """What ends at the very moment it is due is in time; what still runs then is not."""
    return due_at is not None and (now >= due_at if ended_at is None else ended_at > due_at)
