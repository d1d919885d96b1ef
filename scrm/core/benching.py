"""What benches share: a scratch database, and measuring against a limit in the same run.

Absolute figures drift twofold from hour to hour on shared machines; the ratio to a physical limit measured just before and
just after holds. Rooms list their benches in settings.BENCHES.
"""

import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Scale:
    """``small`` finishes within a minute, ``full`` is the size of docs/performance.md."""

    full: bool

    def pick(self, small: Any, full: Any) -> Any:
        return full if self.full else small

    def __str__(self) -> str:
        return "full" if self.full else "small"


@dataclass(frozen=True)
class Bench:
    """``run`` builds its data in the empty, migrated scratch database and answers at least ours, limit, unit and ratio."""

    name: str
    run: Callable[[Scale], dict[str, Any]]


def benches() -> dict[str, Bench]:
    """Every bench by name. Raises ValueError when two have one name."""
    found: dict[str, Bench] = {}
    for path in settings.BENCHES:
        for bench in import_string(path):
            if bench.name in found:
                raise ValueError(f"{path}: a bench {bench.name!r} exists already.")
            found[bench.name] = bench
    return found


def bracketed(ours: Callable[[], float], limit: Callable[[], float], rounds: int) -> dict[str, Any]:
    """Rates (per second) of both. Each round measures the limit before and after our path; the ratio is the median of the
    rounds' ratios, never that of the best against the worst."""
    rates, limits, ratios = [], [], []
    for _round in range(rounds):
        before, ours_now, after = limit(), ours(), limit()
        rates.append(ours_now)
        limits.append((before + after) / 2)
        ratios.append(ours_now / limits[-1])
    return {
        "ours": round(statistics.median(rates)),
        "limit": round(statistics.median(limits)),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


@contextmanager
def scratch_database() -> Iterator[str]:
    """An empty, migrated database beside the configured one; everything in the block uses it, then it is dropped."""
    original = connection.settings_dict["NAME"]
    name = f"scrm_bench_{os.getpid()}"
    _maintain(f'CREATE DATABASE "{name}"', original)
    try:
        _switch(name)
        call_command("migrate", verbosity=0, interactive=False)
        yield name
    finally:
        _switch(original)
        _maintain(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', original)


def _switch(name: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = name


def _maintain(sql: str, through: str) -> None:
    """Statements that must not run in a transaction, on a connection of their own."""
    connection.settings_dict["NAME"] = through
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()
