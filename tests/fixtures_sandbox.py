"""A real sandbox process on free ports: ``sandbox`` (shared, reset before each test) and ``make_sandbox`` (may be killed)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
OA = {
    "appid": "wxtest0000000001",
    "secret": "0123456789abcdef0123456789abcdef",
    "token": "tokenoftests",
    "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "name": "山野跑步",
}
"""An account for tests; give it a ``callback_url`` with ``sandbox.connect(url)``."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sandbox:
    """One sandbox process. ``post`` and ``get`` answer the JSON; a status of 400 and above raises AssertionError with its text."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port, self.smtp_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Sandbox":
        """Start, or start again on the same ports and the same record; returns when it answers."""
        environment = (
            os.environ
            | {
                "DATA_DIR": str(self.data_dir),
                "SANDBOX_PORT": str(self.port),
                "SANDBOX_SMTP_PORT": str(self.smtp_port),
                "SANDBOX_PUBLIC_URL": self.url,
                "SANDBOX_CALLBACK_RETRY_MS": "200",
                "PYTHONUNBUFFERED": "1",
            }
            | self.environment
        )
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        log = (self.data_dir / "sandbox.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scrm.sandbox"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        log.close()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.get("/record/summary.json")
                with socket.create_connection(("127.0.0.1", self.smtp_port), 1):
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the sandbox did not start:\n" + (self.data_dir / "sandbox.log").read_text())

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None

    def get(self, path: str) -> Any:
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path: str, data: dict[str, Any] | None = None) -> Any:
        return self._ask(urllib.request.Request(self.url + path, data=json.dumps(data or {}).encode(), method="POST"))

    def _ask(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(
                f"{request.full_url}: {error.code} {error.read()[:300].decode(errors='replace')}"
            ) from error

    def connect(self, callback_url: str = "", **more: Any) -> dict[str, Any]:
        """Connect the account OA, by default without checking the callback URL; answers what the platform said."""
        return self.post("/setup/oa", {**OA, "callback_url": callback_url, "verify": False, **more})

    def person(self, **given: Any) -> str:
        """A fresh customer's openid."""
        return self.post("/persona", given)["openid"]

    def act(self, openid: str, kind: str, wait: float = 10, **given: Any) -> dict[str, Any] | None:
        """Play an act; its callback's row once the product has answered (see ``state``, ``status``, ``reply``)."""
        return self.post("/act", {"openid": openid, "kind": kind, "wait": wait, **given})["callback"]

    def shift(self, how: str) -> None:
        """Business clock: +30m, +2h, +1d, HH:MM, real."""
        self.post("/clock", {"shift": how})

    def messages(self, openid: str) -> list[dict[str, Any]]:
        """What the phone of this person shows, in order."""
        return self.get(f"/record/messages.json?openid={openid}")["messages"]

    def mails(self, recipient: str) -> list[dict[str, Any]]:
        return self.get(f"/record/mails.json?recipient={recipient}")["mails"]

    def raw_mail(self, number: int) -> bytes:
        with urllib.request.urlopen(f"{self.url}/record/mails/{number}.eml", timeout=10) as answer:
            return answer.read()


@pytest.fixture
def make_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Sandbox]]:
    """``make_sandbox(**environment)`` starts a sandbox of the test's own; all are stopped at the end."""
    made: list[Sandbox] = []

    def make(**environment: str) -> Sandbox:
        made.append(Sandbox(tmp_path_factory.mktemp("sandbox"), **environment).start())
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture(scope="session")
def _shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    one = Sandbox(tmp_path_factory.mktemp("sandbox")).start()
    yield one
    one.kill()


@pytest.fixture
def sandbox(_shared_sandbox: Sandbox) -> Sandbox:
    """A running sandbox that remembers nothing."""
    _shared_sandbox.post("/setup/reset", {"accounts": True})
    return _shared_sandbox
