"""What customers do on Weibo, and what is queued for the company's server because of it."""

import base64
import hashlib
import json
import secrets
import sqlite3
import time
from datetime import datetime
from typing import Any

from django.utils import timezone

from scrm.lib import clock, http
from scrm.sandbox import outbox, people, store

_ZONE_FORMAT = "%a %b %d %H:%M:%S %z %Y"
POSTS = [
    "新款「越岭 2」越野跑鞋上架：Vibram 大底、宽楦、防泼水。周末开跑！",
    "周六清晨 6:30，龙井村 18 公里越野约跑，评论区报名，前 30 名送号码布。",
]
NOBODY = ("山里的风", "跑山的阿泽", "晨跑十公里", "老周爱越野", "小岚在路上")


def account() -> sqlite3.Row | None:
    return store.row("select * from weibo_account order by at_real desc limit 1")


def connect(data: dict[str, Any]) -> dict[str, Any]:
    """``{"uid", "app_secret", "access_token", "callback_url", "name", "verify"}``: keep the company's account, check its
    address as the platform does. Raises ValueError."""
    uid, app_secret, token = (str(data.get(name, "")).strip() for name in ("uid", "app_secret", "access_token"))
    url = str(data.get("callback_url", "")).strip()
    if not (uid.isdigit() and app_secret and token) or not url.startswith("http"):
        raise ValueError("uid (digits), app_secret, access_token and callback_url are needed")
    with store.transaction():
        store.run(
            "insert into weibo_account values (?, ?, ?, ?, ?, ?) on conflict (uid) do update set "
            "app_secret = excluded.app_secret, access_token = excluded.access_token, "
            "callback_url = excluded.callback_url, name = excluded.name, at_real = excluded.at_real",
            *(uid, app_secret, token, url, str(data.get("name") or uid), store.stamps()["at_real"]),
        )
        if not store.value("select count(*) from weibo_post where uid = ?", uid):
            for text in POSTS:
                add_post(uid, text)
    problem = "not checked" if data.get("verify") is False else _verify(account_of(uid))
    return {"uid": uid, "verified": not problem, "problem": problem}


def account_of(uid: str) -> sqlite3.Row:
    found = store.row("select * from weibo_account where uid = ?", uid)
    if found is None:
        raise people.CannotAct(f"no Weibo account {uid}: POST /setup/weibo first")
    return found


def add_post(uid: str, text: str) -> int:
    return store.add("weibo_post", id=new_id(), uid=uid, text=text, at=store.stamps()["at"])


def new_id() -> int:
    """Grows with time, as Weibo's ids do; the shifted clock has no part in it."""
    last = int(store.setting("weibo_id", 0))
    number = max(last + 1, int(time.time() * 1000))
    store.keep_setting("weibo_id", number)
    return number


def user(openid: str) -> sqlite3.Row:
    """This customer's Weibo account; made at first use. Its number follows from the openid."""
    found = store.row("select * from weibo_user where openid = ?", openid)
    if found:
        return found
    name = people.person(openid)["given"] or people.person(openid)["name"]
    return add_user(f"{name}的微博", openid)


def add_user(name: str, openid: str = "") -> sqlite3.Row:
    seed = openid or secrets.token_hex(8)
    uid = str(1_000_000_000 + int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6], "big") % 8_000_000_000)
    store.run("insert or ignore into weibo_user (uid, openid, name) values (?, ?, ?)", uid, openid, name)
    return store.row("select * from weibo_user where uid = ?", uid)  # type: ignore[return-value]


def bind(openid: str) -> None:
    """In the shop the customer logs in with Weibo: the shop's server tells the company who that is (identify with the
    secret key), which makes it a verified identity. Raises CannotAct."""
    shop = store.row("select * from shop")
    if shop is None or not shop["server_key"]:
        raise people.CannotAct("the shop has no secret server key: POST /setup/shop with server_key")
    who, mine = people.person(openid), user(openid)
    browser = store.setting(f"browser:{openid}", "")
    told = {
        "userId": f"shop-{openid[-12:]}",
        "messageId": secrets.token_hex(12),
        "traits": {"weibo_uid": mine["uid"], "email": who["email"]},
        **({"anonymousId": browser} if browser else {}),
    }
    url = f"{shop['collector_url']}/v1/identify"
    headers = {"authorization": "Basic " + _basic(shop["server_key"])}
    try:
        answer = http.request("POST", url, json=told, headers=headers, timeout=5)
    except http.HttpFailed as error:
        raise people.CannotAct(f"the company's server does not answer: {error.reason}") from error
    if not answer.ok:
        raise people.CannotAct(f"the company's server answers {answer.status}: {answer.text[:120]}")
    with store.transaction():
        store.run("update weibo_user set bound = 1 where uid = ?", mine["uid"])
        people.note(openid, "weibo_bind", mine["name"])


