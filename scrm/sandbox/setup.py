"""The machine side: connect an account or a shop, act as customers, switch faults, read the record."""

import base64
import json
import re
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_noop
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from scrm.lib import clock
from scrm.sandbox import faults, outbox, people, store, times, wxcrypt
from scrm.sandbox.shop import dealings

BULK_MOST = 5000
PAGE = 5000
Work = Callable[[dict[str, Any]], dict[str, Any]]


class BadSetup(ValueError):
    pass


def takes_json(work: Work) -> Callable[[HttpRequest], HttpResponse]:
    """POST of a JSON object; what is wrong with it is answered as 400 with a sentence."""

    @csrf_exempt
    @wraps(work)
    def view(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return JsonResponse({"error": "POST JSON here"}, status=405)
        try:
            data = json.loads(request.body or b"{}")
            if not isinstance(data, dict):
                raise BadSetup("a JSON object is needed")
            return JsonResponse(work(data), json_dumps_params={"ensure_ascii": False})
        except (ValueError, wxcrypt.BadCipher) as error:
            return JsonResponse({"error": str(error)}, status=400, json_dumps_params={"ensure_ascii": False})

    return view


def connect_account(data: dict[str, Any]) -> dict[str, Any]:
    """Keep an Official Account and check its callback URL as the platform does. Raises BadSetup or BadCipher.

    ``verify: false`` skips the check; without ``menu`` the account keeps the one it has. ``scenes``: QR codes that exist
    already, as a list of ``{scene, label, ticket}``; the first is the one that is scanned by default. ``followers``: people who
    follow already, as a list of ``{openid, name, message_at}`` (business seconds of their last message, or null).
    """
    appid, secret, token, url = (
        str(data.get(name, "")).strip() for name in ("appid", "secret", "token", "callback_url")
    )
    aes_key = str(data.get("aes_key", "")).strip()
    if not (appid and secret and token):
        raise BadSetup("appid, secret and token are needed")
    if url and not re.match(r"https?://[^/\s]+/", url):
        raise BadSetup("callback_url must be an http URL")
    if aes_key:
        wxcrypt.encrypt("", aes_key, appid)
    menu = data.get("menu")
    with store.transaction():
        store.run(
            "insert into account (appid, secret, token, aes_key, callback_url, name, gh_id, at_real) "
            "values (?, ?, ?, ?, ?, ?, ?, ?) "
            "on conflict (appid) do update set secret = excluded.secret, token = excluded.token, aes_key = excluded.aes_key, "
            "callback_url = excluded.callback_url, name = excluded.name, gh_id = excluded.gh_id, at_real = excluded.at_real",
            appid,
            secret,
            token,
            aes_key,
            url,
            str(data.get("name") or appid),
            str(data.get("gh_id") or "gh_" + wxcrypt.signature(appid)[:12]),
            store.stamps()["at_real"],
        )
        for column in ("menu", "templates"):
            if isinstance(data.get(column), list):
                given = json.dumps(data[column], ensure_ascii=False)
                store.run(f"update account set {column} = ? where appid = ?", given, appid)
        if menu is None and not store.value("select menu from account where appid = ?", appid):
            store.run("update account set menu = ? where appid = ?", json.dumps(_menu(), ensure_ascii=False), appid)
        for place, one in enumerate(data.get("scenes") or []):
            if isinstance(one, dict) and one.get("scene"):
                _keep_scene(appid, one, place)
        for one in data.get("followers") or []:
            if isinstance(one, dict) and one.get("openid"):
                people.keep_follower(
                    appid, str(one["openid"])[:60], str(one.get("name") or "")[:40], one.get("message_at")
                )
    problem = _check(people.account_of(appid), wanted=data.get("verify") is not False)
    store.run("update account set verified = ?, verify_note = ? where appid = ?", int(not problem), problem, appid)
    return {"appid": appid, "verified": not problem, "problem": problem}


def _check(account: sqlite3.Row, *, wanted: bool) -> str:
    if not wanted:
        return gettext_noop("not checked")
    return outbox.verify(account) if account["callback_url"] else gettext_noop("no callback URL")


def _keep_scene(appid: str, one: dict[str, Any], place: int) -> None:
    scene, label = str(one["scene"])[:64], str(one.get("label") or "")[:60]
    ticket = str(one.get("ticket") or f"{appid}-{scene}")
    store.run(
        "insert into qr (ticket, appid, scene, label, numeric, url, at_real) values (?, ?, ?, ?, ?, ?, ?) "
        "on conflict (ticket) do update set label = excluded.label",
        ticket,
        appid,
        scene,
        label,
        int(scene.isdigit()),
        f"{settings.PUBLIC_URL}/q/{scene}",
        store.stamps()["at_real"] - place,
    )


def _menu() -> list[dict[str, str]]:
    return [
        {"type": "click", "name": "新品跑鞋", "key": "NEW_SHOES"},
        {"type": "view", "name": "逛商城", "url": f"{settings.PUBLIC_URL}/shop/"},
        {"type": "click", "name": "我的优惠", "key": "MY_COUPONS"},
    ]


def connect_shop(data: dict[str, Any]) -> dict[str, Any]:
    """The shop embeds this tracker. ``collector_url`` is the product's address (default: PUBLIC_URL); with ``server_key`` the
    shop's own server tells the company who somebody is, with ``hook_url`` and ``hook_key`` it tells its catalogue, carts and orders
    by signed webhooks."""
    key = str(data.get("write_key", "")).strip()
    collector = str(data.get("collector_url") or settings.PRODUCT_URL).rstrip("/")
    if not key or not re.match(r"https?://[^/\s]+$", collector):
        raise BadSetup("write_key and collector_url (scheme, host and port) are needed")
    store.run(
        "insert into shop values (1, ?, ?, ?, ?, ?) on conflict (id) do update set write_key = excluded.write_key, "
        "collector_url = excluded.collector_url, name = excluded.name, public_url = excluded.public_url, "
        "server_key = excluded.server_key",
        key,
        collector,
        str(data.get("name") or "山野跑步"),
        f"{settings.PUBLIC_URL}/shop/",
        str(data.get("server_key") or ""),
    )
    if data.get("hook_url"):
        _connect_hooks(str(data["hook_url"]).strip(), str(data.get("hook_key") or "").strip())
    return {"shop_url": f"{settings.PUBLIC_URL}/shop/"}


def _connect_hooks(url: str, key: str) -> None:
    """The catalogue is pushed when the address is new, or nothing was told since the last reset."""
    try:
        good = key.startswith("whsec_") and len(base64.b64decode(key.removeprefix("whsec_"), validate=True)) >= 24
    except ValueError:
        good = False
    if not good or not re.match(r"https?://[^/\s]+/", url):
        raise BadSetup("hook_url must be an http URL and hook_key a key whsec_...")
    before = store.row("select * from shop_hook")
    store.run(
        "insert into shop_hook values (1, ?, ?) on conflict (id) do update set url = excluded.url, key = excluded.key",
        url,
        key,
    )
    if before is None or before["url"] != url or not store.value("select count(*) from hook"):
        dealings.push_catalogue()


def deal(data: dict[str, Any]) -> dict[str, Any]:
    """``{"openid", "step": "cart", "sku", "quantity"}``, ``{"openid", "step": "place", "email", "coupon"?}``, or ``{"number",
    "step": "pay" | "ship" | "deliver" | "invoice" | "refund" | "cancel", "amount"?}``; answers the cart or the order."""
    step = str(data.get("step", ""))
    if step == "cart":
        lines = dealings.put(str(data.get("openid", "")), str(data.get("sku", "")), int(data.get("quantity", 1)))
        return {"lines": lines}
    if step == "place":
        row = dealings.place(str(data.get("openid", "")), str(data.get("email", "")), str(data.get("coupon") or ""))
    else:
        row = dealings.deal(str(data.get("number", "")), step, str(data.get("amount") or ""))
    return {"order": dict(row) | {"lines": json.loads(row["lines"])}}


def switch_faults(data: dict[str, Any]) -> dict[str, Any]:
    changed = faults.change(data)
    outbox.wake()
    return {"faults": changed, "known": faults.COUNTED | faults.SECONDS | faults.SWITCHES}


def reset(data: dict[str, Any]) -> dict[str, Any]:
    """Forget people, messages, mail, callbacks and faults; ``accounts: true`` also the connections; the clock runs true again."""
    store.wipe(accounts=bool(data.get("accounts")))
    times.back_to_real()
    return {"reset": True}


def shift_clock(data: dict[str, Any]) -> dict[str, Any]:
    """``{"shift": "+30m" | "22:30" | "08:00" | "+1d" | "real"}`` or ``{"offset_seconds": n}``."""
    if "offset_seconds" in data:
        times.set_seconds(float(data["offset_seconds"]))
    else:
        times.shift(str(data.get("shift", "")))
    return {"now": clock.now().isoformat(), "offset_seconds": clock.offset().total_seconds()}


def new_person(data: dict[str, Any]) -> dict[str, Any]:
    """A fresh customer; with ``current: true`` the phone becomes theirs."""
    account = people.account_of(str(data["appid"])) if data.get("appid") else people.first_account()
    if account is None:
        raise BadSetup("no account yet: POST /setup/oa first")
    made = people.make(account, name=str(data.get("name", ""))[:40], email=str(data.get("email", ""))[:200])
    if data.get("current"):
        people.become(made["openid"])
    return {name: made[name] for name in ("openid", "appid", "name", "email", "city")}


def do_act(data: dict[str, Any]) -> dict[str, Any]:
    """``{"openid", "kind", ...}`` (people.act); ``wait`` seconds for the callback's outcome, at most 30."""
    given = {name: value for name, value in data.items() if name not in {"openid", "kind", "wait"}}
    callback = people.act(str(data.get("openid", "")), str(data.get("kind", "")), **given)
    row = outbox.wait_for(callback, min(float(data.get("wait") or 0), 30)) if callback else None
    return {"callback": _callback(row) if row else None}


def bulk_act(data: dict[str, Any]) -> dict[str, Any]:
    """Many customers do the same: ``{"openids": [...], "kind", ...}``, or ``{"count", "seed", "kind", ...}``, which makes them."""
    kind = str(data.get("kind", "follow"))
    given = {name: value for name, value in data.items() if name not in {"openids", "count", "seed", "kind", "appid"}}
    openids = data.get("openids")
    if openids is None:
        account = people.account_of(str(data["appid"])) if data.get("appid") else people.first_account()
        count = int(data.get("count", 0))
        if account is None or not 1 <= count <= BULK_MOST:
            raise BadSetup(f"an account, and count from 1 to {BULK_MOST}")
        openids = people.make_many(account, count, str(data.get("seed", "bulk")))
    if not isinstance(openids, list) or len(openids) > BULK_MOST:
        raise BadSetup(f"openids must be a list of at most {BULK_MOST}")
    with store.transaction():
        for openid in openids:
            people.act(str(openid), kind, **given)
    return {"openids": openids}


def bulk_follow(data: dict[str, Any]) -> dict[str, Any]:
    return bulk_act(data | {"kind": "follow"})


_TABLES = {
    "messages": ("select * from chat where {} order by id", ["openid"]),
    "callbacks": ("select * from callback where {} order by id", ["openid"]),
    "calls": ("select * from call where {} order by id", ["openid"]),
    "mails": (
        "select id, sender, recipient, subject, opened, at, at_real from mail where {} order by id",
        ["recipient"],
    ),
    "refused_mails": ("select * from refused_mail where {} order by id", ["recipient"]),
    "people": ("select * from person where {} order by openid", ["openid", "appid"]),
    "weibo_comments": ("select * from weibo_comment where {} order by id", ["uid"]),
    "weibo_messages": ("select * from weibo_message where {} order by id", ["uid"]),
    "hooks": ("select * from hook where {} order by id", ["openid", "type"]),
    "orders": ("select * from shop_order where {} order by id", ["openid", "number"]),
    "acts": ("select * from act where {} order by id", ["openid"]),
}


@require_GET
def record(request: HttpRequest, table: str) -> HttpResponse:
    """``/record/<table>.json?openid=&recipient=&after=<id>``: at most 5,000 rows, oldest first; page on with the last id."""
    if table == "summary":
        return JsonResponse(_summary())
    if table not in _TABLES:
        return JsonResponse({"error": f"known: summary, {', '.join(_TABLES)}"}, status=404)
    sql, names = _TABLES[table]
    wanted = [(name, request.GET[name]) for name in names if request.GET.get(name)]
    tests, values = (
        [f"{name} = ?" for name, _ in wanted],
        [value.lower() if name == "recipient" else value for name, value in wanted],
    )
    if table != "people":
        tests.append("id > ?")
        values.append(request.GET.get("after") or "0")
    found = store.rows(sql.format(" and ".join(tests) or "1") + " limit ?", *values, PAGE)
    shape = {"messages": _message, "callbacks": _callback}.get(table, dict)
    return JsonResponse({table: [shape(row) for row in found]}, json_dumps_params={"ensure_ascii": False})


@require_GET
def raw_mail(request: HttpRequest, number: int) -> HttpResponse:
    found = store.value("select raw from mail where id = ?", number)
    return HttpResponse(found, content_type="message/rfc822") if found else HttpResponse(status=404)


def _message(row: Any) -> dict[str, Any]:
    return dict(row) | {"body": json.loads(row["body"]), "outbound": bool(row["outbound"])}


def _callback(row: Any) -> dict[str, Any]:
    return dict(row) | {"reply": json.loads(row["reply"]) if row["reply"] else None}


def _summary() -> dict[str, Any]:
    count = {
        name: store.value(f"select count(*) from {name}")
        for name in ("person", "chat", "callback", "call", "mail", "refused_mail", "hook", "shop_order")
    }
    states = {row[0]: row[1] for row in store.rows("select state, count(*) from callback group by 1")}
    via = {row[0]: row[1] for row in store.rows("select via, count(*) from chat group by 1")}
    errors = {str(row[0]): row[1] for row in store.rows("select errcode, count(*) from call group by 1")}
    paths = {row[0]: row[1] for row in store.rows("select path, count(*) from call group by 1")}
    return {
        "counts": count,
        "callbacks": states,
        "hooks": {row[0]: row[1] for row in store.rows("select state, count(*) from hook group by 1")},
        "messages": via,
        "calls_by_errcode": errors,
        "calls_by_path": paths,
        "faults": faults.current(),
        "now": clock.now().isoformat(),
    }
