"""What the phone shows of the conversation: rows of the record as parts that the template draws."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from scrm.sandbox import store

_ANCHOR = re.compile(r"""<a\s[^>]*?href\s*=\s*(["'])(?P<href>.*?)\1[^>]*>(?P<text>.*?)</a>""", re.I | re.S)
_URL = re.compile(r"""https?://[^\s<>"'，。；！？）】」]+""")
_MENU = re.compile(r"weixin://bizmsgmenu\?(?P<query>.*)", re.I)
_GAP = 300


def bubbles(openid: str) -> list[dict[str, Any]]:
    """The last 80 rows, oldest first; ``time`` is set where a time line belongs above."""
    rows = store.rows("select * from chat where openid = ? order by id desc limit 80", openid)[::-1]
    found, last = [], None
    for row in rows:
        body = json.loads(row["body"])
        bubble = {
            "id": row["id"],
            "mine": not row["outbound"],
            "kind": row["kind"],
            "via": row["via"],
            **_part(row["kind"], body),
        }
        bubble["time"] = "" if last is not None and abs(row["at"] - last) < _GAP else moment(row["at"])
        last = row["at"]
        found.append(bubble)
    return found


def links(openid: str) -> list[str]:
    """Addresses in what came to the phone, newest message first."""
    rows = store.rows("select body from chat where openid = ? and outbound = 1 order by id desc limit 30", openid)
    return [url for row in rows for url in _URL.findall(row["body"].replace("\\", " "))]


def moment(seconds: float) -> str:
    when = timezone.localtime(datetime.fromtimestamp(seconds, UTC))
    return f"{date_format(when, 'MONTH_DAY_FORMAT')} {when:%H:%M}"


def rich(text: str) -> SafeString:
    """WeChat's text: plain, except ``<a href>``; bare addresses become links too. The phone handles ``data-open``."""
    parts, at = [], 0
    for found in _ANCHOR.finditer(text):
        parts.append(_plain(text[at : found.start()]))
        parts.append(_link(found["href"], re.sub(r"<[^>]*>", "", found["text"])))
        at = found.end()
    parts.append(_plain(text[at:]))
    return mark_safe("".join(parts))  # Every piece was escaped above.


def _plain(text: str) -> str:
    pieces, at = [], 0
    for found in _URL.finditer(text):
        pieces += [escape(text[at : found.start()]), _link(found[0], found[0])]
        at = found.end()
    return "".join([*pieces, escape(text[at:])])


def _link(href: str, text: str) -> str:
    menu = _MENU.match(href)
    if menu:
        return format_html('<button type="button" class="wx-say" data-say="{}">{}</button>', text, text)
    if not href.startswith(("http://", "https://")):
        return str(escape(text))
    return format_html('<a href="{}" data-open>{}</a>', href.replace("&amp;", "&"), text)


def _part(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if kind == "text":
        return {"text": rich(str(body.get("content", "")))}
    if kind == "news":
        return {"articles": [_article(one) for one in body.get("articles", []) if isinstance(one, dict)]}
    if kind == "template":
        return {"title": body.get("title", ""), "lines": _template(body), "url": _safe(body.get("url"))}
    if kind == "msgmenu":
        return {
            "head": body.get("head_content", ""),
            "choices": body.get("list", []),
            "tail": body.get("tail_content", ""),
        }
    if kind == "image":
        return {"media": body.get("media_id", "")}
    if kind in {"voice", "location"}:
        return {"text": body.get("content", "")}
    if kind == "link":
        return {"articles": [_article({"title": body.get("title") or body.get("content"), **body})]}
    if kind == "miniprogrampage":
        return {"title": body.get("title", "")}
    return {"title": body.get("title", "")}


def _article(one: dict[str, Any]) -> dict[str, str]:
    picture = _safe(one.get("picurl") or one.get("image"))
    return {
        "title": str(one.get("title", "")),
        "text": str(one.get("description", "")),
        "url": _safe(one.get("url")),
        "picture": picture,
    }


def _safe(url: object) -> str:
    text = str(url or "")
    return text if text.startswith(("http://", "https://")) else ""


def _template(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The template's own lines when the account has its text, else the fields as they came."""
    data = body.get("data", {})
    lines = []
    for line in str(body.get("content", "")).splitlines():
        label, _, rest = line.partition("{{")
        name = rest.partition(".DATA}}")[0].strip()
        if name in data:
            lines.append((label.strip("：: "), data[name]))
    return lines or [("" if name in {"first", "remark"} else name, value) for name, value in data.items()]
