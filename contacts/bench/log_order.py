"""What commit-ordered ids cost: two writers with and without the order lock, and a reader that never looks back."""

import multiprocessing
import time

from django.db import connection, connections, transaction

from contacts.bench.data import NOW, load
from contacts.log import writing
from contacts.log.incoming import Incoming
from scrm.core.benching import Scale, bracketed
from scrm.lib import clock

WRITERS, EACH = 2, 200
_fork = multiprocessing.get_context("fork")


def run(scale: Scale) -> dict:
    load(scale.pick(20_000, 300_000), scale.pick(100_000, 1_000_000))
    turns = scale.pick(25, 70)
    number = WRITERS * turns * EACH
    missed = {"ours": 0, "limit": 0}

    def measure(ordered: bool) -> float:
        seconds, lost = _race(turns, ordered)
        missed["ours" if ordered else "limit"] += lost
        return number / seconds

    measure(True)
    result = bracketed(lambda: measure(True), lambda: measure(False), scale.pick(5, 7))
    return {
        **result,
        "unit": "events/s",
        "limit_is": "the same without ordering",
        "missed": missed["ours"],
        "missed_without": missed["limit"],
        "reach": 0.85,
    }


def _race(turns: int, ordered: bool) -> tuple[float, int]:
    """Seconds of the writers, and the rows that the live reader never saw."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM contacts_event_id_seq")
        start = cursor.fetchone()[0]
    connections.close_all()
    ready, stop, answer = _fork.Barrier(WRITERS + 2), _fork.Event(), _fork.SimpleQueue()
    writers = [_fork.Process(target=_write, args=(n, turns, ordered, ready)) for n in range(WRITERS)]
    reader = _fork.Process(target=_read, args=(start, ready, stop, answer))
    for process in (*writers, reader):
        process.start()
    ready.wait()
    began = time.perf_counter()
    for process in writers:
        process.join()
    seconds = time.perf_counter() - began
    stop.set()
    seen = answer.get()
    reader.join()
    if any(process.exitcode for process in (*writers, reader)):
        raise RuntimeError("a process of the bench failed")
    return seconds, WRITERS * turns * EACH - seen


def _write(n: int, turns: int, ordered: bool, ready) -> None:
    if not ordered:
        writing.take_order_lock = lambda: None
    events = [
        Incoming("message_sent", "oa", NOW, contact_id=1 + n * EACH + k, properties={"message": k}) for k in range(EACH)
    ]
    connection.ensure_connection()
    ready.wait()
    with clock.frozen(NOW):
        for _turn in range(turns):
            with transaction.atomic():
                writing.append_own(events)
    connection.close()


def _read(position: int, ready, stop, answer) -> None:
    seen = 0
    with connection.cursor() as cursor:
        ready.wait()
        while True:
            last = stop.is_set()
            cursor.execute("SELECT id FROM contacts_event WHERE id > %s ORDER BY id LIMIT 1000", [position])
            rows = cursor.fetchall()
            seen += len(rows)
            if rows:
                position = rows[-1][0]
            elif last:
                break
            else:
                time.sleep(0.002)
    connection.close()
    answer.put(seen)