def comment(openid: str, text: str, *, stranger: bool = False, reply_to: int | None = None) -> int:
    """Under the newest post; as somebody nobody knows when ``stranger``. The company finds it with its next look."""
    company = account()
    text = text.strip()[:280]
    if company is None or not text:
        raise people.CannotAct("no Weibo account yet" if company is None else "a comment needs a text")
    with store.transaction():
        author = add_user(secrets.choice(NOBODY)) if stranger else user(openid)
        post = store.row("select * from weibo_post where uid = ? order by id desc limit 1", company["uid"])
        number = add_comment(post["id"], author["uid"], text, reply_to)  # type: ignore[index]
        people.note(openid, "weibo_stranger" if stranger else "weibo_comment", text)
    return number


def add_comment(post_id: int, uid: str, text: str, reply_to: int | None = None) -> int:
    fields = {"post_id": post_id, "uid": uid, "text": text, "reply_to": reply_to}
    return store.add("weibo_comment", id=new_id(), **fields, **store.stamps())


def write(openid: str, text: str) -> int:
    """A private message to the company: opens 48 hours. Queues the callback."""
    company, text = account(), text.strip()[:300]
    if company is None or not text:
        raise people.CannotAct("no Weibo account yet" if company is None else "a message needs a text")
    with store.transaction():
        mine = user(openid)
        now = store.stamps()
        store.run("update weibo_user set message_at = ? where uid = ?", now["at"], mine["uid"])
        store.add("weibo_message", id=new_id(), uid=mine["uid"], outbound=0, text=text, **now)
        act = people.note(openid, "weibo_message", text)
        return _queue(company, openid, mine["uid"], "text", text, act)


def _queue(company: sqlite3.Row, openid: str, uid: str, kind: str, text: str, act: int) -> int:
    stamps = store.stamps()
    body = {
        "type": kind,
        "receiver_id": company["uid"],
        "sender_id": uid,
        "created_at": written(stamps["at"]),
        "text": text,
        "data": {},
    }
    return store.add(
        "callback",
        appid=company["uid"],
        openid=openid,
        label=f"weibo {kind}",
        msg_id="",
        xml=json.dumps(body, ensure_ascii=False),
        act=act,
        waits_reply=0,
        next_real=stamps["at_real"],
        door="weibo",
        **stamps,
    )


def written(moment: float) -> str:
    """A time as Weibo writes it."""
    return timezone.localtime(datetime.fromtimestamp(moment, clock.now().tzinfo)).strftime(_ZONE_FORMAT)


def _carry(row: sqlite3.Row) -> outbox.Carried:
    company = store.row("select * from weibo_account where uid = ?", row["appid"])
    if company is None:
        raise outbox.Gone
    headers = {"Content-Type": "application/json"}
    status, content = outbox.ask("POST", company["callback_url"], _signed(company), row["xml"].encode(), headers)
    return status, content, None


def _verify(company: sqlite3.Row) -> str:
    echo = str(secrets.randbelow(10**16))
    try:
        status, content = outbox.ask("GET", company["callback_url"], {**_signed(company), "echostr": echo}, None)
    except outbox.Unanswered as error:
        return str(error)
    if status != 200:
        return f"HTTP {status}"
    return "" if content.decode(errors="replace") == echo else "echostr did not come back"


def _signed(company: sqlite3.Row) -> dict[str, str]:
    moment, nonce = str(int(time.time())), secrets.token_hex(5)
    joined = "".join(sorted([company["app_secret"], moment, nonce]))
    digest = hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()
    return {"signature": digest, "timestamp": moment, "nonce": nonce}


def _basic(key: str) -> str:
    return base64.b64encode(f"{key}:".encode()).decode()


def _bound(openid: str, given: dict[str, Any]) -> None:
    bind(openid)


def _commented(openid: str, given: dict[str, Any]) -> None:
    comment(openid, str(given.get("text", "")), stranger=bool(given.get("stranger")))


outbox.register("weibo", _carry)
people.ELSEWHERE |= {
    "weibo_bind": _bound,
    "weibo_comment": _commented,
    "weibo_message": lambda openid, given: write(openid, str(given.get("text", ""))),
}
