"""The supervisor with tiny children: order, back-off, one instance, and no orphan even after kill -9."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from io import StringIO
from pathlib import Path

import pytest

from scrm.runtime import places, supervisor
from scrm.runtime.places import CannotStart
from scrm.runtime.supervisor import Child, Console, Stopped, Supervisor

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}


def until(condition, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def gone(pid: int) -> bool:
    return supervisor._birth(pid) is None


def child(name: str, script: str, **more) -> Child:
    return Child(name, [sys.executable, "-I", "-S", "-c", textwrap.dedent(script)], ENVIRONMENT, **more)


SLEEP = "import time; print('here', flush=True); time.sleep(60)"


@pytest.fixture
def out():
    return StringIO()


@pytest.fixture
def keeper(tmp_path, out):
    keeper = Supervisor(tmp_path, Console(out))
    yield keeper
    keeper._hurry = True
    keeper.stop_all()


def test_lines_carry_the_name(keeper, out):
    keeper.start(child("talker", "import sys; print('one'); print('\\x1b[31mtwo\\x1b[0m', file=sys.stderr)"))
    assert until(lambda: "one" in out.getvalue() and "two" in out.getvalue())
    lines = [line.split(maxsplit=1)[1] for line in out.getvalue().splitlines()]
    assert sorted(lines) == ["talker    one", "talker    two"]


def test_only_telling_lines_of_a_server(keeper, out):
    import re

    keeper.start(child("server", "print('hello'); print('disk failure')", tells=re.compile("fail")))
    assert until(lambda: "disk failure" in out.getvalue())
    assert "hello" not in out.getvalue()


def test_a_crashed_child_comes_back_with_growing_pauses(keeper, out, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    one = keeper.start(child("crasher", "raise SystemExit(3)"))
    pauses = []
    for _ in range(8):
        one.process.wait(10)
        keeper.tend()
        pauses.append(one.due - now[0])
        now[0] = one.due - 0.01
        keeper.tend()
        assert one.due is not None, "too early"
        now[0] = one.due
        keeper.tend()
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]
    one.process.wait(10)
    now[0] += 61
    keeper.tend()
    assert one.due - now[0] == 0.5, "a long calm life is forgiven"
    assert "crasher ended (code 3); again in 0.5 s" in out.getvalue()


def test_what_a_crashed_child_left_behind_ends_too(keeper, tmp_path):
    script = f"""
        import os, subprocess, sys, time
        inner = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
        open({str(tmp_path / "inner")!r}, "w").write(str(inner.pid))
        time.sleep(60)
    """
    one = keeper.start(child("parent", script))
    assert until(lambda: (tmp_path / "inner").exists() and (tmp_path / "inner").read_text())
    inner = int((tmp_path / "inner").read_text())
    one.process.kill()
    one.process.wait(10)
    keeper.tend()
    assert until(lambda: gone(inner))


def test_stop_in_reverse_order_and_by_force(keeper, tmp_path, out):
    note = """
        import signal, sys, time
        def stop(*_):
            open(PATH, "a").write(NAME + "\\n"); sys.exit(0)
        signal.signal(signal.SIGTERM, stop)
        print("ready", flush=True)
        time.sleep(60)
    """.replace("PATH", repr(str(tmp_path / "order")))
    for name in ("first", "second"):
        keeper.start(child(name, note.replace("NAME", repr(name))))
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    stubborn = keeper.start(child("stubborn", deaf, stop_seconds=0.2))
    assert until(lambda: out.getvalue().count("ready") == 3)
    keeper.stop_all()
    assert (tmp_path / "order").read_text().split() == ["second", "first"]
    assert stubborn.process.returncode == -signal.SIGKILL
    assert "stubborn did not end in time" in out.getvalue()
    assert places.read_state(tmp_path, "children") == {}


def test_a_step_of_the_start(keeper):
    keeper.run_once("fine", [sys.executable, "-c", "print('done')"], ENVIRONMENT, "/")
    with pytest.raises(CannotStart, match="`bad` failed with code 7"):
        keeper.run_once("bad", [sys.executable, "-c", "raise SystemExit(7)"], ENVIRONMENT, "/")
    keeper.stopping.set()
    with pytest.raises(Stopped):
        keeper.run_once("long", [sys.executable, "-c", SLEEP], ENVIRONMENT, "/")
    assert keeper.children == []


def test_second_instance_is_refused(keeper, tmp_path):
    keeper.claim("http://127.0.0.1:8000")
    with pytest.raises(CannotStart) as refusal:
        Supervisor(tmp_path).claim("http://127.0.0.1:8001")
    assert str(os.getpid()) in str(refusal.value) and "http://127.0.0.1:8000" in str(refusal.value)
    assert "DATA_DIR" in str(refusal.value)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="cannot be written"):
        Supervisor(tmp_path / "file").claim("x")


OUTER = """
import sys
from pathlib import Path
from scrm.runtime.supervisor import Child, Supervisor
sys.path.insert(0, "tests")
keeper = Supervisor(Path(sys.argv[1]))
keeper.claim("test")
keeper.listen()
sleeper = [sys.executable, "-I", "-S", "-c", sys.argv[2]]
for name in ("one", "two"):
    keeper.start(Child(name, sleeper, {"PATH": "/usr/bin"}, stop_seconds=2))
keeper.console.plain("PIDS " + " ".join(str(child.process.pid) for child in keeper.children))
keeper.watch()
keeper.stop_all()
keeper.console.plain("BYE")
"""


@pytest.fixture
def outer(tmp_path):
    """A supervisor in a process of its own: (process, pids of its children)."""
    process = subprocess.Popen(
        [sys.executable, "-c", OUTER, str(tmp_path), SLEEP], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    pids = next(line for line in process.stdout if line.startswith("PIDS")).split()[1:]
    yield process, [int(pid) for pid in pids]
    if process.poll() is None:
        process.kill()
    process.wait(10)
    process.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_kill_9_of_the_supervisor_leaves_nobody(outer, tmp_path):
    process, pids = outer
    assert not any(gone(pid) for pid in pids)
    process.kill()
    process.wait(10)
    assert until(lambda: all(gone(pid) for pid in pids))
    Supervisor(tmp_path).claim("again")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_end(outer, number):
    process, pids = outer
    process.send_signal(number)
    assert process.wait(10) == 0
    assert "BYE" in process.stdout.read()
    assert all(gone(pid) for pid in pids)


def test_leftovers_that_do_not_end_are_ended(tmp_path, monkeypatch):
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"
    old = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True, stdout=subprocess.PIPE)
    old.stdout.readline()
    places.write_state(tmp_path, "children", {"deaf": [old.pid, supervisor._birth(old.pid)], "other": [1, 12345]})
    real, start = time.monotonic, time.monotonic()
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: start + (real() - start) * 50)
    out = StringIO()
    Supervisor(tmp_path, Console(out)).claim("new")
    assert old.wait(10) == -signal.SIGKILL
    old.stdout.close()
    assert "ending deaf" in out.getvalue() and "other" not in out.getvalue()
