"""/cgi-bin/token and /cgi-bin/stable_token. Token ages are real time, never the business clock."""

import hmac
import secrets
import sqlite3
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from scrm.lib import clock
from scrm.sandbox import store
from scrm.sandbox.platform.gate import Refused, body, guarded, noted

LIFE_SECONDS = 7200
OVERLAP_SECONDS = 300
"""After a refresh by /token the old one still works for five minutes."""


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    return guarded(request, lambda: _token(request), with_token=False)


@csrf_exempt
def stable_token(request: HttpRequest) -> HttpResponse:
    return guarded(request, lambda: _stable(request), with_token=False)


def _token(request: HttpRequest) -> dict[str, Any]:
    account = _authenticate(request.GET.dict())
    now = clock.real_now().timestamp()
    with store.transaction():
        store.run(
            "update token set expires_real = min(expires_real, ?) where appid = ? and stable = 0",
            now + OVERLAP_SECONDS,
            account["appid"],
        )
        made = _make(account["appid"], stable=False, now=now)
    noted(request, account)
    return {"access_token": made, "expires_in": LIFE_SECONDS}


def _stable(request: HttpRequest) -> dict[str, Any]:
    data = body(request)
    account = _authenticate(data)
    now = clock.real_now().timestamp()
    with store.transaction():
        kept = store.row(
            "select * from token where appid = ? and stable = 1 and expires_real > ? + 300", account["appid"], now
        )
        if kept and not data.get("force_refresh"):
            made, left = kept["token"], int(kept["expires_real"] - now)
        else:
            store.run("delete from token where appid = ? and stable = 1", account["appid"])
            made, left = _make(account["appid"], stable=True, now=now), LIFE_SECONDS
    noted(request, account)
    return {"access_token": made, "expires_in": left}


def _authenticate(data: dict[str, Any]) -> sqlite3.Row:
    if data.get("grant_type") != "client_credential":
        raise Refused(40002)
    appid, secret = data.get("appid"), data.get("secret")
    if not appid:
        raise Refused(41002)
    if not secret:
        raise Refused(41004)
    account = store.row("select * from account where appid = ?", str(appid))
    if not account:
        raise Refused(40013)
    if not hmac.compare_digest(account["secret"].encode(), str(secret).encode()):
        raise Refused(40125)
    return account


def _make(appid: str, *, stable: bool, now: float) -> str:
    made = f"{99 if stable else 98}_{secrets.token_urlsafe(96)}"
    store.run("delete from token where expires_real < ?", now - 86400)
    store.add("token", token=made, appid=appid, stable=int(stable), expires_real=now + LIFE_SECONDS)
    return made
