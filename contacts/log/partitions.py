"""Monthly partitions of the event log, made on demand for any month."""

from collections.abc import Iterable

from django.db import connection

_LOCK = 0x7A6B0002


def month_of(moment) -> int:
    """Months since year 0, in UTC (where the partitions are cut)."""
    return moment.year * 12 + moment.month - 1


def ensure(months: Iterable[int]) -> None:
    """Make the missing partitions, in the current transaction.

    Built aside and attached: readers and writers of the log are not blocked, as ``CREATE TABLE ... PARTITION OF`` would.
    """
    wanted = {_name(month): month for month in months}
    with connection.cursor() as cursor:
        if not (missing := _missing(cursor, wanted)):
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for name in _missing(cursor, missing):
            month = wanted[name]
            cursor.execute(f"CREATE TABLE {name} (LIKE contacts_event INCLUDING DEFAULTS)")
            cursor.execute(
                f"ALTER TABLE contacts_event ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
                [_first_day(month), _first_day(month + 1)],
            )


def _missing(cursor, names: Iterable[str]) -> list[str]:
    cursor.execute(
        "SELECT name FROM unnest(%s::text[]) name WHERE to_regclass(name) IS NULL ORDER BY name", [list(names)]
    )
    return [name for (name,) in cursor.fetchall()]


def _name(month: int) -> str:
    return f"contacts_event_y{month // 12:04d}m{month % 12 + 1:02d}"


def _first_day(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}-01 00:00:00+00"
