"""The door of the cgi-bin API: faults, access token, JSON body, error codes in the platform's form, a record of every call."""

import json
import secrets
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from scrm.lib import clock
from scrm.sandbox import faults, store

TEXTS = {
    0: "ok",
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40035: "invalid parameter",
    40037: "invalid template_id",
    40053: "invalid action info",
    40066: "invalid url",
    40125: "invalid appsecret",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    42001: "access_token expired",
    43002: "require POST method",
    43004: "require subscribe",
    44002: "empty post data",
    44004: "empty content",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    46003: "menu no exist",
    47001: "data format error",
}


class Refused(Exception):
    """The platform's answer with an error code."""

    def __init__(self, errcode: int, note: str = "", openid: str = "") -> None:
        super().__init__(errcode, note)
        self.errcode, self.note, self.openid = errcode, note, openid


class HungUp(BaseException):
    """The connection ends without an answer (a fault). Not an Exception, so that nothing turns it into an answer 500."""


Answer = dict[str, Any] | HttpResponse
Call = Callable[[HttpRequest, sqlite3.Row], Answer]


def api(view: Call) -> Callable[..., HttpResponse]:
    """A cgi-bin endpoint that needs an access token: ``view(request, account)`` answers a dict or raises Refused."""

    @csrf_exempt
    @wraps(view)
    def endpoint(request: HttpRequest) -> HttpResponse:
        return guarded(request, lambda: view(request, _account(request)))

    return endpoint


def guarded(request: HttpRequest, work: Callable[[], Answer], *, with_token: bool = True) -> HttpResponse:
    faults.pause("slow_before")
    if faults.hit("http_502"):
        return HttpResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status=502)
    if faults.hit("garbage"):
        return HttpResponse("<!doctype html><title>WeChat</title><p>Service is being upgraded.")
    codes = (["token_40001"] if with_token else []) + ["busy", "quota"]
    struck = next((name for name in codes if faults.hit(name)), None)
    if struck:
        answer: Answer = _refusal(
            request, Refused({"token_40001": 40001, "busy": -1, "quota": 45009}[struck], "fault switch")
        )
    else:
        try:
            answer = work()
        except Refused as refused:
            answer = _refusal(request, refused)
    faults.pause("slow_after")
    if faults.hit("drop_after"):
        raise HungUp
    return (
        answer if isinstance(answer, HttpResponse) else JsonResponse(answer, json_dumps_params={"ensure_ascii": False})
    )


def body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was posted. Raises Refused."""
    if request.method != "POST":
        raise Refused(43002)
    if not request.body:
        raise Refused(44002)
    try:
        data = json.loads(request.body)
    except (ValueError, UnicodeDecodeError):
        raise Refused(47001) from None
    if not isinstance(data, dict):
        raise Refused(47001)
    return data


def noted(request: HttpRequest, account: sqlite3.Row | None, openid: str = "", note: str = "") -> dict[str, Any]:
    """Record a call that went well; the platform's plain answer."""
    _note(request, account["appid"] if account else "", openid, 0, note)
    return {"errcode": 0, "errmsg": "ok"}


def _account(request: HttpRequest) -> sqlite3.Row:
    token = request.GET.get("access_token", "")
    if not token:
        raise Refused(41001)
    found = store.row("select * from token where token = ?", token)
    if not found:
        raise Refused(40001)
    if found["expires_real"] < clock.real_now().timestamp():
        raise Refused(42001)
    account = store.row("select * from account where appid = ?", found["appid"])
    if not account:
        raise Refused(40001)
    return account


def _refusal(request: HttpRequest, refused: Refused) -> dict[str, Any]:
    token = request.GET.get("access_token", "")
    appid = store.value("select appid from token where token = ?", token) or request.GET.get("appid", "")
    _note(request, appid, refused.openid, refused.errcode, refused.note)
    rid = f"{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return {"errcode": refused.errcode, "errmsg": f"{TEXTS.get(refused.errcode, 'error')} rid: {rid}"}


def _note(request: HttpRequest, appid: str, openid: str, errcode: int, note: str) -> None:
    path = request.path.removeprefix("/cgi-bin/")
    store.add("call", path=path, appid=appid, openid=openid, errcode=errcode, note=note, **store.stamps())
