"""Followers, QR codes, media, menu and the platform's addresses."""

import base64
import hashlib
import io
import json
import secrets
import sqlite3
from typing import Any

import segno
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound

from scrm.lib import clock
from scrm.sandbox import store
from scrm.sandbox.platform.gate import Refused, api, body, noted

PAGE = 10_000
MEDIA_KINDS = {"image", "voice", "video", "thumb"}


@api
def user_info(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    answer = _profile(account, request.GET.get("openid", ""))
    noted(request, account, answer["openid"])
    return answer


@api
def user_info_batch(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    wanted = body(request).get("user_list")
    if not isinstance(wanted, list) or len(wanted) > 100:
        raise Refused(40035)
    noted(request, account, note=f"{len(wanted)}")
    return {
        "user_info_list": [_profile(account, str(one.get("openid", ""))) for one in wanted if isinstance(one, dict)]
    }


@api
def user_list(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    after = request.GET.get("next_openid", "")
    total = store.value("select count(*) from person where appid = ? and subscribed = 1", account["appid"])
    sql = "select openid from person where appid = ? and subscribed = 1 and openid > ? order by openid limit ?"
    found = [row["openid"] for row in store.rows(sql, account["appid"], after, PAGE)]
    noted(request, account)
    answer: dict[str, Any] = {"total": total, "count": len(found), "next_openid": found[-1] if found else ""}
    return answer | ({"data": {"openid": found}} if found else {})


@api
def qrcode_create(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    data = body(request)
    action, info = str(data.get("action_name", "")), data.get("action_info")
    scene = info.get("scene") if isinstance(info, dict) else None
    if action not in {"QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"} or not isinstance(
        scene, dict
    ):
        raise Refused(40053)
    numeric = "STR" not in action
    key = scene.get("scene_id" if numeric else "scene_str")
    if key in (None, "", 0) or (numeric and not str(key).isdigit()) or len(str(key)) > 64:
        raise Refused(40053)
    seconds = None if "LIMIT" in action else min(int(data.get("expire_seconds") or 60), 2_592_000)
    now = clock.real_now().timestamp()
    same = store.row(
        "select * from qr where appid = ? and scene = ? and expires_real is null", account["appid"], str(key)
    )
    if seconds is None and same:
        noted(request, account, note=str(key))
        return {"ticket": same["ticket"], "url": same["url"]}
    ticket = "gQ" + base64.urlsafe_b64encode(secrets.token_bytes(66)).decode() + "=="
    url = "http://weixin.qq.com/q/02" + secrets.token_urlsafe(15)
    store.add(
        "qr",
        ticket=ticket,
        appid=account["appid"],
        scene=str(key),
        numeric=int(numeric),
        expires_real=None if seconds is None else now + seconds,
        url=url,
        at_real=now,
    )
    noted(request, account, note=str(key))
    return {"ticket": ticket, "url": url} | ({} if seconds is None else {"expire_seconds": seconds})


def show_qrcode(request: HttpRequest) -> HttpResponse:
    """The picture; as on the platform it needs no token."""
    found = store.row("select url from qr where ticket = ?", request.GET.get("ticket", ""))
    if not found:
        return HttpResponseNotFound()
    picture = io.BytesIO()
    segno.make(found["url"], error="m").save(picture, kind="png", scale=8, border=3)
    return HttpResponse(picture.getvalue(), content_type="image/png")


@api
def media_upload(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    kind = request.GET.get("type", "")
    if kind not in MEDIA_KINDS:
        raise Refused(40004)
    sent = request.FILES.get("media")
    if sent is None:
        raise Refused(41005)
    content = sent.read()
    now = clock.real_now()
    media_id = hashlib.sha256(content + secrets.token_bytes(8)).hexdigest() + secrets.token_hex(16)
    store.add(
        "media",
        media_id=media_id,
        appid=account["appid"],
        kind=kind,
        name=sent.name or "media",
        content=content,
        mime=sent.content_type or "application/octet-stream",
        at_real=now.timestamp(),
    )
    noted(request, account, note=kind)
    return {"type": kind, "media_id": media_id, "created_at": int(now.timestamp())}


@api
def media_get(request: HttpRequest, account: sqlite3.Row) -> HttpResponse:
    found = store.row("select * from media where media_id = ?", request.GET.get("media_id", ""))
    if not found:
        raise Refused(40007)
    noted(request, account, note=found["kind"])
    answer = HttpResponse(found["content"], content_type=found["mime"])
    answer["Content-Disposition"] = 'attachment; filename="media"'
    return answer


@api
def menu_create(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    buttons = body(request).get("button")
    if (
        not isinstance(buttons, list)
        or not 1 <= len(buttons) <= 3
        or not all(isinstance(b, dict) and b.get("name") for b in buttons)
    ):
        raise Refused(40035)
    store.run("update account set menu = ? where appid = ?", json.dumps(buttons, ensure_ascii=False), account["appid"])
    return noted(request, account)


@api
def menu_get(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    if not account["menu"]:
        raise Refused(46003)
    noted(request, account)
    return {"menu": {"button": json.loads(account["menu"])}}


@api
def menu_delete(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    store.run("update account set menu = null where appid = ?", account["appid"])
    return noted(request, account)


@api
def callback_ips(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    noted(request, account)
    return {"ip_list": ["127.0.0.1"]}


def _profile(account: sqlite3.Row, openid: str) -> dict[str, Any]:
    """As since 2021: no nickname, avatar, gender or region; a person who left shows the openid only."""
    person = store.row("select * from person where openid = ? and appid = ?", openid, account["appid"])
    if not person:
        raise Refused(40003, openid=openid)
    if not person["subscribed"]:
        return {"subscribe": 0, "openid": openid}
    scene = person["scene"]
    return {
        "subscribe": 1,
        "openid": openid,
        "language": "zh_CN",
        "subscribe_time": int(person["subscribed_at"]),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE" if scene else "ADD_SCENE_SEARCH",
        "qr_scene": int(scene) if scene.isdigit() else 0,
        "qr_scene_str": "" if scene.isdigit() else scene,
    }
