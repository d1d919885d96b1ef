"""The life of a message as a graph (test_ledger_chaos.py has the real tables)."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from campaigns.enums import ACTIVE, State
from campaigns.sending import states


def test_every_state_is_reached_and_final_ones_are_final():
    assert {str(s) for s in states.FINAL} == {"suppressed", "failed", "expired", "bounced"}
    for move, edges in states.MOVES.items():
        assert not states.FINAL & set(edges), move


@pytest.mark.parametrize(
    "state,move",
    [
        ("sent", "claim"),
        ("suppressed", "claim"),
        ("queued", "send"),
        ("leased", "send"),
        ("unknown", "claim"),
        ("nonsense", "claim"),
    ],
)
def test_impossible_moves(state, move):
    with pytest.raises(states.ImpossibleMove):
        states.after(state, move)


class Ledger(RuleBasedStateMachine):
    """A model of one message handled by workers that may lose their lease: nothing is given to the platform twice unless a person
    says so, and every message that is claimed comes to an end or waits."""

    @initialize(born=st.sampled_from(["queued", "held"]))
    def plan(self, born):
        self.state = str(born)
        self.fence = 0
        self.held_by: dict[str, int] = {}
        self.given = 0
        self.allowed = 1

    def move(self, name):
        self.state = states.after(self.state, name)

    @precondition(lambda self: self.state in {"queued", "held"})
    @rule(worker=st.sampled_from("ab"))
    def claim(self, worker):
        self.move("claim")
        self.fence += 1
        self.held_by[worker] = self.fence

    @precondition(lambda self: self.state == "leased")
    @rule()
    def lease_runs_out(self):
        self.move("give_back")
        self.fence += 1

    @precondition(lambda self: self.state == "leased")
    @rule(
        worker=st.sampled_from("ab"),
        ending=st.sampled_from(["send", "fail", "retry", "lose", "expire", "suppress"]),
        accepted=st.booleans(),
    )
    def attempt(self, worker, ending, accepted):
        if self.held_by.get(worker) != self.fence:
            return
        self.move("attempt")
        if ending in {"send", "lose"}:
            self.given += ending == "send" or accepted
        self.move(ending)

    @precondition(lambda self: self.state in {"queued", "held", "leased"})
    @rule(what=st.sampled_from(["suppress", "expire"]))
    def stop(self, what):
        self.move(what)
        self.fence += 1

    @precondition(lambda self: self.state == "unknown")
    @rule(again=st.booleans())
    def a_person_decides(self, again):
        self.allowed += again
        self.move("settle_again" if again else "settle_sent")

    @precondition(lambda self: self.state in {"sent", "delivered"})
    @rule()
    def bounce(self):
        self.move("bounce")

    @rule(move=st.sampled_from(sorted(states.MOVES)))
    def a_move_that_the_graph_does_not_know(self, move):
        if self.state not in states.sources(move):
            with pytest.raises(states.ImpossibleMove):
                states.after(self.state, move)

    @invariant()
    def not_twice(self):
        assert getattr(self, "given", 0) <= getattr(self, "allowed", 1)

    @invariant()
    def known(self):
        assert getattr(self, "state", "queued") in State.values

    @invariant()
    def an_end_or_a_way_on(self):
        state = getattr(self, "state", "queued")
        assert state in {str(s) for s in states.FINAL} or any(state in edges for edges in states.MOVES.values())
        assert state not in ACTIVE or any(edges.get(State(state)) for edges in states.MOVES.values())


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
