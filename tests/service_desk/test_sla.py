"""SLA clocks: a state machine whose every answer is checked against a stopwatch that ticks minute by minute."""

from datetime import UTC, datetime, timedelta

from clockwork import naive_open
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service_desk import sla
from service_desk.calendar import Hours
from service_desk.enums import Metric
from service_desk.sla import Span, Story, Targets, Wait

START = datetime(2026, 9, 30, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai on the day before a week of holidays."""
HOURS = (
    Hours(datetime(2000, 1, 1, tzinfo=UTC), "Asia/Shanghai", (((540, 720), (780, 1080)),) * 5 + ((), ())),
    Hours(datetime(2026, 9, 30, 8, 0, tzinfo=UTC), "Asia/Shanghai", (((600, 1440),),) * 7, holidays=False),
)
TARGETS = Targets(first_reply=30 * 60, next_reply=45 * 60, resolution=240 * 60)


class Tickets(RuleBasedStateMachine):
    """Plays a ticket. The stopwatch is moved with every minute that passes, by the rules of the house in words."""

    def __init__(self):
        super().__init__()
        self.now = START
        self.state, self.replied_at = "open", None
        self.spans = [["open", START, None]]
        self.waits = []
        self.watch = {(Metric.FIRST_REPLY, 0): 0, (Metric.RESOLUTION, 1): 0}
        self.broken = {}
        self.running = {(Metric.FIRST_REPLY, 0), (Metric.RESOLUTION, 1)}
        self.cycle = 1

    def move(self, state):
        if state != self.state:
            self.spans[-1][2] = self.now
            self.spans.append([state, self.now, None])
            self.state = state

    @rule(minutes=st.integers(1, 400))
    def time_passes(self, minutes):
        for n in range(minutes):
            if naive_open(HOURS, self.now + timedelta(minutes=n)):
                for key in self.running:
                    self.watch[key] += 1
                    if self.watch[key] * 60 == TARGETS.of(key[0]):
                        self.broken[key] = self.now + timedelta(minutes=n + 1)
        self.now += timedelta(minutes=minutes)

    @rule()
    @precondition(lambda self: self.state in {"open", "pending"})
    def agent_replies(self):
        if self.replied_at is None:
            self.replied_at = self.now
        self.running.discard((Metric.FIRST_REPLY, 0))
        for wait in self.waits:
            if wait[2] is None:
                wait[2] = self.now
                self.running.discard((Metric.NEXT_REPLY, wait[0]))

    @rule()
    @precondition(lambda self: self.state in {"open", "pending"})
    def wait_for_customer(self):
        self.move("pending")
        self.running.discard((Metric.RESOLUTION, self.cycle))

    @rule()
    @precondition(lambda self: self.state in {"open", "pending"})
    def solve(self):
        self.move("solved")
        self.running.clear()
        for wait in self.waits:
            wait[2] = wait[2] or self.now

    @rule()
    @precondition(lambda self: self.state != "closed")
    def customer_writes(self):
        if self.state == "solved":
            self.cycle += 1
            self.watch[(Metric.RESOLUTION, self.cycle)] = 0
        self.move("open")
        self.running.add((Metric.RESOLUTION, self.cycle))
        answered = self.replied_at or self.cycle > 1
        if answered and not any(wait[2] is None for wait in self.waits):
            self.waits.append([len(self.waits) + 1, self.now, None])
            self.watch[(Metric.NEXT_REPLY, len(self.waits))] = 0
            self.running.add((Metric.NEXT_REPLY, len(self.waits)))

    @rule()
    @precondition(lambda self: self.state == "solved")
    def close(self):
        self.move("closed")

    @invariant()
    def clocks_equal_the_stopwatch(self):
        story = Story(START, self.replied_at, [Span(*s) for s in self.spans], [Wait(*w) for w in self.waits])
        found = {(c.metric, c.trigger): c for c in sla.clocks(story, TARGETS, HOURS, self.now)}
        assert {key: clock.elapsed for key, clock in found.items()} == {k: v * 60 for k, v in self.watch.items()}
        assert {key for key, clock in found.items() if clock.running} == self.running
        broken = {key: clock.breached_at for key, clock in found.items() if clock.breached_at}
        # What ends at the very minute it is due is in time.
        in_time = {k for k, at in self.broken.items() if found[k].ended_at is not None and found[k].ended_at <= at}
        assert broken == {key: at for key, at in self.broken.items() if key not in in_time}
        for key in self.running - broken.keys():
            assert found[key].due_at > self.now


TestTickets = Tickets.TestCase
TestTickets.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_due_moment_moves_with_the_pause():
    an_hour = timedelta(hours=1)
    spans = [Span("open", START, START + an_hour), Span("pending", START + an_hour, None)]
    targets = Targets(None, None, 4 * 3600)
    hours = HOURS[:1]
    [standing] = sla.clocks(Story(START, None, spans), targets, hours, START + 2 * an_hour)
    assert (standing.due_at, standing.paused, standing.left) == (None, True, 3 * 3600)
    spans = [*spans[:1], Span("pending", START + an_hour, START + 2 * an_hour), Span("open", START + 2 * an_hour, None)]
    [moving] = sla.clocks(Story(START, None, spans), targets, hours, START + 2 * an_hour)
    assert moving.due_at == START + 6 * an_hour, "three hours of work from 11:00, with the lunch break"


def test_figures_of_a_ticket():
    spans = [
        Span("open", START, START + timedelta(hours=2)),
        Span("solved", START + timedelta(hours=2), START + timedelta(hours=3)),
        Span("open", START + timedelta(hours=3), None),
    ]
    story = Story(START, START + timedelta(minutes=10), spans)
    assert sla.first_reply_seconds(story, HOURS) == 600
    assert sla.resolution_seconds(story, HOURS, START + timedelta(hours=9)) == 7200, "the cycle that has ended"
    assert sla.resolution_seconds(Story(START, None, spans[:1]), HOURS, START + timedelta(hours=9)) == 7200
    assert sla.resolution_seconds(Story(START, None, [Span("open", START, None)]), HOURS, START) is None
