"""Delivers queued callbacks as the platform does: signed, encrypted, 5 seconds for an answer, then three more tries.

The queue is the record, so a restart goes on where it stopped; a callback whose answer was lost is sent again, as on the
real platform. One person's callbacks go out one after the other.
"""

import json
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.conf import settings

from scrm.lib import http
from scrm.sandbox import callbacks, faults, store, wxcrypt

ATTEMPTS = 4
THREADS = 8
_log = logging.getLogger(__name__)
_woken = threading.Condition()
_settled = threading.Condition()


class Unanswered(Exception):
    """No answer in time, or one that the platform does not take."""


class Gone(Exception):
    """Who would have sent it is not connected any more."""


Carried = tuple[int, bytes, dict[str, object] | None]
"""Status, body, and the passive reply in it."""


def wake() -> None:
    with _woken:
        _woken.notify_all()


def wait_for(callback_id: int, seconds: float) -> sqlite3.Row | None:
    """The callback's row once it is done or failed, or as it is after ``seconds``."""
    deadline = time.monotonic() + seconds
    with _settled:
        while True:
            row = store.row("select * from callback where id = ?", callback_id)
            left = deadline - time.monotonic()
            if row is None or row["state"] != "pending" or left <= 0:
                return row
            _settled.wait(min(left, 0.5))


class Dispatcher(threading.Thread):
    """Hands due callbacks to a few threads. It owns nothing that the record does not say."""

    def __init__(self) -> None:
        super().__init__(name="outbox", daemon=True)
        self._workers = ThreadPoolExecutor(THREADS, thread_name_prefix="callback")
        self._busy: set[str] = set()

    def run(self) -> None:
        while True:
            try:
                if not self._round():
                    with _woken:
                        _woken.wait(0.25)
            except Exception:
                _log.exception("outbox round failed")
                time.sleep(1)

    def _round(self) -> int:
        if faults.current().get("callback_hold"):
            return 0
        sql = "select * from callback where state = 'pending' and next_real <= ? order by id limit 200"
        started = 0
        for row in store.rows(sql, time.time()):
            if len(self._busy) >= THREADS:
                break
            if row["openid"] not in self._busy:
                self._busy.add(row["openid"])
                self._workers.submit(self._one, row)
                started += 1
        return started

    def _one(self, row: sqlite3.Row) -> None:
        try:
            deliver(row)
        except Exception:
            _log.exception("callback %s", row["id"])
            store.run(
                "update callback set next_real = ? where id = ?",
                time.time() + settings.CALLBACK_RETRY_SECONDS,
                row["id"],
            )
        finally:
            self._busy.discard(row["openid"])
            wake()
            with _settled:
                _settled.notify_all()


def deliver(row: sqlite3.Row) -> None:
    """One attempt; its result and a passive reply are recorded together."""
    carry = DOORS[row["door"]]
    store.run("update callback set attempts = attempts + 1 where id = ?", row["id"])
    started, status, reply = time.monotonic(), None, None
    try:
        status, content, reply = carry(row)
        note = "" if status < 300 else f"HTTP {status}: {content[:200].decode(errors='replace')}"
        if faults.hit("callback_twice"):
            carry(row)
    except Gone:
        store.run("update callback set state = 'failed', note = 'account is gone' where id = ?", row["id"])
        return
    except Unanswered as error:
        reply, note = None, str(error)
    _settle(row, status, note, reply, int((time.monotonic() - started) * 1000))


def _settle(row: sqlite3.Row, status: int | None, note: str, reply: dict[str, object] | None, took_ms: int) -> None:
    good = status is not None and status < 300 and not note
    last = row["attempts"] + 1 >= ATTEMPTS
    state = "done" if good else "failed" if last else "pending"
    stamps = store.stamps()
    with store.transaction():
        store.run(
            "update callback set state = ?, status = ?, note = ?, reply = ?, took_ms = ?, next_real = ?, done_real = ? "
            "where id = ?",
            state,
            status,
            note,
            json.dumps(reply, ensure_ascii=False) if reply else "",
            took_ms,
            time.time() + settings.CALLBACK_RETRY_SECONDS,
            None if state == "pending" else time.time(),
            row["id"],
        )
        shown = reply or ({"kind": "fault", "body": {}} if state == "failed" and row["waits_reply"] else None)
        if shown:
            store.add(
                "chat",
                appid=row["appid"],
                openid=row["openid"],
                outbound=1,
                via="passive" if reply else "platform",
                kind=shown["kind"],
                body=json.dumps(shown["body"], ensure_ascii=False),
                **stamps,
            )


def _carry_oa(row: sqlite3.Row) -> Carried:
    account = store.row("select * from account where appid = ?", row["appid"])
    if account is None:
        raise Gone
    status, content = post(account, row["openid"], row["xml"])
    return status, content, read_reply(account, content) if status == 200 else None


