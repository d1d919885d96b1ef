"""/cgi-bin/message/custom/send, custom/typing and template/send."""

import json
import re
import sqlite3
from typing import Any

from django.http import HttpRequest

from scrm.lib import clock
from scrm.sandbox import callbacks, store
from scrm.sandbox.platform import rules
from scrm.sandbox.platform.gate import Refused, api, body, noted

TEXT_BYTES = 2048
_NEEDED = {
    "text": ["content"],
    "image": ["media_id"],
    "voice": ["media_id"],
    "video": ["media_id"],
    "music": ["musicurl"],
    "news": ["articles"],
    "mpnews": ["media_id"],
    "mpnewsarticle": ["article_id"],
    "msgmenu": ["list"],
    "wxcard": ["card_id"],
    "miniprogrampage": ["title", "appid", "pagepath", "thumb_media_id"],
    "link": ["url"],
}
"""Message kinds of the customer-service interface and the fields each cannot do without."""


@api
def custom_send(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    data = body(request)
    openid, kind = str(data.get("touser", "")), str(data.get("msgtype", ""))
    content = _content(data, kind, openid)
    with store.transaction():
        person = _person(account, openid)
        window = rules.Window(
            bool(person["subscribed"]),
            person["message_at"],
            person["message_sends"],
            person["touch_at"],
            person["touch_sends"],
        )
        errcode, payer = rules.allowance(window, clock.now().timestamp())
        if errcode:
            raise Refused(errcode, note=f"{kind}", openid=openid)
        store.run(f"update person set {payer}_sends = {payer}_sends + 1 where openid = ?", openid)
        number = store.add(
            "chat",
            appid=account["appid"],
            openid=openid,
            outbound=1,
            via="custom",
            kind=kind,
            body=json.dumps(content, ensure_ascii=False),
            **store.stamps(),
        )
        return noted(request, account, openid, f"{kind} #{number}, {payer} window")


@api
def custom_typing(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    data = body(request)
    person = _person(account, str(data.get("touser", "")))
    return noted(request, account, person["openid"])


@api
def template_send(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    """Answers a message id at once; the delivery comes later as TEMPLATESENDJOBFINISH. No window, but it needs a follower."""
    data = body(request)
    openid, template = str(data.get("touser", "")), str(data.get("template_id", ""))
    kept = {item["template_id"]: item for item in json.loads(account["templates"] or "[]")}
    if not template or (kept and template not in kept):
        raise Refused(40037, openid=openid)
    fields = data.get("data")
    if not isinstance(fields, dict) or not all(isinstance(field, dict) for field in fields.values()):
        raise Refused(47001, openid=openid)
    with store.transaction():
        person = _person(account, openid)
        if not person["subscribed"]:
            raise Refused(rules.NOT_FOLLOWING, openid=openid)
        content = {
            "title": kept.get(template, {}).get("title", ""),
            "content": kept.get(template, {}).get("content", ""),
            "data": {name: str(field.get("value", "")) for name, field in fields.items()},
            "url": str(data.get("url", "")),
            "template_id": template,
        }
        number = store.add(
            "chat",
            appid=account["appid"],
            openid=openid,
            outbound=1,
            via="template",
            kind="template",
            body=json.dumps(content, ensure_ascii=False),
            **store.stamps(),
        )
        callbacks.template_finished(account, openid, number)
        return noted(request, account, openid, f"template #{number}") | {"msgid": number}


@api
def template_list(request: HttpRequest, account: sqlite3.Row) -> dict[str, Any]:
    noted(request, account)
    return {"template_list": json.loads(account["templates"] or "[]")}


def _person(account: sqlite3.Row, openid: str) -> sqlite3.Row:
    person = store.row("select * from person where openid = ? and appid = ?", openid, account["appid"])
    if not person:
        raise Refused(rules.BAD_OPENID, openid=openid)
    return person


def _content(data: dict[str, Any], kind: str, openid: str) -> dict[str, Any]:
    if kind not in _NEEDED:
        raise Refused(40008, openid=openid)
    content = data.get(kind)
    if not isinstance(content, dict):
        raise Refused(47001, openid=openid)
    for field in _NEEDED[kind]:
        if not content.get(field):
            raise Refused(44004 if kind in {"text", "news", "msgmenu"} else 40035, note=field, openid=openid)
    if kind == "text" and len(re.sub(r"<[^>]*>", "", str(content["content"])).encode()) > TEXT_BYTES:
        raise Refused(45002, openid=openid)
    if kind == "news" and not (
        isinstance(content["articles"], list) and all(isinstance(a, dict) for a in content["articles"])
    ):
        raise Refused(47001, openid=openid)
    media = content.get("media_id") if kind in {"image", "voice", "video"} else None
    if media and not store.row("select 1 from media where media_id = ?", str(media)):
        raise Refused(40007, openid=openid)
    return content
