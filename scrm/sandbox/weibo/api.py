"""/2/: the calls of Weibo's open platform that the product makes, with the platform's rules and error codes."""

import json
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from scrm.lib import clock
from scrm.sandbox import faults, store
from scrm.sandbox.platform.gate import HungUp
from scrm.sandbox.weibo import people

WINDOW_SECONDS = 48 * 3600
COMMENT_CHARS, MESSAGE_CHARS = 140, 300


class Refused(Exception):
    def __init__(self, code: int, text: str, uid: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.uid = code, text, uid


View = Callable[[HttpRequest, sqlite3.Row], dict[str, Any]]


def api(view: View) -> Callable[[HttpRequest], HttpResponse]:
    """Token, faults, error codes in Weibo's form, and a record of every call."""

    @csrf_exempt
    @wraps(view)
    def endpoint(request: HttpRequest) -> HttpResponse:
        faults.pause("slow_before")
        if faults.hit("http_502"):
            return HttpResponse("<h1>502 Bad Gateway</h1>", status=502)
        if faults.hit("garbage"):
            return HttpResponse("<!doctype html><title>微博</title>")
        code, uid, note = 0, "", ""
        try:
            if faults.hit("busy"):
                raise Refused(10001, "system error")
            told: dict[str, Any] = view(request, _account(request))
            uid = str(told.pop("_uid", ""))
        except Refused as refused:
            code, uid, note = refused.code, refused.uid, refused.text
            told = {"error": refused.text, "error_code": code, "request": request.path}
        if request.method == "POST" or code:
            openid = store.value("select openid from weibo_user where uid = ?", uid) or uid
            store.add(
                "call", path=request.path, appid="weibo", openid=openid, errcode=code, note=note, **store.stamps()
            )
        faults.pause("slow_after")
        if faults.hit("drop_after"):
            raise HungUp
        return JsonResponse(told, status=400 if code else 200, json_dumps_params={"ensure_ascii": False})

    return endpoint


@api
def get_uid(request: HttpRequest, company: sqlite3.Row) -> dict[str, Any]:
    return {"uid": int(company["uid"])}


@api
def comments_to_me(request: HttpRequest, company: sqlite3.Row) -> dict[str, Any]:
    """Comments under the account's posts, its own left out, newest first."""
    sql = (
        "select c.* from weibo_comment c join weibo_post p on p.id = c.post_id"
        " where p.uid = ? and c.uid != p.uid and c.id > ? and (? = 0 or c.id <= ?) order by c.id desc limit ?"
    )
    rows = store.rows(sql, company["uid"], *_range(request))
    return {"comments": [_comment(row) for row in rows], "total_number": len(rows)}


@api
def no_mentions(request: HttpRequest, company: sqlite3.Row) -> dict[str, Any]:
    return {"comments": [], "statuses": [], "total_number": 0}


@api
def comment_reply(request: HttpRequest, company: sqlite3.Row) -> dict[str, Any]:
    text, number = request.POST.get("comment", ""), request.POST.get("cid", "")
    above = store.row("select * from weibo_comment where id = ?", number)
    if above is None:
        raise Refused(20201, "target comment does not exist!")
    if not text or len(text) > COMMENT_CHARS:
        raise Refused(20012, "Text too long, please input text less than 140 characters!", above["uid"])
    last = store.value("select text from weibo_comment where uid = ? order by id desc limit 1", company["uid"])
    if last == text:
        raise Refused(20019, "repeat content!", above["uid"])
    made = people.add_comment(above["post_id"], company["uid"], text, above["id"])
    return {"_uid": above["uid"], "id": made, "idstr": str(made), "text": text}


@api
def message_reply(request: HttpRequest, company: sqlite3.Row) -> dict[str, Any]:
    uid = request.POST.get("receiver_id", "")
    person = store.row("select * from weibo_user where uid = ?", uid)
    if person is None:
        raise Refused(20003, "User does not exists!", uid)
    if person["message_at"] is None or clock.now().timestamp() - person["message_at"] > WINDOW_SECONDS:
        raise Refused(21405, "no message from the user within 48 hours", uid)
    try:
        text = str(json.loads(unquote(request.POST.get("data", "")))["text"])
    except (ValueError, KeyError, TypeError):
        raise Refused(10008, "param error, see doc for more info.", uid) from None
    if not text or len(text) > MESSAGE_CHARS:
        raise Refused(20012, "Text too long", uid)
    made = store.add("weibo_message", id=people.new_id(), uid=uid, outbound=1, text=text, **store.stamps())
    return {"_uid": uid, "result": True, "id": made, "sender_id": company["uid"], "receiver_id": uid}


def _account(request: HttpRequest) -> sqlite3.Row:
    token = request.GET.get("access_token") or request.POST.get("access_token") or ""
    if not token:
        raise Refused(10006, "Source paramter (appkey) is missing")
    if faults.hit("token_40001"):
        raise Refused(21327, "expired_token")
    found = store.row("select * from weibo_account where access_token = ?", token)
    if found is None:
        raise Refused(21332, "invalid_access_token")
    return found


def _range(request: HttpRequest) -> tuple[int, int, int, int]:
    since, most = int(request.GET.get("since_id") or 0), int(request.GET.get("max_id") or 0)
    return since, most, most, min(int(request.GET.get("count") or 50), 200)


def _comment(row: sqlite3.Row) -> dict[str, Any]:
    author = store.row("select * from weibo_user where uid = ?", row["uid"])
    post = store.row("select * from weibo_post where id = ?", row["post_id"])
    told: dict[str, Any] = {
        "created_at": people.written(row["at"]),
        "id": row["id"],
        "idstr": str(row["id"]),
        "mid": str(row["id"]),
        "text": row["text"],
        "source": "微博 weibo.com",
        "user": {
            "id": int(row["uid"]),
            "idstr": row["uid"],
            "screen_name": author["name"] if author else row["uid"],
            "followers_count": int(row["uid"]) % 3000,
        },
        "status": {"id": post["id"], "idstr": str(post["id"]), "text": post["text"], "user": {"idstr": post["uid"]}},
    }
    if row["reply_to"]:
        told["reply_comment"] = {"id": row["reply_to"], "idstr": str(row["reply_to"])}
    return told