def post(account: sqlite3.Row, openid: str, xml: str) -> tuple[int, bytes]:
    """Status and body of the developer's answer. Raises Unanswered."""
    timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
    query = {
        "signature": wxcrypt.signature(account["token"], timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": openid,
    }
    body = xml
    if account["aes_key"]:
        encrypted = wxcrypt.encrypt(xml, account["aes_key"], account["appid"])
        query |= {
            "encrypt_type": "aes",
            "msg_signature": wxcrypt.signature(account["token"], timestamp, nonce, encrypted),
        }
        body = callbacks.render([("ToUserName", account["gh_id"]), ("Encrypt", encrypted)])
    return ask("POST", account["callback_url"], query, body.encode())


def verify(account: sqlite3.Row) -> str:
    """The platform's check when a server URL is saved: it must echo ``echostr``. Answers "" or what went wrong."""
    timestamp, nonce, echo = str(int(time.time())), str(secrets.randbelow(10**10)), str(secrets.randbelow(10**19))
    query = {
        "signature": wxcrypt.signature(account["token"], timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": echo,
    }
    try:
        status, content = ask("GET", account["callback_url"], query, None)
    except Unanswered as error:
        return str(error)
    if status != 200:
        return f"HTTP {status}"
    return "" if content.decode(errors="replace").strip() == echo else "echostr did not come back"


def ask(
    method: str, url: str, query: dict[str, str], body: bytes | None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """One request as a platform makes it. Raises Unanswered."""
    target = url + ("&" if "?" in url else "?") + urlencode(query) if query else url
    headers = {"User-Agent": "Mozilla/4.0"} | ({"Content-Type": "text/xml"} if body else {}) | (headers or {})
    try:
        answer = http.request(method, target, data=body, headers=headers, timeout=settings.CALLBACK_TIMEOUT)
    except http.HttpFailed as error:
        raise Unanswered(error.reason) from error
    return answer.status, answer.body


def read_reply(account: sqlite3.Row, content: bytes) -> dict[str, object] | None:
    """The passive reply as ``{"kind", "body"}``; None for an empty answer or ``success``. Raises Unanswered for anything else."""
    text = content.decode(errors="replace").strip()
    if text in {"", "success"}:
        return None
    fields = _xml(text)
    if "Encrypt" in fields:
        encrypted = str(fields["Encrypt"])
        parts = (account["token"], str(fields.get("TimeStamp", "")), str(fields.get("Nonce", "")), encrypted)
        if not wxcrypt.signed(str(fields.get("MsgSignature", "")), *parts):
            raise Unanswered("the reply's signature is wrong")
        try:
            fields = _xml(wxcrypt.decrypt(encrypted, account["aes_key"], account["appid"]))
        except wxcrypt.BadCipher as error:
            raise Unanswered(f"the reply cannot be decrypted: {error}") from error
    elif account["aes_key"]:
        raise Unanswered("the reply is not encrypted")
    kind = str(fields.get("MsgType", ""))
    return {"kind": kind, "body": _reply_body(kind, fields)}


def _reply_body(kind: str, fields: dict[str, object]) -> dict[str, object]:
    if kind == "text":
        return {"content": fields.get("Content", "")}
    if kind in {"image", "voice", "video"}:
        media = fields.get(kind.capitalize())
        return {"media_id": media.get("MediaId", "") if isinstance(media, dict) else ""}
    if kind == "news":
        holder = fields.get("Articles")
        items = holder.get("item", []) if isinstance(holder, dict) else []
        many = items if isinstance(items, list) else [items]
        return {
            "articles": [{name.lower(): text for name, text in one.items()} for one in many if isinstance(one, dict)]
        }
    if kind in {"music", "transfer_customer_service"}:
        return {}
    raise Unanswered(f"unknown reply type {kind!r}")


def _xml(text: str) -> dict[str, object]:
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, DefusedXmlException) as error:
        raise Unanswered("the reply is neither success nor XML") from error
    return _children(root)


def _children(node) -> dict[str, object]:  # type: ignore[no-untyped-def]
    found: dict[str, object] = {}
    for child in node:
        value: object = _children(child) if len(child) else (child.text or "")
        if child.tag in found:
            kept = found[child.tag]
            found[child.tag] = [*kept, value] if isinstance(kept, list) else [kept, value]
        else:
            found[child.tag] = value
    return found


DOORS: dict[str, Callable[[sqlite3.Row], Carried]] = {"oa": _carry_oa}
"""How a queued callback is carried; ``weibo`` and the shop add theirs (register)."""


def register(door: str, carry: Callable[[sqlite3.Row], Carried]) -> None:
    DOORS[door] = carry
