"""Accounts of every kind, callbacks made by an implementation other than the code under test, and tiny real servers."""

import threading
import time
from collections.abc import Callable
from http.server import ThreadingHTTPServer

import pytest
from django.test import Client
from oa_wire import AES_KEY, APP_ID, FIXTURES, OPENID, TOKEN, Platform, signed_query

from channels_ingest import collector
from channels_ingest.actions import create_channel
from channels_ingest.models import Channel
from scrm.sandbox import wxcrypt


@pytest.fixture(autouse=True)
def _no_hints(settings) -> None:
    settings.HINTS = False
    collector.forget()


@pytest.fixture
def oa(db) -> Channel:
    return create_channel(
        kind="wechat_oa",
        name="Shanye OA",
        settings={"app_id": APP_ID, "mode": "safe", "follow_reply": ""},
        credentials={"app_secret": "s3cret", "token": TOKEN, "aes_key": AES_KEY},
        by=None,
    )


@pytest.fixture
def web(db) -> Channel:
    return create_channel(
        kind="web",
        name="Shanye shop",
        settings={"site_url": "https://shop.example.com", "origins": []},
        credentials={"server_secret": "server-secret-0001"},
        by=None,
    )


@pytest.fixture
def fixture_xml() -> Callable[..., str]:
    """fixture_xml("text", openid=...) -> the recorded XML with a fresh CreateTime (or the given one)."""

    def read(name: str, openid: str = OPENID, at: int | None = None, msg_id: str = "") -> str:
        text = (FIXTURES / f"{name}.xml").read_text(encoding="utf-8").strip()
        text = text.replace("1763712000", str(at or int(time.time()))).replace(OPENID, openid)
        if msg_id:
            head, _, rest = text.partition("<MsgId>")
            text = f"{head}<MsgId>{msg_id}</MsgId></xml>" if rest else text
        return text

    return read


@pytest.fixture
def call_back(client: Client) -> Callable[..., object]:
    """call_back(channel, xml, encrypted=True) posts as the platform does."""

    def post(
        channel: Channel,
        xml: str,
        *,
        encrypted: bool = True,
        token: str = TOKEN,
        at: int | None = None,
        key: str = AES_KEY,
    ):
        body = xml
        encrypt = ""
        if encrypted:
            encrypt = wxcrypt.encrypt(xml, key, APP_ID)
            body = f"<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>"
        url = f"/in/wechat_oa/{channel.token}/?{signed_query(encrypt=encrypt, token=token, at=at)}"
        return client.post(url, data=body.encode(), content_type="text/xml")

    return post


@pytest.fixture
def platform(settings):
    """A loopback WeChat: ``platform.answers``, ``platform.calls``, ``platform.count(path)``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
    server.daemon_threads = True
    server.calls, server.answers = [], {"/cgi-bin/stable_token": [{"access_token": "T1", "expires_in": 7200}]}
    server.count = lambda path: sum(call[0] == path for call in server.calls)
    settings.WECHAT_API_URL = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
