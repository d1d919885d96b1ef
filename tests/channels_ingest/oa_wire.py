"""What a platform sends, made by the sandbox's own implementation of the encryption, and a scripted platform to call."""

import itertools
import json
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from scrm.sandbox import wxcrypt

FIXTURES = Path(__file__).parent / "fixtures" / "wechat_oa"
APP_ID, TOKEN, AES_KEY = "wxtest0123456789", "testtoken123", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OPENID = "oZkDemo_0123456789abcdefghij"
_nonces = itertools.count(1)


def signed_query(*, encrypt: str = "", token: str = TOKEN, at: int | None = None) -> str:
    moment, nonce = str(at if at is not None else int(time.time())), f"n{next(_nonces)}"
    query = f"timestamp={moment}&nonce={nonce}&signature={wxcrypt.signature(token, moment, nonce)}"
    if encrypt:
        query += f"&encrypt_type=aes&msg_signature={wxcrypt.signature(token, moment, nonce, encrypt)}"
    return query


class Platform(BaseHTTPRequestHandler):
    """A scripted cgi-bin: ``server.answers[path]`` is a list (last one repeats) of dicts, ints (HTTP status) or callables."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = self.path.partition("?")[0]
        self.server.calls.append((path, self.path, json.loads(body) if body else {}))
        answers = self.server.answers.get(path, [{"errcode": 0, "errmsg": "ok"}])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(self)
        if answer is None:  # hang up without a word
            self.close_connection = True
            self.connection.close()
            return
        status, data = (answer, b"broken") if isinstance(answer, int) else (200, json.dumps(answer).encode())
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, *args) -> None:
        pass
