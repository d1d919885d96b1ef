"""Talking to an Official Account's API through wechatpy, with its known traps closed: no base URL but ours, always a
time-out, no endless retry, and no doubt about whether a message may have gone out.

Source: WeChat developer documentation, "Customer service messages" and "Template messages".
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from django.conf import settings
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from channels_ingest.connectors.base import ConnectorError, Receipt, Rendered
from channels_ingest.connectors.wechat_oa import tokens
from channels_ingest.connectors.wechat_oa.errors import (
    QUOTA_USED,
    TOKEN_REFUSED,
    failure,
    quota_reset,
    unknown,
    unreachable,
)
from channels_ingest.models import Channel
from channels_ingest.quota import count_call, exhausted

_OFFICIAL = "https://api.weixin.qq.com"
_TIMEOUT_SECONDS = (3.0, 6.0)
CUSTOM, TEMPLATE = "message/custom/send", "message/template/send"


class _Session(requests.Session):
    """Sends every call to settings.WECHAT_API_URL and never waits without end. wechatpy carries absolute addresses and has
    no time-out of its own."""

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        if url.startswith(_OFFICIAL):
            url = settings.WECHAT_API_URL + url[len(_OFFICIAL) :]
        options["timeout"] = options.get("timeout") or _TIMEOUT_SECONDS
        options.setdefault("allow_redirects", False)
        return super().request(method, url, **options)


class OaLink:
    """One account's connection for a batch of calls. Not for sharing between threads."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._token = tokens.current(channel)
        self._used: Counter[str] = Counter()
        self._exhausted = exhausted(channel)
        self._client = WeChatClient(channel.settings.get("app_id", ""), "", auto_retry=False)
        self._client._http = _Session()

    def send(self, address: str, rendered: Rendered, key: str) -> Receipt:
        """Customer-service or template message to an openid. Raises ConnectorError."""
        build = _BUILDERS.get(rendered.kind)
        if build is None:
            raise ConnectorError(f"An Official Account cannot send {rendered.kind!r}.", permanent=True, code="kind")
        path, body = build(rendered, key)
        told = self.call(path, {"touser": address, **body}, repeatable=path == TEMPLATE)
        return Receipt(str(told.get("msgid") or ""))

    def create_scene(self, scene: str) -> tuple[str, str]:
        """(ticket, what the code says) of a permanent code with a scene string. Repeating it gives the same code again."""
        body = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}}
        told = self.call("qrcode/create", body, repeatable=True)
        return str(told.get("ticket", "")), str(told.get("url", ""))

    def person(self, openid: str) -> dict[str, Any]:
        """What the platform still tells of a follower: subscribe, unionid, language, remark, tags, scene. Not the name."""
        return self._told(lambda: self._client.user.get(openid), "user/info", repeatable=True)

    def call(self, path: str, body: dict[str, Any], *, repeatable: bool) -> dict[str, Any]:
        """POST to cgi-bin. ``repeatable``: doing it twice does no harm, so no answer is a plain failure and not "unknown"."""
        return self._told(lambda: self._client.post(path, data=body), path, repeatable=repeatable)

    def close(self) -> None:
        self._client._http.close()
        for path, times in self._used.items():
            count_call(self.channel, path, times)
        self._used.clear()

    def _told(self, ask: Callable[[], Any], path: str, *, repeatable: bool) -> dict[str, Any]:
        """Ask; on a refused token ask once more with another one."""
        if path in self._exhausted:
            again = self._exhausted[path]
            raise ConnectorError(QUOTA_USED, permanent=False, code="45009", retry_at=again)
        try:
            return self._ask(ask, path, repeatable)
        except WeChatClientException as error:
            if error.errcode not in TOKEN_REFUSED:
                raise self._failure(error, path) from error
        used, self._token = self._token, tokens.replace(self.channel, self._token)
        try:
            return self._ask(ask, path, repeatable)
        except WeChatClientException as error:
            if error.errcode in TOKEN_REFUSED and self._token != used:
                tokens.refuse(self.channel, self._token)
                raise tokens.refusal() from error
            raise self._failure(error, path) from error

    def _ask(self, ask: Callable[[], Any], path: str, repeatable: bool) -> dict[str, Any]:
        """One request. Raises WeChatClientException for an answer that says no, ConnectorError for no answer."""
        self._client.session.set(self._client.access_token_key, self._token)
        self._client.expires_at = None
        self._used[path] += 1
        try:
            told = ask()
        except requests.exceptions.ConnectTimeout as error:
            raise unreachable("time-out while connecting") from error
        except requests.exceptions.RequestException as error:
            if repeatable or not _may_have_arrived(error):
                raise unreachable(type(error).__name__) from error
            raise unknown(type(error).__name__) from error
        except WeChatClientException as error:
            status = getattr(error.response, "status_code", 0)
            if error.errcode is None and status >= 500 and not repeatable:
                raise unknown(f"HTTP {status}") from error
            if error.errcode is None:
                raise unreachable(f"HTTP {status}") from error
            raise
        if not isinstance(told, dict):
            if repeatable:
                raise unreachable("the answer is not JSON")
            raise unknown("the answer is not JSON")
        return told

    def _failure(self, error: WeChatClientException, path: str) -> ConnectorError:
        if error.errcode == 45009:
            self._exhausted[path] = quota_reset()
            count_call(self.channel, path, 0, exhausted_until=self._exhausted[path])
        return failure(error.errcode, str(error.errmsg))


