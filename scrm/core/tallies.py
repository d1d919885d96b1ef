"""Kept counts: what a page would otherwise count over a million rows.

A tally is a table of rows (key, sums). Triggers on the counted table insert what each statement changed, in its transaction,
so that the sum over a key's rows is exact for every reader, whoever wrote and whatever crashed; rows are never updated, so
writers never wait for each other. ``fold`` adds the rows of a key up to one. Readers always Sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from scrm.core.pumps import Pump

AT_ONCE = 20_000
_LOCK = "%s::regclass::oid::bigint"
"""One folds a table at a time: two would each add up what the other has taken away."""


@dataclass(frozen=True, slots=True)
class Tally:
    """``owner`` are the columns that say whose counts they are (indexed), ``split`` those they are split by. ``counted`` is the
    truth: a SELECT of owner, split, sums and latest over the counted table, grouped. ``latest`` are times of which the greatest
    is kept; the counted table may have forgotten it, so that only the sums are verified."""

    name: str
    table: str
    owner: tuple[str, ...]
    split: tuple[str, ...]
    sums: tuple[str, ...]
    counted: str
    latest: tuple[str, ...] = ()
    remembered: str = "true"
    """SQL: is a key without any count still worth a row for its ``latest``?"""

    @property
    def keys(self) -> str:
        return ", ".join(self.owner + self.split)

    @property
    def columns(self) -> str:
        return ", ".join(self.owner + self.split + self.sums + self.latest)

    @property
    def totals(self) -> str:
        """SELECT list that adds rows of one key up."""
        sums = [f"sum({name}) AS {name}" for name in self.sums]
        return ", ".join([self.keys, *sums, *(f"max({name}) AS {name}" for name in self.latest)])

    @property
    def something(self) -> str:
        """SQL: is a row of totals worth keeping?"""
        latest = "".join(f" OR {name} IS NOT NULL AND {self.remembered}" for name in self.latest)
        return " OR ".join(f"{name} <> 0" for name in self.sums) + latest

    def keep(self, rows: str) -> str:
        """SQL that adds up ``rows`` and stores them as folded ones."""
        sums = f"SELECT {self.totals} FROM {rows} GROUP BY {self.keys}"
        return (
            f"INSERT INTO {self.table} ({self.columns}, folded)"
            f" SELECT {self.columns}, true FROM ({sums}) sums WHERE {self.something}"
        )


class Drift(NamedTuple):
    key: tuple[Any, ...]
    kept: tuple[int, ...]
    counted: tuple[int, ...]


@lru_cache(maxsize=1)
def tallies() -> dict[str, Tally]:
    """Every tally of settings.TALLIES by name."""
    found: list[Tally] = [import_string(path) for path in settings.TALLIES]
    return {tally.name: tally for tally in found}


@transaction.atomic
def fold(tally: Tally, limit: int = AT_ONCE) -> int:
    """Add up the keys that have fresh rows; answers how many fresh rows were looked at, 0 also while another worker folds."""
    owner = ", ".join(tally.owner)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({_LOCK})", [tally.table])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            f"WITH fresh AS MATERIALIZED (SELECT {owner} FROM {tally.table} WHERE NOT folded ORDER BY id LIMIT %s),"
            f" gone AS (DELETE FROM {tally.table} WHERE ({owner}) IN (SELECT {owner} FROM fresh) RETURNING {tally.columns}),"
            f" kept AS ({tally.keep('gone')})"
            " SELECT count(*) FROM fresh",
            [limit],
        )
        return cursor.fetchone()[0]


def drift(tally: Tally) -> list[Drift]:
    """Keys whose kept sums are not what the counted table says. One statement, so it is exact while others write."""
    kept = ", ".join(f"coalesce(k.{name}, 0)::bigint" for name in tally.sums)
    truth = ", ".join(f"coalesce(c.{name}, 0)::bigint" for name in tally.sums)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH k AS (SELECT {tally.totals} FROM {tally.table} GROUP BY {tally.keys}), c AS ({tally.counted})"
            f" SELECT {tally.keys}, {kept}, {truth} FROM k FULL JOIN c USING ({tally.keys})"
            f" WHERE ({kept}) IS DISTINCT FROM ({truth}) ORDER BY {tally.keys}"
        )
        keys, sums = len(tally.owner + tally.split), len(tally.sums)
        return [Drift(row[:keys], row[keys : keys + sums], row[keys + sums :]) for row in cursor.fetchall()]


@transaction.atomic
def recount(tally: Tally) -> None:
    """Make the kept rows anew from the counted table, also while others write: what is not committed yet brings its own rows."""
    found = f"SELECT {tally.columns} FROM ({tally.counted}) counted"
    if tally.latest:
        nothing = ", ".join("0" for _sum in tally.sums)
        found += f" UNION ALL SELECT {tally.keys}, {nothing}, {', '.join(tally.latest)} FROM gone"
    with connection.cursor() as cursor:
        # First, in a statement of its own: the next one must see what the last fold has committed.
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", [tally.table])
        cursor.execute(
            f"WITH gone AS (DELETE FROM {tally.table} RETURNING {tally.columns}), found AS ({found}) {tally.keep('found')}"
        )


def run() -> bool:
    return max([fold(tally) for tally in tallies().values()], default=0) >= AT_ONCE


def lag() -> dict[str, float]:
    """Rows to be added up. They are counted already, so nobody waits for them: no age."""
    with connection.cursor() as cursor:
        waiting = 0
        for tally in tallies().values():
            cursor.execute(f"SELECT count(*) FROM {tally.table} WHERE NOT folded")
            waiting += cursor.fetchone()[0]
    return {"waiting": waiting, "oldest_seconds": 0}


FOLD = Pump("counts.fold", "bulk", run, 10, lag)


def named(names: Sequence[str]) -> list[Tally]:
    """The tallies of these names, all for none; KeyError for a name there is not."""
    return [tallies()[name] for name in names] if names else list(tallies().values())
