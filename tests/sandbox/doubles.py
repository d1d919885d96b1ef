"""A developer's server and wechatpy's client, pointed at the sandbox."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from wechatpy.client import WeChatClient

from tests.fixtures_sandbox import OA


class Developer:
    """A developer's server in the test's process: ``answer(query, body)`` gives (status, body); ``calls`` keeps what came."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[dict[str, str], bytes], tuple[int, str]] = lambda query, body: (
            200,
            query.get("echostr", "success"),
        )
        developer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = dict(parse_qsl(urlsplit(self.path).query))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                developer.calls.append((self.command, query, body))
                status, text = developer.answer(query, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


class RedirectedClient(WeChatClient):
    """wechatpy's own client; only the host is another, also in its absolute addresses."""

    def __init__(self, base: str, **more: Any) -> None:
        super().__init__(OA["appid"], more.pop("secret", OA["secret"]), timeout=10, auto_retry=False, **more)
        request = self._http.request
        self._http.request = lambda method, url, **rest: request(  # type: ignore[method-assign]
            method, url.replace("https://api.weixin.qq.com", base), **rest
        )
