"""The product as ``make run`` starts it, on free ports and in a folder of its own, with a second worker that competes for leases."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2

from scrm.runtime import places, supervisor
from tests.chaos.options import Options
from tests.fixtures_sandbox import ROOT
from tests.road.stack import Running

QUEUES = "welcome,ingest,events,journeys,send,bulk"
SERVERS = ("postgres", "redis")
RETRY_MS = 4000
"""How long the platforms wait before they call again; WeChat's is 5 s, three more times."""


class World(Running):
    """``children()`` are the processes of ``manage.py up`` and the rival; ``blow`` signals one and all that it has started."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.rival: subprocess.Popen | None = None
        super().__init__(
            folder,
            LEASE_SECONDS=str(options.lease),
            SANDBOX_CALLBACK_RETRY_MS=str(RETRY_MS),
            DEMO_CONTACTS="40",
            MAKELEVEL="1",  # ends by itself when we are killed
            LOG_LEVEL="WARNING",
        )
        self.database_url = places.read_state(folder, "environment")["DATABASE_URL"]
        self.start_rival()

    def start_rival(self) -> None:
        """A worker for every queue beside those of the supervisor: without it nobody would take what a stopped one holds."""
        launch = [
            str(Path(supervisor.__file__).with_name("launch.py")),
            str(int(signal.SIGKILL)),
            str(os.getpid()),
            "-",
        ]
        celery = ["-m", "celery", "--app", "scrm", "--quiet", "worker", "--pool", "solo", "--queues", QUEUES]
        quiet = [
            "--hostname",
            "rival@%h",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel",
            "WARNING",
        ]
        urls = places.read_state(self.folder, "environment")
        with (self.folder / "rival.log").open("ab") as log:
            self.rival = subprocess.Popen(
                [sys.executable, "-I", "-S", *launch, "--", sys.executable, *celery, *quiet],
                cwd=ROOT, env=self.environment | {"PUMP_SECONDS": "5"} | urls, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def tend_rival(self) -> None:
        if self.rival is not None and self.rival.poll() is not None:
            self.start_rival()

    def children(self) -> dict[str, int]:
        rival = {"rival": self.rival.pid} if self.rival is not None and self.rival.poll() is None else {}
        return super().children() | rival

    def blow(self, name: str, number: signal.Signals) -> int | None:
        """Signal the group of one process, which is a session of its own; the process number, None when there is none."""
        pid = self.children().get(name)
        if pid is None:
            return None
        try:
            # The programs of Postgres have groups of their own; they end with their master.
            (os.kill if name == "postgres" else os.killpg)(pid, number)
        except ProcessLookupError:
            return None
        return pid

    def ready(self) -> bool:
        return self.get("/readyz/")[0] == 200

    def ask_database(self, statement: str, *values: object) -> list[tuple]:
        connection = psycopg2.connect(self.database_url, connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall()
        finally:
            connection.close()

    def end(self) -> None:
        if self.rival is not None and self.rival.poll() is None:
            self.blow("rival", signal.SIGCONT)
            self.blow("rival", signal.SIGKILL)
            self.rival.wait(10)
        for name in self.children():
            self.blow(name, signal.SIGCONT)
        super().end()


def until(condition, seconds: float, every: float = 0.2) -> bool:
    """Whether ``condition()`` became true in time; a refused connection counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return True
        except (OSError, AssertionError, psycopg2.Error):
            pass
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
