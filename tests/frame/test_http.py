"""The outbound client against a real server on a loopback port."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scrm.lib import http
from scrm.lib.http import HttpFailed
from scrm.runtime import places


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        seen = {"body": body.decode(), "type": self.headers.get("content-type"), "extra": self.headers.get("x-extra")}
        self.reply(200, json.dumps(seen).encode())

    def do_GET(self):
        if self.path == "/slow":
            self.server.slow.wait(5)
            self.reply(200, b"{}")
        elif self.path == "/drop":
            self.close_connection = True
            self.connection.close()
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()
        elif self.path == "/gzip":
            self.reply(200, gzip.compress(b'{"packed": true}'), ("content-encoding", "gzip"))
        elif self.path == "/long":
            self.reply(200, b"x" * 5000)
        elif self.path == "/html":
            self.reply(502, b"<h1>Bad gateway</h1>")
        else:
            self.reply(404, b'{"errcode": 404}')

    def reply(self, status, body, *headers):
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.slow = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.slow.set()
    server.shutdown()
    server.server_close()


def test_json_both_ways(address):
    answer = http.request("POST", address + "/", json={"name": "小林"}, headers={"X-Extra": "1"})
    assert answer.ok and answer.json() == {
        "body": '{"name":"小林"}', "type": "application/json; charset=utf-8", "extra": "1",
    }  # fmt: skip


def test_any_status_is_an_answer(address):
    answer = http.request("GET", address + "/none")
    assert (answer.status, answer.ok, answer.json()) == (404, False, {"errcode": 404})


def test_no_redirect_is_followed(address):
    answer = http.request("GET", address + "/away")
    assert answer.status == 302 and answer.headers["location"] == "/elsewhere"


def test_gzip_and_the_bound(address):
    assert http.request("GET", address + "/gzip").json() == {"packed": True}
    with pytest.raises(HttpFailed, match="longer than 4000") as failure:
        http.request("GET", address + "/long", most_bytes=4000)
    assert failure.value.sent
    assert len(http.request("GET", address + "/long", most_bytes=5000).body) == 5000


def test_an_answer_that_is_not_json(address):
    with pytest.raises(HttpFailed, match="answer 502 is not JSON") as failure:
        http.request("GET", address + "/html").json()
    assert failure.value.sent


@pytest.mark.parametrize("path", ["/slow", "/drop"])
def test_no_answer_may_have_arrived(address, path):
    with pytest.raises(HttpFailed) as failure:
        http.request("GET", address + path, timeout=0.2)
    assert failure.value.sent


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://no-such-host.invalid/", "http:///nothing"])
def test_nothing_was_sent(url):
    with pytest.raises(HttpFailed) as failure:
        http.request("GET", url.format(port=places.free_port()), timeout=1)
    assert not failure.value.sent