@contextmanager
def open_link(channel: Channel) -> Iterator[OaLink]:
    """A link for a batch. Raises ConnectorError when there is no token to be had."""
    link = OaLink(channel)
    try:
        yield link
    finally:
        link.close()


def check(channel: Channel) -> str:
    """Fetch (or find) a token: proves AppID, AppSecret and the white list of addresses. Then count the followers."""
    with open_link(channel) as link:
        told = link._told(lambda: link._client.user.get_followers(), "user/get", repeatable=True)
    return str(told.get("total", ""))


def _may_have_arrived(error: requests.exceptions.RequestException) -> bool:
    """False only when no connection came about (urllib3 says so in the cause)."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return type(reason).__name__ not in {"NewConnectionError", "ConnectTimeoutError", "NameResolutionError"}


def _text(rendered: Rendered, key: str) -> tuple[str, dict[str, Any]]:
    return CUSTOM, {"msgtype": "text", "text": {"content": rendered.text}}


def _link(rendered: Rendered, key: str) -> tuple[str, dict[str, Any]]:
    data = rendered.data
    article = {
        "title": data.get("title") or rendered.subject or rendered.text,
        "description": data.get("description", ""),
        "url": data.get("url", ""),
        "picurl": data.get("picture", ""),
    }
    return CUSTOM, {"msgtype": "news", "news": {"articles": [article]}}


def _image(rendered: Rendered, key: str) -> tuple[str, dict[str, Any]]:
    return CUSTOM, {"msgtype": "image", "image": {"media_id": rendered.data.get("media_id", "")}}


def _mini(rendered: Rendered, key: str) -> tuple[str, dict[str, Any]]:
    data = rendered.data
    card = {
        "title": data.get("title") or rendered.text,
        "appid": data.get("appid", ""),
        "pagepath": data.get("path", ""),
        "thumb_media_id": data.get("picture_media_id", ""),
    }
    return CUSTOM, {"msgtype": "miniprogrampage", "miniprogrampage": card}


def _template(rendered: Rendered, key: str) -> tuple[str, dict[str, Any]]:
    """``client_msg_id`` (at most 32 characters) makes the platform drop a repetition."""
    data = rendered.data
    body: dict[str, Any] = {
        "template_id": data.get("template_id", ""),
        "url": data.get("url", ""),
        "client_msg_id": hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        "data": {name: {"value": str(value)} for name, value in (data.get("fields") or {}).items()},
    }
    mini = data.get("mini") or {}
    if mini.get("appid"):
        body["miniprogram"] = {"appid": mini["appid"], "pagepath": mini.get("path", "")}
    return TEMPLATE, body


_BUILDERS = {"text": _text, "link": _link, "image": _image, "mini": _mini, "template": _template}
