"""Weibo's API: comments and mentions in, comment replies and private messages out.

Source: Weibo open platform, "comments/to_me", "comments/mentions", "statuses/mentions", "comments/reply" and "Fans service,
messages/reply". Which code says that the 48 hours of a private message are over is not documented: both candidates are here.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils.translation import gettext_noop

from channels_ingest.connectors.base import ConnectorError, Polled, Receipt, Rendered, held_secrets
from channels_ingest.models import Channel
from channels_ingest.quota import count_call
from scrm.lib import clock, http

FEEDS = {"comments": "comments/to_me", "comment_mentions": "comments/mentions", "statuses": "statuses/mentions"}
PAGE = 50
COMMENT_CHARS, MESSAGE_CHARS = 140, 300
_TIMEOUT_SECONDS = 6.0

_BROKEN = {
    *range(21314, 21320),  # token used, expired, withdrawn, rejected
    *(21301, 21321, 21327, 21332, 21324, 10006, 10014),
}
_TOKEN = gettext_noop("Weibo does not take the Access Token any more. Get a new one and type it in.")
_GONE = {20003: gettext_noop("Weibo does not know this user.")}
_LOST = {
    20101: gettext_noop("The post is gone."),
    20201: gettext_noop("The comment is gone."),
    20203: gettext_noop("The comment is gone."),
    20112: gettext_noop("The post cannot be seen by us."),
    20206: gettext_noop("The author allows no comments of ours."),
    20019: gettext_noop("Weibo refuses the same text twice."),
    20021: gettext_noop("Weibo refuses the text."),
    20012: gettext_noop("The text is too long for Weibo."),
}
_WINDOW = {10016, 21405}
_WINDOW_CLOSED = gettext_noop(
    "The reply window is closed: the person has not written a private message within 48 hours."
)
_BUSY = {10001: 30, 10002: 30, 10009: 30, 10011: 30, 10010: 60}
_RATE = {10022: 600, 10023: 600, 10024: 600, 20016: 60, 20017: 60}


class WeiboLink:
    """One account's connection for a batch of calls."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._token = held_secrets(channel).get("access_token", "")

    def send(self, address: str, rendered: Rendered, key: str) -> Receipt:
        """A private message to a uid, or (kind "comment") a reply under the person's comment. Raises ConnectorError."""
        build = _BUILDERS.get(rendered.kind)
        if build is None:
            raise ConnectorError(f"Weibo cannot send {rendered.kind!r}.", permanent=True, code="kind")
        path, fields = build(address, rendered)
        told = self.call("POST", path, fields, repeatable=False)
        return Receipt(str(told.get("idstr") or told.get("id") or ""))

    def page(self, feed: str, since: int, until: int) -> list[dict[str, Any]]:
        """The newest of a feed with since < id <= until (0: no end), newest first, at most PAGE."""
        fields = {"since_id": str(since), "max_id": str(until), "count": str(PAGE), "page": "1"}
        told = self.call("GET", f"{FEEDS[feed]}.json", fields, repeatable=True)
        items = told.get("statuses" if feed == "statuses" else "comments")
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def call(self, method: str, path: str, fields: dict[str, str], *, repeatable: bool) -> dict[str, Any]:
        """One request. ``repeatable``: no answer is a plain failure and not "unknown"."""
        count_call(self.channel, path.removesuffix(".json"))
        url, data = f"{settings.WEIBO_API_URL}/2/{path}", urlencode(fields | {"access_token": self._token})
        headers = {"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        try:
            if method == "GET":
                answer = http.request("GET", f"{url}?{data}", timeout=_TIMEOUT_SECONDS)
            else:
                answer = http.request("POST", url, data=data, headers=headers, timeout=_TIMEOUT_SECONDS)
            told = answer.json()
        except http.HttpFailed as error:
            raise _no_answer(error.reason, sent=error.sent and not repeatable) from error
        if isinstance(told, dict) and told.get("error_code"):
            raise failure(told)
        if not answer.ok or not isinstance(told, dict):
            raise _no_answer(f"HTTP {answer.status}", sent=not repeatable and answer.status >= 500)
        return told


@contextmanager
def open_link(channel: Channel) -> Iterator[WeiboLink]:
    yield WeiboLink(channel)


def poll(channel: Channel, feed: str, since: int, until: int) -> Polled:
    """One page of a feed, see WeiboLink.page. Raises ConnectorError."""
    items = WeiboLink(channel).page(feed, since, until)
    numbered = [(int(item.get("id") or item.get("idstr") or 0), item) for item in items]
    fresh = [(number, item) for number, item in numbered if number > since]
    return Polled(fresh, more=len(items) >= PAGE and bool(fresh))


def check(channel: Channel) -> str:
    """Who the token belongs to: proves it, and that it is this account's."""
    told = WeiboLink(channel).call("GET", "account/get_uid.json", {}, repeatable=True)
    if str(told.get("uid")) != channel.settings.get("uid"):
        raise ConnectorError(
            gettext_noop("The Access Token belongs to another Weibo account."),
            permanent=False,
            code="uid",
            detail=str(told.get("uid")),
            channel_broken=True,
        )
    return str(told["uid"])


def failure(told: dict[str, Any]) -> ConnectorError:
    """What an error answer means for us, by its code."""
    code = int(told.get("error_code") or 0)
    number = str(code)
    if code in _BROKEN:
        return ConnectorError(_TOKEN, permanent=False, code=number, channel_broken=True)
    if code in _GONE:
        return ConnectorError(_GONE[code], permanent=True, code=number, address_gone=True)
    if code in _WINDOW:
        return ConnectorError(_WINDOW_CLOSED, permanent=True, code=number, window_closed=True)
    if code in _LOST:
        return ConnectorError(_LOST[code], permanent=True, code=number)
    if code in _BUSY or code in _RATE:
        seconds = _BUSY.get(code) or _RATE[code]
        again = clock.real_now() + timedelta(seconds=seconds)
        reason = (
            gettext_noop("Weibo is busy.")
            if code in _BUSY
            else gettext_noop("Weibo's limit of calls is used up for now.")
        )
        return ConnectorError(reason, permanent=False, code=number, retry_at=again)
    return ConnectorError(f"Weibo answered {code}: {str(told.get('error'))[:120]}", permanent=True, code=number)


def _no_answer(detail: str, *, sent: bool) -> ConnectorError:
    if sent:
        reason = gettext_noop("Weibo gave no readable answer; the message may have arrived.")
        return ConnectorError(reason, permanent=False, code="no_answer", detail=detail, unknown=True)
    again = clock.real_now() + timedelta(seconds=10)
    reason = gettext_noop("Weibo cannot be reached.")
    return ConnectorError(reason, permanent=False, code="unreachable", detail=detail, retry_at=again)


def _text(address: str, rendered: Rendered) -> tuple[str, dict[str, str]]:
    """``data`` is JSON that is URL-encoded once more inside the form (fans service)."""
    _fits(rendered.text, MESSAGE_CHARS)
    body = json.dumps({"text": rendered.text}, ensure_ascii=False)
    return "messages/reply.json", {"type": "text", "receiver_id": address, "data": quote(body), "save_sender_box": "1"}


def _comment(address: str, rendered: Rendered) -> tuple[str, dict[str, str]]:
    _fits(rendered.text, COMMENT_CHARS)
    data = rendered.data
    if not data.get("comment_id"):
        return "comments/create.json", {"id": str(data.get("post_id") or ""), "comment": rendered.text}
    fields = {"cid": str(data["comment_id"]), "id": str(data.get("post_id") or ""), "comment": rendered.text}
    return "comments/reply.json", fields


def _fits(text: str, most: int) -> None:
    if len(text) > most:
        raise ConnectorError(_LOST[20012], permanent=True, code="20012", detail=f"{len(text)} > {most}")


_BUILDERS = {"text": _text, "comment": _comment}
