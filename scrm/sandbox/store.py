"""The sandbox's record: one SQLite file in WAL mode. What was acknowledged is committed, so kill -9 loses nothing acknowledged.

One connection serves all threads under one lock: statements are tiny, and a writer never meets a busy file.
Times: ``*_real`` are real seconds since the epoch, ``at`` columns are business seconds (scrm.lib.clock).
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from scrm.lib import clock

_lock = threading.RLock()
_connection: sqlite3.Connection | None = None

SCHEMA = Path(__file__).with_name("schema.sql")
EVERYTHING = ["account", "shop", "token", "weibo_account", "weibo_post", "shop_hook"]
HAPPENED = ["person", "chat", "callback", "act", "call", "mail", "refused_mail", "qr", "media", "shop_view", "setting"]
HAPPENED += ["weibo_user", "weibo_comment", "weibo_message", "hook", "cart", "shop_order", "shop_stock"]
ADDED = {"callback": {"door": "text not null default 'oa'"}, "shop": {"server_key": "text not null default ''"}}
"""Columns that a record of an earlier version lacks."""


def connection() -> sqlite3.Connection:
    global _connection
    with _lock:
        if _connection is None:
            settings.RECORD_FILE.parent.mkdir(parents=True, exist_ok=True)
            made = sqlite3.connect(settings.RECORD_FILE, isolation_level=None, check_same_thread=False, timeout=20)
            made.row_factory = sqlite3.Row
            made.execute("pragma journal_mode = wal")
            made.execute("pragma synchronous = normal")  # The page cache outlives a killed process.
            made.executescript(SCHEMA.read_text())
            _widen(made)
            _connection = made
        return _connection


def _widen(made: sqlite3.Connection) -> None:
    for table, columns in ADDED.items():
        present = {row["name"] for row in made.execute(f"pragma table_info({table})")}
        for name in columns.keys() - present:
            made.execute(f"alter table {table} add column {name} {columns[name]}")


@contextmanager
def transaction() -> Iterator[None]:
    """All statements of this thread inside the block commit together; other threads wait."""
    with _lock:
        db = connection()
        if db.in_transaction:
            yield
            return
        db.execute("begin immediate")
        try:
            yield
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")


def rows(sql: str, *values: Any) -> list[sqlite3.Row]:
    with _lock:
        return connection().execute(sql, values).fetchall()


def row(sql: str, *values: Any) -> sqlite3.Row | None:
    with _lock:
        return connection().execute(sql, values).fetchone()


def value(sql: str, *values: Any) -> Any:
    found = row(sql, *values)
    return found[0] if found else None


def run(sql: str, *values: Any) -> int:
    """Execute a write; the number of rows it touched."""
    with _lock:
        return connection().execute(sql, values).rowcount


def add(table: str, **columns: Any) -> int:
    """Insert one row; its id."""
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    with _lock:
        return int(
            connection().execute(f"insert into {table} ({names}) values ({marks})", tuple(columns.values())).lastrowid
            or 0
        )


def stamps() -> dict[str, float]:
    """``at`` (business seconds) and ``at_real`` for a new row."""
    return {"at": clock.now().timestamp(), "at_real": clock.real_now().timestamp()}


def setting(name: str, default: Any = None) -> Any:
    kept = value("select value from setting where name = ?", name)
    return default if kept is None else json.loads(kept)


def keep_setting(name: str, content: Any) -> None:
    run(
        "insert into setting values (?, ?) on conflict (name) do update set value = excluded.value",
        name,
        json.dumps(content),
    )


def version() -> int:
    """Grows with every change of the record: what a live page compares."""
    with _lock:
        return connection().total_changes


def wipe(*, accounts: bool) -> None:
    """Forget what happened; with ``accounts`` also who is connected."""
    with transaction():
        for table in HAPPENED + (EVERYTHING if accounts else []):
            run(f"delete from {table}")
