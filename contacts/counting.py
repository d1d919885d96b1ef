"""How many rows, quickly: exact when cheap, else the planner's estimate and marked so."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

T = TypeVar("T")
EXACT_UP_TO = 10_000
PATIENCE_MS = 250


@dataclass(frozen=True)
class Count:
    number: int
    exact: bool = True


def count(rows: QuerySet, *, up_to: int = EXACT_UP_TO, patience_ms: int | None = None) -> Count:
    """Exact up to ``up_to`` rows and within ``patience_ms`` (PATIENCE_MS) of database time; beyond either, the planner's estimate.
    One count in a short transaction, and a plan if that was too much; never longer than the patience plus the plan."""
    rows = rows.order_by()
    seen = patient(rows.values("pk")[: up_to + 1].count, patience_ms or PATIENCE_MS)
    if seen is not None and seen <= up_to:
        return Count(seen)
    return Count(max(estimate(rows), seen or 0), exact=False)


def estimate(rows: QuerySet) -> int:
    """What the planner expects, rounded to two figures so that it does not look like more than it is."""
    sql, parameters = rows.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    guess = int(plan[0]["Plan"]["Plan Rows"])
    step = 10 ** max(len(str(guess)) - 2, 0)
    return round(guess / step) * step


def patient(read: Callable[[], T], patience_ms: int) -> T | None:
    """What ``read`` answers, or None when one of its statements would need longer than the patience.

    The limit is lifted before the transaction ends: a COMMIT that the server cancels leaves the connection in an aborted
    transaction that psycopg2 takes for finished.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(patience_ms)])
            found = read()
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
            return found
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != "57014":  # query_canceled
            raise
        raw = connection.connection
        if (
            not connection.in_atomic_block
            and raw is not None
            and raw.info.transaction_status != TRANSACTION_STATUS_IDLE
        ):
            connection.close()  # the ROLLBACK was canceled too: start afresh
        return None
