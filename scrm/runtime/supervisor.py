"""Keeps a set of processes alive: starts, forwards their lines, restarts what crashes with back-off, stops all in order.

All children are started by the main thread (the kernel's death signal is tied to the thread that started the child), each in
a session of its own: Ctrl-C reaches only the supervisor, and a dead child's own children can be ended as a group.
"""

import ctypes
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from scrm.runtime import places
from scrm.runtime.places import CannotStart

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_FIRST_PAUSE, _LONGEST_PAUSE, _CALM_AFTER = 0.5, 30.0, 60.0
_COLOURS = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"]


@dataclass
class Child:
    """One process to keep alive. ``stop_seconds``: how long it may take to end by itself before it is killed."""

    name: str
    command: list[str]
    environment: dict[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    user: str = "-"
    """launch.py's USER."""
    cwd: str = "/"
    death_signal: signal.Signals | None = None
    """What the kernel sends when the supervisor itself is killed; None: the stop signal. SIGKILL for processes without children
    of their own: they lose nothing by it, and one that has only half started cannot miss it."""
    before_restart: Callable[[], object] | None = None
    tells: re.Pattern[str] | None = None
    """Only lines that match are forwarded; None: all."""
    process: subprocess.Popen | None = field(default=None, repr=False)
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float | None = None
    """When to start it again (monotonic); None while it runs."""
    forwarder: threading.Thread | None = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Console:
    """One line at a time, each with the time and the name of who said it; coloured on a terminal."""

    def __init__(self, out=None) -> None:
        self._out = out or sys.stdout
        self._lock = threading.Lock()
        self._colours: dict[str, str] = {}
        self._coloured = self._out.isatty() and not os.environ.get("NO_COLOR")

    def say(self, name: str, line: str) -> None:
        with self._lock:
            label = f"{name:<9}"
            if self._coloured:
                colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
                label = f"\x1b[{colour}m{label}\x1b[0m"
            try:
                self._out.write(f"{time.strftime('%H:%M:%S')} {label} {line}\n")
                self._out.flush()
            except (OSError, ValueError):
                pass  # the terminal is gone; the children must still be stopped in order

    def plain(self, text: str) -> None:
        with self._lock:
            self._out.write(text + "\n")
            self._out.flush()


class Supervisor:
    def __init__(self, data_dir: Path, console: Console | None = None) -> None:
        self.data_dir = data_dir
        self.console = console or Console()
        self.children: list[Child] = []
        self.stopping = threading.Event()
        self._hurry = False
        self._lock_file: IO[str] | None = None

    # One instance per data folder -------------------------------------------------------------------------------------

    def claim(self, about: str) -> None:
        """Take the data folder; ``about`` is what a second instance is told. The kernel gives it back when we die."""
        run = self.data_dir / "run"
        try:
            run.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(f"DATA_DIR={self.data_dir} cannot be written: {error.strerror}.") from None
        file = self._lock_file = os.fdopen(handle, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "another process"
            raise CannotStart(
                f"DATA_DIR={self.data_dir} is in use by {holder}. Stop that one, or choose another DATA_DIR and PORT."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} ({about})")
        file.flush()
        self._end_leftovers()

    def _end_leftovers(self) -> None:
        """Children of a supervisor that was killed are ending by themselves; see them off before their files are touched."""
        left = places.read_state(self.data_dir, "children")
        for name, (pid, birth) in left.items():
            deadline = time.monotonic() + 10
            while _birth(pid) == birth and time.monotonic() < deadline:
                time.sleep(0.05)
            if _birth(pid) == birth:
                self.console.say("up", f"ending {name} ({pid}), left over from a start that was killed")
                _signal_group(pid, signal.SIGKILL)
        places.remove_state(self.data_dir, "children")

    # Children -----------------------------------------------------------------------------------------------------------

    def start(self, child: Child) -> Child:
        if child not in self.children:
            self.children.append(child)
        head = [
            sys.executable,
            "-I",
            "-S",
            _LAUNCH,
            str(int(child.death_signal or child.stop_signal)),
            str(os.getpid()),
            child.user,
            "--",
        ]
        child.process = subprocess.Popen(
            [*head, *child.command],
            env=child.environment,
            cwd=child.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        child.started, child.due = time.monotonic(), None
        child.forwarder = threading.Thread(target=self._forward, args=[child, child.process.stdout], daemon=True)
        child.forwarder.start()
        self._note_children()
        return child

    def run_once(self, name: str, command: list[str], environment: dict[str, str], cwd: str) -> None:
        """A step of the start, to its end. Raises CannotStart when it fails, or when we are asked to stop."""
        step = self.start(Child(name, command, environment, cwd=cwd, stop_seconds=5))
        try:
            while step.alive and not self.stopping.is_set():
                self.stopping.wait(0.05)
            if self.stopping.is_set():
                self._end(step)
                raise Stopped
        finally:
            self.children.remove(step)
        assert step.process is not None and step.forwarder is not None
        step.forwarder.join(timeout=2)
        self._note_children()
        if step.process.returncode:
            raise CannotStart(f"The step `{name}` failed with code {step.process.returncode}; its lines are above.")

    def watch(self) -> None:
        """Restart what ends, until we are asked to stop."""
        while not self.stopping.is_set():
            self.tend()
            self.stopping.wait(0.2)

    def tend(self) -> None:
        """One look at every child: schedule a crashed one, start one that is due."""
        now = time.monotonic()
        for child in self.children:
            if child.due is None and not child.alive:
                self._schedule(child, now)
            elif child.due is not None and now >= child.due:
                self._restart(child)

    def _schedule(self, child: Child, now: float) -> None:
        assert child.process is not None
        _signal_group(child.process.pid, signal.SIGKILL)  # what it started and left behind
        if now - child.started > _CALM_AFTER:
            child.pause = _FIRST_PAUSE
        child.due = now + child.pause
        self.console.say("up", f"{child.name} ended ({_how(child.process.returncode)}); again in {child.pause:g} s")
        child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    def _restart(self, child: Child) -> None:
        try:
            if child.before_restart:
                child.before_restart()
            self.start(child)
        except (OSError, CannotStart) as error:
            self.console.say("up", f"{child.name} cannot be started: {error}")
            child.due = time.monotonic() + child.pause
            child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    # The end ------------------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Ctrl-C and SIGTERM stop everything in order; a second one at once."""

        def stop(number, frame) -> None:
            self._hurry = self.stopping.is_set()
            self.stopping.set()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGHUP, stop)

    @staticmethod
    def end_with_parent() -> None:
        """Stop everything when our own starter (make) is killed: nobody could find us afterwards."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)  # PR_SET_PDEATHSIG

    def stop_all(self) -> None:
        """In the reverse order of their start: who uses a server ends before the server does."""
        for child in reversed(self.children):
            self._end(child)
        places.remove_state(self.data_dir, "children")

    def stop_together(self, children: list[Child]) -> None:
        """The same for several that do not depend on each other: all are told first, then waited for."""
        for child in children:
            if child.alive:
                self._tell(child)
        for child in children:
            self._end(child, told=True)

    def _tell(self, child: Child) -> None:
        assert child.process is not None
        try:
            child.process.send_signal(child.stop_signal)
        except ProcessLookupError:
            pass

    def _end(self, child: Child, told: bool = False) -> None:
        if child.process is None:
            return
        if child.alive and not told:
            self._tell(child)
        deadline = time.monotonic() + child.stop_seconds
        while child.alive and time.monotonic() < deadline and not self._hurry:
            time.sleep(0.02)
        if child.alive:
            self.console.say("up", f"{child.name} did not end in time and is killed")
        _signal_group(child.process.pid, signal.SIGKILL)
        child.process.wait()
        child.due = None

    # Lines --------------------------------------------------------------------------------------------------------------

    def _forward(self, child: Child, pipe) -> None:
        for raw in iter(pipe.readline, b""):
            line = re.sub(rb"\x1b\[[0-9;]*m", b"", raw).decode("utf-8", "replace").rstrip()
            if line and (child.tells is None or child.tells.search(line)):
                self.console.say(child.name, line)
        pipe.close()

    def _note_children(self) -> None:
        alive = {child.name: child.process.pid for child in self.children if child.process and child.alive}
        places.write_state(self.data_dir, "children", {name: [pid, _birth(pid)] for name, pid in alive.items()})


class Stopped(Exception):
    """We were asked to stop while still starting."""


def _birth(pid: int) -> int | None:
    """Start time of a living process in clock ticks: with the pid it names one process for ever. None when it is gone."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, IndexError):
        return None
    return None if facts[0] in {"Z", "X"} else int(facts[19])


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _how(code: int) -> str:
    return f"code {code}" if code >= 0 else signal.Signals(-code).name
