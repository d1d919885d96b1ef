"""The shop's webhooks to the product, after the Standard Webhooks specification: signed, kept in the record until they are
answered, sent again for a day. One customer's go out one after the other."""

import base64
import hmac
import json
import logging
import secrets
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings

from scrm.lib import clock, http
from scrm.sandbox import faults, store

ATTEMPTS = 30
LONGEST_PAUSE = 3600
THREADS = 4
_log = logging.getLogger(__name__)


def connected() -> bool:
    return store.row("select 1 from shop_hook") is not None


def queue(kind: str, data: dict[str, Any], openid: str = "") -> int | None:
    """Put a webhook into the record; call inside the transaction of what caused it. None while no product is connected."""
    if not connected():
        return None
    body = {"type": kind, "timestamp": clock.now().isoformat(), "data": data}
    stamps = store.stamps()
    return store.add(
        "hook",
        number=f"msg_{secrets.token_hex(12)}",
        type=kind,
        body=json.dumps(body, ensure_ascii=False),
        openid=openid,
        next_real=stamps["at_real"],
        **stamps,
    )


def signature(key: str, number: str, moment: int, body: bytes) -> str:
    secret = base64.b64decode(key.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(secret, f"{number}.{moment}.".encode() + body, "sha256")).decode()


class Dispatcher(threading.Thread):
    """Hands due webhooks to a few threads. It owns nothing that the record does not say."""

    def __init__(self) -> None:
        super().__init__(name="hooks", daemon=True)
        self._workers = ThreadPoolExecutor(THREADS, thread_name_prefix="hook")
        self._busy: set[str] = set()

    def run(self) -> None:
        while True:
            try:
                self._round()
            except Exception:
                _log.exception("hooks round failed")
            time.sleep(0.1)

    def _round(self) -> None:
        if faults.current().get("callback_hold"):
            return
        sql = "select * from hook where state = 'pending' and next_real <= ? order by id limit 100"
        for row in store.rows(sql, time.time()):
            lane = row["openid"] or row["number"]
            if len(self._busy) < THREADS and lane not in self._busy:
                self._busy.add(lane)
                self._workers.submit(self._one, row, lane)

    def _one(self, row: sqlite3.Row, lane: str) -> None:
        try:
            deliver(row)
        except Exception:
            _log.exception("hook %s", row["id"])
        finally:
            self._busy.discard(lane)


def deliver(row: sqlite3.Row) -> None:
    """One attempt, and its result. Anything but a 2xx answer comes again later."""
    status, note = _post(row)
    if faults.hit("callback_twice"):
        _post(row)
    good, attempts = status is not None and 200 <= status < 300, row["attempts"] + 1
    state = "done" if good else "failed" if attempts >= ATTEMPTS else "pending"
    pause = min(settings.CALLBACK_RETRY_SECONDS * 2 ** min(attempts - 1, 12), LONGEST_PAUSE)
    store.run(
        "update hook set state = ?, attempts = ?, status = ?, note = ?, next_real = ?, done_real = ? where id = ?",
        state,
        attempts,
        status,
        "" if good else note,
        time.time() + pause,
        None if state == "pending" else time.time(),
        row["id"],
    )


def _post(row: sqlite3.Row) -> tuple[int | None, str]:
    target = store.row("select * from shop_hook")
    if target is None:
        return None, "not connected"
    body, moment = row["body"].encode(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": row["number"],
        "webhook-timestamp": str(moment),
        "webhook-signature": signature(target["key"], row["number"], moment, body),
    }
    try:
        answer = http.request("POST", target["url"], data=body, headers=headers, timeout=settings.CALLBACK_TIMEOUT)
    except http.HttpFailed as error:
        return None, error.reason
    return answer.status, f"HTTP {answer.status}: {answer.body[:200].decode(errors='replace')}"
