"""``make backup`` and ``make restore``: the restored copy, in an embedded and in a given Postgres, passes the same checks; and a
copy that is damaged on purpose does not, so that a pass means something."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg2

from scrm.runtime.testing import servers
from tests.chaos import checks
from tests.chaos.checks import Check, Verdict
from tests.chaos.record import Database, Record
from tests.chaos.world import World
from tests.fixtures_sandbox import ROOT

DAMAGE = {
    "Official Account: every acknowledged callback is one event": (
        "delete from contacts_event where id = (select max(id) from contacts_event where kind = 'followed')"
    ),
    "every sentence is there once, word for word": (
        "insert into contacts_event select * from contacts_event where id = (select max(id) from contacts_event where kind = 'message_in')"
    ),
    "Official Account: what phones got is what the ledger sent; nothing twice": (
        "delete from campaigns_message where id in (select id from campaigns_message"
        " where channel = 'oa' and state = 'sent' and key like 'j:%:s2:1' order by id desc limit 20)"
    ),
    "kept counts are what is there": "update contacts_tagcount set n = n + 1 where id = (select max(id) from contacts_tagcount)",
    "nothing is stuck": (
        "update channels_ingest_delivery set state = 'pending' where id = (select max(id) from channels_ingest_delivery)"
    ),
    "nothing is set aside: no dead deliveries, no poison events, consumers at the end of the log": (
        "update contacts_consumercursor set position = position - 1"
    ),
    "shop: totals and refunds are right, and so is what customers spent": (
        "update contacts_contact set order_total = order_total + 1 where id = (select max(contact_id) from contacts_order)"
    ),
    "every word of a customer is one entry; one open conversation per person and account": (
        "delete from service_desk_entry where id = (select max(id) from service_desk_entry where event_id is not null)"
    ),
}
"""Check -> one small damage that it must find."""


def prove(world: World, record: Record, floor: int, every: list[Check], tell: Callable[[str], None]) -> list[Verdict]:
    work = world.folder.parent
    archive = work / "first.tar"
    made = _run("backup", archive, world.folder, None)
    if made.problems:
        return [made]
    verdicts = [made]
    embedded = work / "embedded"
    verdicts.append(_run("restore", archive, embedded, None))
    with servers(embedded, durable=True, with_redis=False) as urls:
        copy = Database(urls["DATABASE_URL"], embedded / "keys", floor)
        verdicts.append(_summary("the copy in an embedded Postgres passes the checks", checks.run(every, record, copy)))
        tell("embedded copy checked")
    with servers(work / "given", durable=True, with_redis=False) as urls:
        given = urls["DATABASE_URL"]
        verdicts.append(_run("restore", archive, work / "first-keys", given))
        verdicts.append(_run("backup", work / "second.tar", work / "first-keys", given))
        second = _another(given)
        verdicts.append(_run("restore", work / "second.tar", work / "second-keys", second))
        copy = Database(second, work / "second-keys" / "keys", floor)
        verdicts.append(
            _summary("the copy of a given Postgres in another passes the checks", checks.run(every, record, copy))
        )
        verdicts.append(_damaged(second, copy, record, every))
    return verdicts


def _run(verb: str, archive: Path, folder: Path, database_url: str | None) -> Verdict:
    """What ``make backup`` and ``make restore`` run."""
    verdict = Verdict(f"make {verb} ({'given' if database_url else 'embedded'} Postgres)")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "SECRET_KEY", "ENCRYPTION_KEYS"}
    }
    environment |= {"DATA_DIR": str(folder)} | ({"DATABASE_URL": database_url} if database_url else {})
    done = subprocess.run(
        [sys.executable, "-m", "scrm.runtime.backup", verb, str(archive)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    verdict.expect(done.returncode == 0, (done.stdout + done.stderr)[-400:])
    if verb == "backup" and archive.exists():
        verdict.facts.append(f"{archive.stat().st_size / 1e6:.1f} MB")
    return verdict


def _summary(name: str, found: list[Verdict]) -> Verdict:
    verdict = Verdict(name, facts=[f"{sum(not one.problems for one in found)} of {len(found)} passed"])
    verdict.problems = [f"{one.name}: {problem}" for one in found for problem in one.problems[:2]]
    return verdict


def _another(url: str) -> str:
    name = "copy"
    with _writing(url) as cursor:
        cursor.execute(f"create database {name}")
    return url.rpartition("/")[0] + f"/{name}"


def _damaged(url: str, copy: Database, record: Record, every: list[Check]) -> Verdict:
    """The checker is a program too: each damage must be found by its check."""
    verdict = Verdict("the checker finds what is damaged on purpose")
    with _writing(url) as cursor:
        for statement in DAMAGE.values():
            cursor.execute(statement)
            verdict.expect(cursor.rowcount > 0, f"could not damage: {statement[:80]}")
    for found in checks.run([check for check in every if check.name in DAMAGE], record, copy):
        verdict.expect(bool(found.problems), f"not found: {found.name}")
    verdict.facts.append(f"{len(DAMAGE)} damages")
    return verdict


class _writing:
    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self):  # type: ignore[no-untyped-def]
        self.connection = psycopg2.connect(self.url, connect_timeout=5)
        self.connection.autocommit = True
        return self.connection.cursor()

    def __exit__(self, *_: object) -> None:
        self.connection.close()
