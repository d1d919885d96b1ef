"""The real ledger under random orders of what can happen: crashes, lost leases, refusals, opt-outs, pauses, the passing of time.

Whatever the order: no message reaches the platform twice, every change of state is one that the graph knows, and in the end
every message is settled, with exactly one final word in the event log.
"""

import random
from collections import Counter
from datetime import timedelta

import pytest

from campaigns.enums import ACTIVE, State
from campaigns.models import Message, Pace
from campaigns.optout import opt_out
from campaigns.sending import cancel, compose, dispatch, pause, resume, states, submit
from campaigns.tallies import MESSAGES
from contacts.models import Event
from scrm.core import tallies
from scrm.lib import clock
from tests.campaigns.world import NOON, Platform, account, ask, person, refuse, written

pytestmark = pytest.mark.django_db

ERRORS = [
    {},
    {"permanent": True},
    {"unknown": True},
    {"window_closed": True, "permanent": True},
    {"address_gone": True, "permanent": True},
    {"retry_at": clock.real_now()},
]
FINAL_WORDS = ["message_sent", "message_suppressed", "message_failed"]


def reachable() -> set[tuple[str, str]]:
    """All pairs (before, after) that some chain of moves connects."""
    step = {(str(a), str(b)) for edges in states.MOVES.values() for a, b in edges.items()}
    found = set(step)
    while more := {(a, d) for a, b in found for c, d in step if b == c} - found:
        found |= more
    return found | {(str(s), str(s)) for s in State}


class Chaos:
    def __init__(self, platform: Platform, seed: int) -> None:
        self.dice, self.platform, self.now = random.Random(seed), platform, NOON
        self.oa, self.mail = account("wechat_oa"), account("email")
        self.seen: dict[int, str] = {}
        self.paths = reachable()
        content = written()
        people = [
            person(openid=self.oa.pk, email="chaos#@example.com", consents=("email",), last_inbound_at=NOON)
            for _n in range(12)
        ]
        self.people = [p.pk for p in people]
        with clock.frozen(self.now):
            submit(
                [
                    ask(p, content, *self.dice.choice([("oa",), ("oa", "email"), ("email",)]), origin_id=n % 3,
                        expires_at=NOON + timedelta(hours=60))
                    for n, p in enumerate(people)
                ]
            )  # fmt: skip

    def step(self) -> None:
        acts = [
            self.run,
            self.run,
            self.crash_leased,
            self.crash_attempting,
            self.leases_end,
            self.fault,
            self.time,
            self.stop,
            self.hold,
        ]
        with clock.frozen(self.now):
            self.dice.choice(acts)()
        self.check()

    def run(self) -> None:
        dispatch.run_once()

    def crash_leased(self) -> None:
        dispatch.claim(self.dice.choice([self.oa, self.mail]), 3)

    def crash_attempting(self) -> None:
        """Killed after ``attempting`` was committed, before or after the platform took it."""
        rows, _looked = dispatch.claim(self.dice.choice([self.oa, self.mail]), 2)
        begun = dispatch._begin([item for item in compose.compose(rows) if item.rendered])
        if self.dice.random() < 0.5:
            for item in begun:
                self.platform.sent.append((item.address, item.row.key, item.rendered))

    def leases_end(self) -> None:
        Message.objects.exclude(lease_until=None).update(lease_until=clock.real_now() - timedelta(seconds=1))
        Pace.objects.update(rest_until=None)

    def fault(self) -> None:
        flags = self.dice.choice(ERRORS)
        self.platform.answers["*"].append(refuse("chaos", **flags))

    def time(self) -> None:
        self.now += timedelta(minutes=self.dice.choice([1, 10, 120, 400]))

    def stop(self) -> None:
        if self.dice.random() < 0.5:
            opt_out([self.dice.choice(self.people)], self.dice.choice(["oa", "email"]), {"how": "keyword"})
        else:
            cancel("journey", 2, [self.dice.choice(self.people)])

    def hold(self) -> None:
        self.dice.choice([pause, resume])("journey", self.dice.randrange(3))

    def check(self) -> None:
        for pk, state in Message.objects.values_list("pk", "state"):
            before = self.seen.get(pk, state)
            assert (before, state) in self.paths, f"{before} -> {state}"
            self.seen[pk] = state
        twice = [key for key, times in Counter(self.platform.keys).items() if times > 1]
        assert not twice, twice
        assert tallies.drift(MESSAGES) == []

    def settle(self) -> None:
        self.platform.answers.clear()
        for _n in range(400):
            with clock.frozen(self.now):
                for n in range(3):
                    resume("journey", n)
                self.leases_end()
                dispatch.run_once()
            self.check()
            self.now += timedelta(minutes=30)
            if not Message.objects.filter(state__in=ACTIVE).exists():
                return
        raise AssertionError(
            list(Message.objects.filter(state__in=ACTIVE).values("state", "reason", "next_at", "paused"))
        )


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_nothing_goes_out_twice_and_everything_ends(company, platform, seed):
    company.caps = {}
    company.save()
    chaos = Chaos(platform, seed)
    for _n in range(60):
        chaos.step()
    chaos.settle()
    accepted = set(platform.keys)
    for message in Message.objects.all():
        words = Event.objects.filter(
            contact_id=message.contact_id, kind__in=FINAL_WORDS, properties__message=message.pk
        )
        assert words.count() == 1, (message.state, list(words.values_list("kind", flat=True)))
        assert message.state != State.SENT or message.key in accepted
        assert message.key not in accepted or message.state in {State.SENT, State.UNKNOWN}
