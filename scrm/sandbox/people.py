"""The customers that the sandbox plays: who they are and what they do. Every act is recorded with the callback it causes."""

import base64
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable
from typing import Any

from scrm.lib import clock
from scrm.sandbox import callbacks, outbox, store

CAST = [
    ("许知微", "知微", "zhiwei.xu", "北京", "t-ai"),
    ("林小满", "小满", "xiaoman.lin", "上海", "c-oa"),
    ("周远山", "远山", "yuanshan.zhou", "杭州", "c-wecom"),
    ("陈可心", "可心", "kexin.chen", "成都", "c-xhs"),
    ("赵一鸣", "一鸣", "yiming.zhao", "广州", "c-sms"),
    ("何清晏", "清晏", "qingyan.he", "南京", "c-mp"),
    ("苏晚晴", "晚晴", "wanqing.su", "武汉", "c-shop"),
    ("吴子谦", "子谦", "ziqian.wu", "西安", "c-call"),
    ("沈若溪", "若溪", "ruoxi.shen", "苏州", "c-email"),
    ("梁北辰", "北辰", "beichen.liang", "深圳", "c-weibo"),
    ("郑安然", "安然", "anran.zheng", "青岛", "c-oa"),
    ("唐牧野", "牧野", "muye.tang", "长沙", "c-wecom"),
]
DEFAULT_SCENE = "shop-window"
"""The demo company's first QR code."""


class CannotAct(ValueError):
    """The person cannot do that now; the text says why."""


def first_account() -> sqlite3.Row | None:
    return store.row("select * from account order by at_real desc limit 1")


def account_of(appid: str) -> sqlite3.Row:
    account = store.row("select * from account where appid = ?", appid)
    if account is None:
        raise CannotAct(f"no account {appid}: POST /setup/oa first")
    return account


def person(openid: str) -> sqlite3.Row:
    found = store.row("select * from person where openid = ?", openid)
    if found is None:
        raise CannotAct(f"nobody has the openid {openid!r}")
    return found


def make(account: sqlite3.Row, *, name: str = "", email: str = "", chapter: str = "road") -> sqlite3.Row:
    """A fresh customer with an openid nobody had; not following yet."""
    number = store.value("select count(*) from person where played = 1")
    full, given, local, city, tone = CAST[number % len(CAST)]
    again = number // len(CAST)
    openid = "o" + base64.urlsafe_b64encode(secrets.token_bytes(21)).decode()[:27]
    store.add(
        "person",
        openid=openid,
        appid=account["appid"],
        name=name or full,
        given=name or given,
        city=city,
        tone=tone,
        chapter=chapter,
        email=email or f"{local}{again + 1 if again else ''}@mail.example",
        played=1,
        created_real=store.stamps()["at_real"],
    )
    return person(openid)


def bulk_openid(seed: str, number: int) -> str:
    digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[:27]


def make_many(account: sqlite3.Row, count: int, seed: str) -> list[str]:
    """``count`` customers with openids that follow from the seed; those that exist stay. Their openids."""
    openids = [bulk_openid(seed, number) for number in range(count)]
    now = store.stamps()["at_real"]
    with store.transaction():
        for openid in openids:
            store.run(
                "insert or ignore into person (openid, appid, created_real) values (?, ?, ?)",
                openid,
                account["appid"],
                now,
            )
    return openids


def keep_follower(appid: str, openid: str, name: str, message_at: float | None) -> None:
    """Somebody who followed before the sandbox was there; not one of those whose phone can be played."""
    now = store.stamps()
    store.run(
        "insert or ignore into person (openid, appid, name, subscribed, subscribed_at, message_at, created_real)"
        " values (?, ?, ?, 1, ?, ?, ?)",
        openid,
        appid,
        name,
        now["at"],
        None if message_at is None else float(message_at),
        now["at_real"],
    )


