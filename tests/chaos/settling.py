"""After the last fault: until nothing is left to do. What was planned for a little later (a retry, a wait) gets its time."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime

import psycopg2

from tests.chaos.checks import Verdict
from tests.chaos.checks.settled import waiting
from tests.chaos.record import Database
from tests.chaos.world import World
from tests.fixtures_sandbox import ROOT

LOOK_SECONDS = 2.0
CALM_LOOKS = 3
"""At rest: so many looks in a row found nothing."""


def settle(world: World, base: Database, seconds: float, tell: Callable[[str], None]) -> float | None:
    """Seconds it took, or None."""
    began = time.monotonic()
    calm, told, shifts = 0, 0.0, 0
    while time.monotonic() - began < seconds:
        world.tend_rival()
        try:
            left = _left(world, base)
        except (psycopg2.Error, OSError, AssertionError):
            left = {"no answer": 1}
        calm = 0 if left else calm + 1
        if calm >= CALM_LOOKS:
            if shifts >= 2:
                return time.monotonic() - began
            world.box.shift("+30m")  # waits and retries that were planned for later
            calm, shifts = 0, shifts + 1
        if left and time.monotonic() - told > 20:
            tell(f"left: {left}")
            told = time.monotonic()
        time.sleep(LOOK_SECONDS)
    return None


def _left(world: World, base: Database) -> dict[str, int]:
    summary = world.box.get("/record/summary.json")
    left = waiting(base, datetime.fromisoformat(summary["now"]))
    for name in ("callbacks", "hooks"):
        if count := summary.get(name, {}).get("pending"):
            left[f"{name} not answered"] = count
    return left


def kept_counts(world: World) -> Verdict:
    """The product's own comparison agrees."""
    verdict = Verdict("manage.py check_counts")
    done = subprocess.run(
        [sys.executable, "manage.py", "check_counts"],
        cwd=ROOT, env=world.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    verdict.expect(done.returncode == 0, (done.stdout + done.stderr)[-600:])
    return verdict
