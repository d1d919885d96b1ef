"""Stored bodies -> people, log, roll-ups; against a COPY of the same rows into the same loaded table."""

import multiprocessing
import time
import zlib
from datetime import timedelta
from random import Random

import orjson
from django.db import connection, connections, transaction

from contacts.bench.data import NOW, load
from contacts.enums import IdentityKind, Trust
from contacts.intake import Handle, Incoming, append, uncollected
from contacts.log.copying import copy_rows, json_text
from scrm.core.benching import Scale, bracketed
from scrm.lib import clock

_POOL = 20_000
_START = NOW - timedelta(hours=1)
"""Events come in the order of time, as they do from live channels."""


def run(scale: Scale) -> dict:
    """5 % duplicates, 30 % of the events bring a new browser, 10 % a new phone or e-mail to encrypt; the rest are known openids."""
    load(scale.pick(50_000, 300_000), scale.pick(200_000, 1_000_000))
    number = scale.pick(10_000, 20_000)
    random = Random(7)
    with clock.frozen(NOW):
        append([_event(orjson.loads(_body(n, f"pool {n}", n))) for n in range(_POOL)])
    serial = iter(range(10**9))

    def make() -> list[bytes]:
        bodies = []
        for _n in range(number):
            key = f"e{next(serial)}"
            kind = random.random()
            who = random.randrange(_POOL)
            bodies.append(zlib.compress(_body(who, key, next(serial), fresh=kind < 0.3, point=0.3 <= kind < 0.4), 1))
            if random.random() < 0.05:
                bodies[-1] = random.choice(bodies)
        return bodies

    rounds = scale.pick(5, 7)
    one = bracketed(lambda: number / _timed(1, [make()]), lambda: number / _copy(number), rounds)
    two = bracketed(lambda: 2 * number / _timed(2, [make(), make()]), lambda: number / _copy(number), rounds)
    return {
        **one,
        "unit": "events/s",
        "limit_is": "COPY into the same table, one connection",
        "two_workers": {"ours": two["ours"], "limit": two["limit"], "ratio": two["ratio"]},
        "reach": [0.25, 0.40],
    }


def _body(who: int, key: str, serial: int, fresh: bool = False, point: bool = False) -> bytes:
    return orjson.dumps(
        {
            "key": key,
            "kind": "message_in"
            if serial % 7 == 0 and not fresh
            else "product_viewed"
            if serial % 5 == 0
            else "page_viewed",
            "openid": None if fresh else f"oBench{who:08d}abcdefghij",
            "browser": f"browser-{serial:012d}" if fresh else None,
            "email": f"someone{serial}@example.com" if point else None,
            "milliseconds": serial,
            "properties": {"path": f"/p/{serial % 500}", "category": "running-shoes", "price": serial % 40 * 25},
        }
    )


def _event(told: dict) -> Incoming:
    handles = []
    if told["openid"]:
        handles.append(Handle(IdentityKind.OPENID, told["openid"], 1, Trust.VERIFIED))
    if told["browser"]:
        handles.append(Handle(IdentityKind.ANONYMOUS, told["browser"], 0, Trust.OBSERVED))
    if told["email"]:
        handles.append(Handle(IdentityKind.EMAIL, told["email"], 0, Trust.CLAIMED))
    moment = _START + timedelta(milliseconds=told["milliseconds"])
    return Incoming(told["kind"], "web", moment, 1, told["key"], handles, properties=told["properties"])


def _work(bodies: list[bytes]) -> None:
    with clock.frozen(NOW), uncollected():  # as the workers of the inbox do
        append([_event(orjson.loads(zlib.decompress(body))) for body in bodies])


def _timed(workers: int, loads: list[list[bytes]]) -> float:
    if workers == 1:
        started = time.perf_counter()
        _work(loads[0])
        return time.perf_counter() - started
    connections.close_all()
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(workers + 1)

    def child(bodies: list[bytes]) -> None:
        connection.ensure_connection()
        ready.wait()
        _work(bodies)
        connection.close()

    children = [context.Process(target=child, args=(bodies,)) for bodies in loads]
    for process in children:
        process.start()
    ready.wait()
    started = time.perf_counter()
    for process in children:
        process.join()
    if any(process.exitcode for process in children):
        raise RuntimeError("a worker of the bench failed")
    return time.perf_counter() - started


_spare = iter(range(10**12, 10**13))


def _copy(number: int) -> float:
    """The same kind of rows: their kinds, moments and properties, for contacts all over the table."""
    random, lines = Random(next(_spare)), []
    for n in range(number):
        event = _event(orjson.loads(_body(n, "", random.randrange(10**6))))
        moment, tail = event.occurred_at.isoformat(), json_text(event.properties)
        who = 1 + random.randrange(50_000)
        lines.append(f"{next(_spare)}\t{who}\t{who}\t{event.kind}\tweb\t1\t{moment}\t{moment}\t2026-06-30\t{tail}")
    columns = "id, contact_id, identity_id, kind, channel, account_id, occurred_at, recorded_at, local_date, properties"
    started = time.perf_counter()
    with transaction.atomic():
        copy_rows("contacts_event", columns, lines)
    return time.perf_counter() - started