def current() -> sqlite3.Row | None:
    """Whom the phone belongs to; a first customer is made when an account exists."""
    openid = store.setting("current")
    found = store.row("select * from person where openid = ?", openid) if openid else None
    if found:
        return found
    account = first_account()
    if account is None:
        return None
    made = make(account)
    become(made["openid"])
    return made


def become(openid: str) -> None:
    store.keep_setting("current", person(openid)["openid"])


def note(openid: str, kind: str, detail: str = "") -> int:
    return store.add("act", openid=openid, kind=kind, detail=detail, **store.stamps())


def act(openid: str, kind: str, **given: Any) -> int | None:
    """Do something as this customer; the id of the callback it caused. Raises CannotAct.

    Kinds: follow(scene), scan(scene), unfollow, text(text), menu(key), image, voice(text), link(url, title), location.
    """
    if kind in ELSEWHERE:
        callback = ELSEWHERE[kind](openid, given)
        outbox.wake()
        return callback
    doing = _ACTS.get(kind)
    if doing is None:
        raise CannotAct(f"unknown act {kind!r}; known: {', '.join(sorted([*_ACTS, *ELSEWHERE]))}")
    with store.transaction():
        who = person(openid)
        callback = doing(who, account_of(who["appid"]), given)
    outbox.wake()
    return callback


ELSEWHERE: dict[str, Callable[[str, dict[str, Any]], int | None]] = {}
"""Acts outside of the Official Account, by kind: openid and what was given -> callback it caused. Own transactions."""


def _follow(who: sqlite3.Row, account: sqlite3.Row, given: dict[str, Any]) -> int:
    scene = str(given.get("scene", DEFAULT_SCENE) or "")
    if who["subscribed"]:
        return _scan(who, account, given)
    now = clock.now().timestamp()
    store.run(
        "update person set subscribed = 1, subscribed_at = ?, scene = ? where openid = ?", now, scene, who["openid"]
    )
    _touch(who, now)
    done = note(who["openid"], "follow", scene)
    key = f"qrscene_{scene}" if scene else ""
    return callbacks.queue(account, who["openid"], callbacks.event("subscribe", key, _ticket(account, scene)), act=done)


def _scan(who: sqlite3.Row, account: sqlite3.Row, given: dict[str, Any]) -> int:
    scene = str(given.get("scene", DEFAULT_SCENE) or DEFAULT_SCENE)
    if not who["subscribed"]:
        return _follow(who, account, {"scene": scene})
    _touch(who, clock.now().timestamp())
    done = note(who["openid"], "scan", scene)
    return callbacks.queue(account, who["openid"], callbacks.event("SCAN", scene, _ticket(account, scene)), act=done)


def _unfollow(who: sqlite3.Row, account: sqlite3.Row, given: dict[str, Any]) -> int:
    if not who["subscribed"]:
        raise CannotAct("not following")
    store.run(
        "update person set subscribed = 0, message_at = null, touch_at = null, message_sends = 0, touch_sends = 0 where openid = ?",
        who["openid"],
    )
    return callbacks.queue(
        account, who["openid"], callbacks.event("unsubscribe", ""), act=note(who["openid"], "unfollow")
    )


def _menu(who: sqlite3.Row, account: sqlite3.Row, given: dict[str, Any]) -> int:
    _must_follow(who)
    key = str(given.get("key", ""))
    button = next((one for one in buttons(account) if key and key in (one["key"], one["url"])), None)
    if button is None:
        raise CannotAct(f"the menu has no {key!r}")
    if not button["url"]:
        _touch(who, clock.now().timestamp())  # Opening a page is no touch.
    done = note(who["openid"], "menu", str(button["name"]))
    return callbacks.queue(account, who["openid"], callbacks.event("VIEW" if button["url"] else "CLICK", key), act=done)


