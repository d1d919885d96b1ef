"""The whole product as a user starts it: ``manage.py up`` in demo mode on free ports, with a company small enough for a test."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from scrm.runtime import places, supervisor
from tests.fixtures_sandbox import ROOT, Sandbox, free_port

OURS = {
    "DATABASE_URL",
    "REDIS_URL",
    "CACHE_URL",
    "DATA_DIR",
    "PUBLIC_URL",
    "MAKELEVEL",
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
}
"""What the tests' own environment says and the stack must not hear."""
PASSWORD = "zhike-demo-2026"


class Running:
    """One ``manage.py up``. ``box`` plays the customers over the sandbox's own addresses."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.box = Sandbox(folder)
        clean = {
            name: value for name, value in os.environ.items() if name not in OURS and not name.startswith("PYTEST")
        }
        self.environment = clean | {
            "DATA_DIR": str(folder), "DEMO": "1", "PORT": str(self.port), "SANDBOX_PORT": str(self.box.port),
            "SANDBOX_SMTP_PORT": str(self.box.smtp_port), "DEMO_CONTACTS": "30", "DEMO_DAYS": "4",
        } | environment  # fmt: skip
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.until(lambda: "(ready)" in self.text, 180, "the stack is ready")
        except BaseException:
            self.end()
            raise

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def until(self, condition, seconds: float = 60, what: str = "") -> Any:
        """Wait until ``condition()`` is true and answer its value. Fails with what the stack said last."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, "the stack ended:\n" + self.text[-6000:]
            assert time.monotonic() < deadline, f"never came: {what or condition}\n" + "".join(self.lines[-40:])
            time.sleep(0.1)
        return found

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; 0 when nobody answers."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def health(self) -> dict[str, Any]:
        return json.loads(self.get("/healthz/")[1] or b"{}")

    def told(self, *handles: str) -> dict[str, Any]:
        """What the product did for a customer: {"items": [...], "contacts": [pages]}."""
        query = "&".join(f"who={handle}" for handle in handles)
        return json.loads(self.get(f"/demo/log.json?{query}")[1] or b'{"items": [], "contacts": []}')

    def kinds(self, *handles: str) -> list[str]:
        return [item["kind"] for item in self.told(*handles)["items"]]

    def children(self) -> dict[str, int]:
        """Name -> process number of every child that lives."""
        found = places.read_state(self.folder, "children")
        return {name: pid for name, (pid, birth) in found.items() if supervisor._birth(pid) == birth}

    def kill(self, name: str) -> None:
        """kill -9 of one child by its process number; the supervisor starts it again."""
        pid = self.children().get(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def ask(self, script: Path, *arguments: str) -> Any:
        """Run a script of ours with the stack's settings and database; its standard output is JSON."""
        environment = self.environment | {"DJANGO_SETTINGS_MODULE": "scrm.settings", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    def end(self) -> None:
        """Stop it and see that nobody is left."""
        pids = self.children()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.reader.join(5)
        self.process.stdout.close()
        left = {name: pid for name, pid in pids.items() if supervisor._birth(pid) is not None}
        assert not left, f"left behind: {left}"
