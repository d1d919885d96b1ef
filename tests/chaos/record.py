"""The sandbox's record, read by HTTP, and the database, read by SQL. Nothing here is imported from the product: the blind index
that finds an address is computed anew from the keys."""

import base64
import hmac
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.chaos.journal import Journal
from tests.fixtures_sandbox import Sandbox

Row = dict[str, Any]
TABLES = ["callbacks", "messages", "mails", "refused_mails", "weibo_comments", "weibo_messages", "hooks", "orders"]


@dataclass
class Record:
    """Everything the platforms and the customers know at the end."""

    tables: dict[str, list[Row]]
    people: set[str]
    """Openids of those who walked."""
    journal: Journal
    began: datetime
    now: datetime
    """Business times."""

    @classmethod
    def read(cls, box: Sandbox, people: set[str], journal: Journal, began: datetime) -> "Record":
        summary = box.get("/record/summary.json")
        tables = {name: _pages(box, name) for name in TABLES}
        return cls(tables, people, journal, began, datetime.fromisoformat(summary["now"]))

    def callbacks(self, door: str) -> list[Row]:
        return [
            row
            for row in self.tables["callbacks"]
            if row["door"] == door and (row["openid"] in self.people or door != "oa")
        ]

    @cached_property
    def phones(self) -> dict[str, list[Row]]:
        """openid -> what reached the phone by the message interfaces (not passive replies, which no ledger holds)."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.tables["messages"]:
            if row["outbound"] and row["via"] in {"custom", "template"}:
                found[row["openid"]].append(row)
        return found


def _pages(box: Sandbox, table: str) -> list[Row]:
    rows: list[Row] = []
    while True:
        fresh = box.get(f"/record/{table}.json?after={rows[-1]['id'] if rows else 0}")[table]
        rows += fresh
        if len(fresh) < 5000:
            return rows


@dataclass
class Database:
    """Reads only."""

    url: str
    keys: Path
    """Folder with ``encryption_keys``."""
    floor: int = 0
    """Last event before the customers came."""
    _index_keys: dict[str, bytes] = field(default_factory=dict)

    def rows(self, statement: str, *values: Any) -> list[tuple]:
        with self.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall()

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        options = "-c timezone=UTC -c default_transaction_read_only=on"
        connection = psycopg2.connect(self.url, connect_timeout=5, options=options)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def value(self, statement: str, *values: Any) -> Any:
        return self.rows(statement, *values)[0][0]

    def has(self, table: str) -> bool:
        return bool(self.value("select to_regclass(%s) is not null", table))

    def index(self, kind: str, value: str) -> str:
        """HMAC-SHA256, cut to 128 bits, with a key derived by HKDF from the oldest key of the ring (docs/architecture.md)."""
        return str(uuid.UUID(bytes=hmac.digest(self._index_key(kind), value.encode(), "sha256")[:16]))

    def _index_key(self, kind: str) -> bytes:
        if kind not in self._index_keys:
            oldest = (self.keys / "encryption_keys").read_text().strip().split(",")[-1]
            key = base64.b64decode(oldest.partition(":")[2])
            self._index_keys[kind] = HKDF(hashes.SHA256(), 32, None, f"scrm index {kind}".encode()).derive(key)
        return self._index_keys[kind]

    def owners(self, kind: str, values: set[str]) -> dict[str, list[int]]:
        """Handle -> contacts that have it, merges followed to the survivor."""
        of = {self.index(kind, value): value for value in values}
        found: dict[str, list[int]] = defaultdict(list)
        statement = """
            with recursive root as (
                select id, id as top, merged_into_id from contacts_contact where merged_into_id is null
                union all select c.id, r.top, c.merged_into_id from contacts_contact c join root r on c.merged_into_id = r.id
            ) select i.index::text, r.top from contacts_identity i join root r on r.id = i.contact_id where i.kind = %s"""
        for index, contact in self.rows(statement, kind):
            if index in of:
                found[of[index]].append(contact)
        return found

    def family(self) -> dict[int, int]:
        """Contact -> the survivor of its merges (itself when there was none)."""
        statement = """
            with recursive root as (
                select id, id as top from contacts_contact where merged_into_id is null
                union all select c.id, r.top from contacts_contact c join root r on c.merged_into_id = r.id
            ) select id, top from root"""
        return dict(self.rows(statement))
