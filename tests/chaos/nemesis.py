"""What goes wrong, one fault after the other, from a seed. Each kind keeps how often it struck and what was seen of it."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.world import World, until

BACK_SECONDS = 90


@dataclass
class Tally:
    """One line of the table at the end."""

    name: str
    times: int = 0
    seconds: list[float] = field(default_factory=list)
    seen: Counter = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def told(self) -> str:
        parts = [f"{count} {what}" for what, count in self.seen.items()]
        if self.seconds:
            parts.insert(0, f"back after {min(self.seconds):.1f}-{max(self.seconds):.1f} s")
        return "; ".join([*parts, *self.bad]) or "-"


class Kill:
    """kill -9; the supervisor must bring it back under another number."""

    def __init__(self, victim: str) -> None:
        self.victim, self.name = victim, f"kill -9 {victim}"

    def strike(self, world: World, rng: random.Random, tally: Tally) -> None:
        before = world.blow(self.victim, signal.SIGKILL)
        if before is None:
            return
        tally.times += 1
        began = time.monotonic()

        def back() -> bool:
            world.tend_rival()
            return world.children().get(self.victim) not in {None, before} and world.ready()

        if until(back, BACK_SECONDS):
            tally.seconds.append(time.monotonic() - began)
        else:
            tally.bad.append(f"NOT BACK after {BACK_SECONDS} s")


class Stop:
    """SIGSTOP for longer than a lease, then SIGCONT: it wakes up and believes that it still holds what others have taken."""

    def __init__(self, victim: str, past: tuple[float, float]) -> None:
        self.victim, self.past, self.name = victim, past, f"stopped {victim}"

    def strike(self, world: World, rng: random.Random, tally: Tally) -> None:
        if world.blow(self.victim, signal.SIGSTOP) is None:
            return
        tally.times += 1
        try:
            before = _pace(world)
            time.sleep(rng.uniform(*self.past))
            after = _pace(world)
            tally.seen["callbacks answered meanwhile"] += after[0] - before[0]
            tally.seen["messages meanwhile"] += after[1] - before[1]
        finally:
            world.blow(self.victim, signal.SIGCONT)


def _pace(world: World) -> tuple[int, int]:
    summary = world.box.get("/record/summary.json")
    return summary["callbacks"].get("done", 0), sum(
        count for via, count in summary["messages"].items() if via in {"custom", "template"}
    )


class Platform:
    """A switch of the sandbox: so many answers are spoilt, or all of some seconds."""

    def __init__(
        self, switch: str, amount: tuple[int, int], seconds: tuple[float, float], counted: bool = True
    ) -> None:
        self.switch, self.amount, self.seconds, self.counted = switch, amount, seconds, counted
        self.name = f"platform: {switch}"

    def strike(self, world: World, rng: random.Random, tally: Tally) -> None:
        amount = rng.randint(*self.amount)
        tally.times += 1
        world.box.post("/setup/faults", {self.switch: amount})
        try:
            time.sleep(rng.uniform(*self.seconds))
        finally:
            left = world.box.get("/record/summary.json")["faults"].get(self.switch, 0)
            world.box.post("/setup/faults", {self.switch: False})
        if self.counted:
            tally.seen["answers spoilt"] += amount - int(left)
        else:
            tally.seen["s in all"] += int(self.seconds[0])


def faults(lease: int) -> list:
    long = (lease + 2.0, lease + 8.0)
    return [
        *(Kill(name) for name in ("worker", "sender", "welcome", "rival", "web", "beat", "redis", "postgres")),
        *(Stop(name, long) for name in ("worker", "sender", "rival", "welcome")),
        *(Stop(name, (3, 9)) for name in ("redis", "web", "beat")),
        Platform("http_502", (5, 30), (3, 8)),
        Platform("garbage", (5, 30), (3, 8)),
        Platform("busy", (5, 30), (3, 8)),
        Platform("quota", (1, 2), (3, 8)),  # more in a row would let the account rest for ten minutes
        Platform("token_40001", (1, 1), (3, 6)),
        Platform("drop_after", (3, 12), (3, 8)),
        Platform("callback_twice", (50, 200), (4, 9)),
        Platform("slow_before", (2, 8), (8, 12), counted=False),
        Platform("slow_after", (2, 8), (8, 12), counted=False),
        Platform("mail_later", (1, 2), (3, 8)),  # likewise, for five
        Platform("mail_drop", (1, 5), (3, 8)),
        Platform("callback_hold", (1, 1), (3, 6), counted=False),
    ]


class Nemesis:
    def __init__(self, world: World, seed: int, lease: int, tell: Callable[[str], None]) -> None:
        self.world, self.tell = world, tell
        self.rng = random.Random(f"nemesis {seed}")
        self.faults = faults(lease)
        self.tallies = {fault.name: Tally(fault.name) for fault in self.faults}
        self._deck: list = []

    def strike_once(self) -> None:
        """The next fault of a shuffled deck: every kind comes before one comes again."""
        if not self._deck:
            self._deck = self.rng.sample(self.faults, len(self.faults))
        fault = self._deck.pop()
        tally = self.tallies[fault.name]
        self.tell(fault.name)
        try:
            fault.strike(self.world, self.rng, tally)
        except (AssertionError, OSError) as error:
            tally.bad.append(f"could not strike: {str(error)[:120]}")
        self.world.tend_rival()

    def retire(self) -> None:
        """All switches off, everybody awake."""
        known = self.world.box.get("/record/summary.json")["faults"]
        self.world.box.post("/setup/faults", dict.fromkeys(known, False))
        for name in self.world.children():
            self.world.blow(name, signal.SIGCONT)
