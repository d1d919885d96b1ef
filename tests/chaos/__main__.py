"""``python -m tests.chaos`` (``make chaos``). Chosen by CHAOS_CUSTOMERS, CHAOS_MINUTES, CHAOS_SEED, CHAOS_LEASE, CHAOS_SETTLE
(seconds); CHAOS_RESTORE=0 leaves out the restored copies, CHAOS_KEEP=1 keeps the data. Exit code 0 when every check passes."""

import shutil
import signal
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

from tests.chaos import checks, restoring, settling
from tests.chaos.agents import Desk
from tests.chaos.checks import Verdict, desk, intake, ledger, settled, shop
from tests.chaos.nemesis import Nemesis
from tests.chaos.options import Options
from tests.chaos.record import Database, Record
from tests.chaos.town import Town
from tests.chaos.walkers import LAST, rounds
from tests.chaos.world import World, until

CHECKS = [*intake.CHECKS, *ledger.CHECKS, *shop.CHECKS, *desk.CHECKS, *settled.CHECKS]
COHORTS = 8
CALM = 40
"""The next round begins when the platforms wait for so few answers, or after so many seconds."""
_began = time.monotonic()


def tell(line: str) -> None:
    print(f"{time.monotonic() - _began:7.1f} s  {line}", flush=True)


class Walking(threading.Thread):
    """All rounds. ``error`` is what ended it early."""

    def __init__(self, town: Town, options: Options) -> None:
        super().__init__(name="walking", daemon=True)
        self.town, self.options = town, options
        self.people: set[str] = set()
        self.error: BaseException | None = None

    def run(self) -> None:
        pace = self.options.minutes * 60 / (COHORTS + LAST + 1)
        try:
            for number, tasks in enumerate(rounds(self.town, self.options.customers, COHORTS)):
                next_at = time.monotonic() + pace
                for walk, cohort in tasks:
                    self.people.update(cohort.openids)
                    walk.go(self.town, cohort)
                time.sleep(max(next_at - time.monotonic(), 0))
                until(self._calm, CALM, 0.5)
                self.town.box.shift("+30m")
                tell(f"round {number + 1}: {len(self.people)} customers")
        except BaseException as error:
            self.error = error

    def _calm(self) -> bool:
        return self.town.box.get("/record/summary.json")["callbacks"].get("pending", 0) < CALM


def main() -> int:
    options = Options.read()
    signal.signal(signal.SIGTERM, _stop)
    folder = Path(tempfile.mkdtemp(prefix="zhike-chaos-"))
    print(
        f"make chaos: seed {options.seed}, {options.customers} customers, {options.minutes:g} minutes, lease {options.lease} s, in {folder}"
    )
    world = None
    try:
        world = World(folder / "data", options)
        tell("the product runs")
        return _run(world, options)
    except KeyboardInterrupt:
        print("stopped")
        return 130
    finally:
        if world is not None:
            (folder / "stack.log").write_text(world.text)
            world.end()
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _run(world: World, options: Options) -> int:
    world.box.shift("10:00")
    base = Database(world.database_url, world.folder / "keys")
    base.floor = base.value("select coalesce(max(id), 0) from contacts_event")
    began = datetime.fromisoformat(world.box.get("/record/summary.json")["now"])
    deadline = time.monotonic() + options.minutes * 60
    nemesis = Nemesis(world, options.seed, options.lease, tell)
    walking = Walking(Town(world, options.seed, deadline), options)
    walking.start()
    at_desk = Desk(world.url, walking.town.journal, options.seed)
    while time.monotonic() < deadline and walking.is_alive():
        time.sleep(nemesis.rng.uniform(1, 4))
        nemesis.strike_once()
    nemesis.retire()
    tell("no more faults")
    walking.join(600)
    agents = at_desk.close()
    tell(f"agents: {dict(agents)}")
    seconds = settling.settle(world, base, options.settle, tell)
    tell(f"at rest after {seconds:.0f} s" if seconds is not None else f"NOT at rest after {options.settle:.0f} s")
    record = Record.read(world.box, walking.people, walking.town.journal, began)
    verdicts = [_walked(walking), _faults(nemesis), _well(world, seconds), *checks.run(CHECKS, record, base)]
    verdicts.append(settling.kept_counts(world))
    if options.restore:
        tell("backup, and the restored copies")
        verdicts += restoring.prove(world, record, base.floor, CHECKS, tell)
    _table(nemesis)
    return _closing(verdicts, options)


def _walked(walking: Walking) -> Verdict:
    verdict = Verdict("the customers walked the whole road")
    verdict.expect(walking.error is None and not walking.is_alive(), f"the walk ended early: {walking.error!r}")
    verdict.expect(bool(walking.people), "nobody came")
    verdict.facts.append(f"{len(walking.people)} customers")
    verdict.facts += [
        f"not possible at that moment, {count} times: {why}" for why, count in walking.town.undone.most_common(6)
    ]
    return verdict


def _faults(nemesis: Nemesis) -> Verdict:
    verdict = Verdict("every process came back")
    for tally in nemesis.tallies.values():
        verdict.problems += [f"{tally.name}: {problem}" for problem in tally.bad if "NOT BACK" in problem]
    verdict.facts.append(f"{sum(tally.times for tally in nemesis.tallies.values())} faults")
    return verdict


def _well(world: World, seconds: float | None) -> Verdict:
    verdict = Verdict("it came to rest and says that it is well")
    verdict.expect(seconds is not None, "work is left, see below")
    verdict.expect(until(lambda: world.health().get("status") == "ok", 90, 1), f"health: {world.health()}")
    return verdict


def _table(nemesis: Nemesis) -> None:
    print(f"\n{'fault':<28} {'times':>5}  observed")
    for tally in nemesis.tallies.values():
        print(f"{tally.name:<28} {tally.times:>5}  {tally.told()}")


def _closing(verdicts: list[Verdict], options: Options) -> int:
    print()
    for verdict in verdicts:
        print(f"{'FAILED' if verdict.problems else 'passed'}  {verdict.name}")
        for fact in verdict.facts:
            print(f"          {fact}")
        for problem in verdict.problems[: checks.MOST_TOLD]:
            print(f"        ! {problem}")
        if len(verdict.problems) > checks.MOST_TOLD:
            print(f"        ! and {len(verdict.problems) - checks.MOST_TOLD} more")
    failed = sum(bool(verdict.problems) for verdict in verdicts)
    print(f"\nseed {options.seed}: {len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
