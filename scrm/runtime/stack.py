"""What ``make run`` runs: Postgres, Redis, sandbox, the steps of the start, web, workers and beat, in this order."""

import http.client
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from scrm.runtime import places
from scrm.runtime.places import CannotStart
from scrm.runtime.postgres import Postgres
from scrm.runtime.redis_server import RedisServer
from scrm.runtime.supervisor import Child, Console, Stopped, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent

WORKERS = {
    "welcome": ["welcome"],
    "worker": ["ingest", "events", "journeys"],
    "sender": ["send", "bulk"],
}
"""Process to queues. ``welcome`` has a process of its own: whatever the others do, its twenty seconds are kept."""

_READY_SECONDS = 60
_TURN_SECONDS = "5"
"""PUMP_SECONDS here: one small process serves several queues, so a turn is shorter than in production."""


class Stack:
    def __init__(self, settings: "Plan", console: Console | None = None) -> None:
        self.plan = settings
        self.supervisor = Supervisor(settings.data_dir, console)
        self.console = self.supervisor.console

    def run(self) -> int:
        """Until we are asked to stop. Answers the exit code; what is wrong is one clear line."""
        began = time.monotonic()
        try:
            self.supervisor.claim(self.plan.web_url)
            self.plan.check_ports()
        except CannotStart as error:
            print(f"\n{error}\n", file=sys.stderr)
            return 1
        self.supervisor.listen()
        if "MAKELEVEL" in self.plan.environment:
            self.supervisor.end_with_parent()
        try:
            self._start()
            self.console.plain(self._banner(time.monotonic() - began))
            self.supervisor.watch()
            return 0
        except CannotStart as error:
            self.console.plain(f"\n{error}\n")
            return 1
        except Stopped:
            return 0
        finally:
            self.console.say("up", "stopping")
            self._stop()
            self.console.say("up", "stopped")

    def _start(self) -> None:
        environment = self._servers()
        places.write_state(
            self.plan.data_dir, "environment", {name: environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
        )
        if self.plan.demo:
            self._child("sandbox", [sys.executable, "-m", "scrm.sandbox"], environment)
        self.supervisor.run_once("prepare", [sys.executable, "manage.py", "prepare"], environment, str(ROOT))
        web = self._child("web", self._granian(), environment)
        for name, queues in WORKERS.items():
            self._child(name, self._worker(name, queues), environment, seconds=20)
        self._child("beat", self._beat(), environment)
        self._wait_for(web)

    def _servers(self) -> dict[str, str]:
        """Start the embedded servers that no URL of the environment replaces; the environment for everybody else."""
        environment = dict(self.plan.environment)
        if "DATABASE_URL" not in environment:
            postgres = Postgres(self.plan.data_dir)
            if not (postgres.cluster / "PG_VERSION").exists():
                self.console.say("up", "first start: making the database files")
            postgres.prepare()
            child = Child(
                "postgres", postgres.command, postgres.environment, postgres.stop_signal, 30, postgres.user,
                before_restart=postgres.forget_dead_server, tells=postgres.tells,
            )  # fmt: skip
            self.supervisor.start(child)
            postgres.wait(_READY_SECONDS, lambda: child.alive and not self.supervisor.stopping.is_set())
            environment["DATABASE_URL"] = postgres.url
        if "REDIS_URL" not in environment:
            server = RedisServer(self.plan.data_dir)
            server.prepare()
            child = Child("redis", server.command, server.environment, server.stop_signal, tells=server.tells)
            self.supervisor.start(child)
            server.wait(_READY_SECONDS, lambda: child.alive and not self.supervisor.stopping.is_set())
            environment["REDIS_URL"] = server.url
        return environment

    def _child(self, name: str, command: list[str], environment: dict[str, str], seconds: float = 10) -> Child:
        death = None if name == "web" else signal.SIGKILL  # the web server has workers to take along
        return self.supervisor.start(
            Child(name, command, environment, death_signal=death, stop_seconds=seconds, cwd=str(ROOT))
        )

    def _granian(self) -> list[str]:
        return [
            sys.executable, "-m", "granian", "--interface", "wsgi", "scrm.wsgi:application",
            "--host", self.plan.host, "--port", str(self.plan.port), "--workers", str(self.plan.web_workers),
            "--blocking-threads", "4", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout", "8",
            "--log-level", "warning",
        ]  # fmt: skip

    def _worker(self, name: str, queues: list[str]) -> list[str]:
        return [
            *self._celery(), "worker", "--pool", "solo", "--queues", ",".join(queues), "--hostname", f"{name}@%h",
            "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
        ]  # fmt: skip

    def _beat(self) -> list[str]:
        return [*self._celery(), "beat", "--pidfile=", "--loglevel", "WARNING"]

    @staticmethod
    def _celery() -> list[str]:
        # Root is told once, by what Postgres does; three more warnings of ten lines say nothing new.
        quiet = ["-W", "ignore:You're running the worker with superuser"]
        return [sys.executable, *quiet, "-m", "celery", "--app", "scrm", "--quiet"]

    def _wait_for(self, web: Child) -> None:
        """Until /readyz/ answers 200: database there, migrations done."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.supervisor.stopping.is_set():
                raise Stopped
            if not web.alive:
                raise CannotStart("The web server ended while starting; its lines are above.")
            if _status(self.plan.host, self.plan.port, "/readyz/") == 200:
                return
            self.supervisor.stopping.wait(0.1)
        raise CannotStart(f"The web server was not ready within {_READY_SECONDS} s; its lines are above.")

    def _banner(self, seconds: float) -> str:
        told = places.read_state(self.plan.data_dir, "banner")
        lines = ["", f"  知客 Zhike 已就绪，用时 {seconds:.1f} 秒 (ready)", f"    {self.plan.web_url}/"]
        if self.plan.demo:
            lines.append(f"    沙盒 Sandbox: {self.plan.sandbox_url}/")
        if told.get("logins"):
            lines.append("    演示账号 Demo log-ins:")
            lines += [f"      {role:<10} {email:<28} {password}" for role, email, password in told["logins"]]
        if told.get("first_run"):
            lines.append("    首次使用，请打开此链接创建管理员 (first run, make the administrator here):")
            lines.append(f"      {told['first_run']}")
        return "\n".join([*lines, "    Ctrl-C 停止全部 (stops everything)", ""])

    def _stop(self) -> None:
        """Everything that uses a server ends first, together; then Redis, then Postgres."""
        servers = {"postgres", "redis"}
        self.supervisor.stop_together([child for child in self.supervisor.children if child.name not in servers])
        self.supervisor.stop_all()
        places.remove_state(self.plan.data_dir, "environment")
        places.remove_state(self.plan.data_dir, "banner")


class Plan:
    """The choices of one start, from the environment and checked settings."""

    def __init__(self, *, environ: Mapping[str, str], data_dir: Path, demo: bool, port: int, sandbox_port: int,
                 smtp_port: int, web_url: str, sandbox_url: str) -> None:  # fmt: skip
        self.data_dir, self.demo = data_dir, demo
        self.port, self.sandbox_port, self.smtp_port = port, sandbox_port, smtp_port
        self.web_url, self.sandbox_url = web_url, sandbox_url
        self.host = environ.get("HOST", "127.0.0.1")
        if demo and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise CannotStart("Demo mode listens on this machine only: leave HOST away, or start with DEMO=0.")
        try:
            self.web_workers = int(environ.get("WEB_WORKERS", "1"))
        except ValueError:
            raise CannotStart(f"WEB_WORKERS must be a whole number, not {environ['WEB_WORKERS']!r}.") from None
        self.environment = {
            **environ,
            "DEMO": "1" if demo else "0",
            "DATA_DIR": str(data_dir),
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_SMTP_PORT": str(smtp_port),
            "PUMP_SECONDS": environ.get("PUMP_SECONDS", _TURN_SECONDS),
            "PYTHONUNBUFFERED": "1",
        }
        if demo:
            self.environment.setdefault("WECHAT_API_URL", sandbox_url)
            self.environment.setdefault("WEIBO_API_URL", sandbox_url)
        for name in ("DATABASE_URL", "REDIS_URL"):
            if not self.environment.get(name):
                self.environment.pop(name, None)

    def check_ports(self) -> None:
        wanted = [("PORT", self.port, self.host)]
        if self.demo:
            wanted += [
                ("SANDBOX_PORT", self.sandbox_port, "127.0.0.1"),
                ("SANDBOX_SMTP_PORT", self.smtp_port, "127.0.0.1"),
            ]
        for name, port, host in wanted:
            if not places.port_is_free(port, host):
                raise CannotStart(
                    f"Port {port} is in use by another program. Stop it, or choose another one: make run {name}={port + 10}"
                )


def _status(host: str, port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection(host if host not in {"0.0.0.0", "::"} else "127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def plan_from(settings, environ: Mapping[str, str] | None = None) -> Plan:
    """From Django settings that are already checked."""
    return Plan(
        environ=os.environ if environ is None else environ,
        data_dir=settings.DATA_DIR,
        demo=settings.DEMO,
        port=settings.PORT,
        sandbox_port=settings.SANDBOX_PORT,
        smtp_port=settings.SANDBOX_SMTP_PORT,
        web_url=settings.PUBLIC_URL,
        sandbox_url=settings.SANDBOX_PUBLIC_URL,
    )