def _says(kind: str):  # type: ignore[no-untyped-def]
    """A message of the customer, which opens 48 hours and 5 messages."""

    def doing(who: sqlite3.Row, account: sqlite3.Row, given: dict[str, Any]) -> int:
        _must_follow(who)
        fields, shown = _message(kind, given)
        store.run(
            "update person set message_at = ?, message_sends = 0 where openid = ?",
            clock.now().timestamp(),
            who["openid"],
        )
        done = note(who["openid"], kind, shown.get("content", ""))
        store.add(
            "chat",
            appid=account["appid"],
            openid=who["openid"],
            outbound=0,
            via="user",
            kind=kind,
            body=json.dumps(shown, ensure_ascii=False),
            **store.stamps(),
        )
        return callbacks.queue(account, who["openid"], callbacks.message(kind, **fields), act=done)

    return doing


def _message(kind: str, given: dict[str, Any]) -> tuple[dict[str, str | int | float], dict[str, str]]:
    """XML fields, and what the phone shows."""
    media = secrets.token_urlsafe(32)
    if kind == "text":
        text = str(given.get("text", "")).strip()[:600]
        if not text:
            raise CannotAct("a message needs a text")
        return {"Content": text} | ({"bizmsgmenuid": str(given["menu_id"])} if given.get("menu_id") else {}), {
            "content": text
        }
    if kind == "image":
        return {"PicUrl": "https://mmbiz.qpic.cn/sandbox/" + media, "MediaId": media}, {}
    if kind == "voice":
        heard = str(given.get("text", ""))[:200]
        return {"MediaId": media, "Format": "amr", "Recognition": heard}, {"content": heard}
    if kind == "location":
        return {"Location_X": 30.274, "Location_Y": 120.155, "Scale": 16, "Label": "杭州市西湖区"}, {
            "content": "杭州市西湖区"
        }
    title, url = str(given.get("title", "")) or "link", str(given.get("url", ""))
    return {"Title": title, "Description": title, "Url": url}, {"content": title, "url": url}


def _report_location(who: sqlite3.Row, account: sqlite3.Row, given: dict[str, Any]) -> int:
    _must_follow(who)
    return callbacks.queue(
        account, who["openid"], callbacks.location_report(30.274, 120.155), act=note(who["openid"], "report_location")
    )


_ACTS = {
    "follow": _follow,
    "scan": _scan,
    "unfollow": _unfollow,
    "menu": _menu,
    "report_location": _report_location,
    "text": _says("text"),
    "image": _says("image"),
    "voice": _says("voice"),
    "link": _says("link"),
    "location": _says("location"),
}


def buttons(account: sqlite3.Row) -> list[dict[str, str]]:
    """The menu's pressable entries as name, key and url, sub-menus flattened; at most 15."""
    found: list[dict[str, Any]] = []
    for top in json.loads(account["menu"] or "[]"):
        found += top.get("sub_button") or [top]
    return [
        {name: str(one.get(name) or "") for name in ("name", "key", "url")}
        for one in found
        if one.get("key") or one.get("url")
    ]


def scenes(account: sqlite3.Row) -> list[dict[str, str]]:
    """QR codes to scan as scene and label: those the product made, newest first, else the shop window's."""
    rows = store.rows("select scene, label from qr where appid = ? order by at_real desc limit 12", account["appid"])
    found = {row["scene"]: row["label"] or row["scene"] for row in rows}
    return [{"scene": scene, "label": label} for scene, label in (found or {DEFAULT_SCENE: DEFAULT_SCENE}).items()]


def _touch(who: sqlite3.Row, now: float) -> None:
    store.run("update person set touch_at = ?, touch_sends = 0 where openid = ?", now, who["openid"])


def _must_follow(who: sqlite3.Row) -> None:
    if not who["subscribed"]:
        raise CannotAct("follow first")


def _ticket(account: sqlite3.Row, scene: str) -> str:
    kept = store.value("select ticket from qr where appid = ? and scene = ?", account["appid"], scene)
    if kept or not scene:
        return kept or ""
    return "gQ" + hashlib.sha256(f"{account['appid']}:{scene}".encode()).hexdigest()
