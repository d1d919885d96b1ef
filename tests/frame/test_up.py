"""The whole stack in real processes, without demo data: start, health, crashes, a second start, the end."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from scrm.runtime import places, supervisor

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.road


class Up:
    """``manage.py up`` as a process, with its lines."""

    def __init__(self, folder: Path) -> None:
        self.port = places.free_port()
        self.lines: list[str] = []
        taken = {"DATABASE_URL", "REDIS_URL", "DATA_DIR", "MAKELEVEL", "PUBLIC_URL", "PYTEST_CURRENT_TEST"}
        environment = {name: value for name, value in os.environ.items() if name not in taken}
        environment |= {"DATA_DIR": str(folder), "PORT": str(self.port), "DEMO": "0"}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.until(lambda: "(ready)" in self.text, 60)
        self.folder = folder

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def until(self, condition, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.1)

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def children(self) -> dict[str, int]:
        found = places.read_state(self.folder, "children")
        return {name: pid for name, (pid, birth) in found.items() if supervisor._birth(pid) == birth}

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(40)
        self.reader.join(5)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("up")


@pytest.fixture
def up(folder):
    running = Up(folder)
    yield running
    running.end()


def test_start_crash_and_end(up):
    assert re.search(rf"http://127\.0\.0\.1:{up.port}/first-run/\?token=\S{{20,}}", up.text)
    assert up.get("/readyz/")[0] == 200
    before = up.children()
    assert set(before) == {"postgres", "redis", "web", "welcome", "worker", "sender", "beat"}
    for name in ("postgres", "redis", "web", "welcome", "beat"):
        os.kill(before[name], signal.SIGKILL)
    up.until(
        lambda: (
            set(up.children()) == set(before) and not set(up.children().values()) & {before["web"], before["postgres"]}
        )
    )
    up.until(lambda: up.get("/readyz/")[0] == 200)
    # Every queue is served again: beat lives, hints travel.
    up.until(lambda: json.loads(up.get("/healthz/")[1] or b"{}").get("canary", {}).get("ok"), 60)
    pids = list(up.children().values())
    up.end(signal.SIGINT)
    assert up.process.returncode == 0
    assert all(supervisor._birth(pid) is None for pid in pids)
    assert not places.read_state(up.folder, "environment")


def test_without_redis_pages_work_and_a_second_start_keeps_the_data(up):
    redis = up.children()["redis"]
    os.kill(redis, signal.SIGSTOP)
    try:
        for path in ("/readyz/", "/first-run/"):
            status, _ = up.get(path)
            assert status == 200, path
    finally:
        os.kill(redis, signal.SIGCONT)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_kill_9_of_everything_above_leaves_nobody(folder):
    running = Up(folder)
    pids = list(running.children().values())
    running.process.kill()
    running.process.wait(10)
    deadline = time.monotonic() + 30
    while any(supervisor._birth(pid) is not None for pid in pids):
        assert time.monotonic() < deadline, "orphans"
        time.sleep(0.1)
    running.end()
    again = Up(folder)
    assert again.get("/readyz/")[0] == 200
    again.end()
