"""Embedded Postgres 18: one server per data folder, on a loopback port with a password that only the owner can read."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from scrm.runtime import identity, places
from scrm.runtime.places import CannotStart

_USER = _DATABASE = "zhike"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_locks_per_transaction": "512",  # partitions: one lock each
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "log_min_messages": "fatal",  # a statement's own error is told by the process that sent it
}


class Postgres:
    """``prepare()`` makes the cluster when there is none; ``command`` then starts it (SIGINT stops it fast and clean)."""

    stop_signal = signal.SIGINT
    tells = re.compile(r"^(?!.*(database system is (starting|shutting) |due to administrator command))")
    """Everything but what it answers to whoever asks too early or stays too long."""

    def __init__(self, data_dir: Path, *, fast_and_loose: bool = False) -> None:
        """``fast_and_loose``: no fsync, for tests whose data nobody keeps."""
        self.data_dir = data_dir
        self.cluster = data_dir / "postgres"
        self.bin = places.postgres_bin()
        self.identity = identity.for_postgres(self.cluster, self.bin)
        self.port = 0
        self._loose = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"} if fast_and_loose else {}

    @property
    def url(self) -> str:
        return f"postgres://{_USER}:{quote(self._password())}@127.0.0.1:{self.port}/{_DATABASE}"

    @property
    def user(self) -> str:
        return self.identity.launch if self.identity else "-"

    @property
    def command(self) -> list[str]:
        options = {**_SETTINGS, **self._loose, "port": str(self.port)}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.cluster), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C", "TZ": "UTC"}

    def prepare(self) -> bool:
        """Choose the port, forget the lock of a server that is gone, make the cluster. True when it was made now."""
        self.port = places.kept_port(self.data_dir, "postgres")
        if (self.cluster / "PG_VERSION").exists():
            self._check_version()
            self._own(self.cluster)
            self.forget_dead_server()
            return False
        self._make()
        return True

    def wait(self, seconds: float, alive=lambda: True) -> None:
        """Until it answers and our database exists. Raises CannotStart when it does not in time, or ``alive()`` says no."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._ensure_database()
                return
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline or not alive():
                    raise CannotStart(f"Postgres did not start (see its lines above): {str(error).strip()}") from None
                time.sleep(0.05)

    def _ensure_database(self) -> None:
        url = self.url.removesuffix(_DATABASE) + "postgres"
        connection = psycopg2.connect(url, connect_timeout=3)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select 1 from pg_database where datname = %s", [_DATABASE])
                if not cursor.fetchone():
                    cursor.execute(sql.SQL("create database {}").format(sql.Identifier(_DATABASE)))
        finally:
            connection.close()

    def _make(self) -> None:
        """initdb in a draft folder that gets its name when it is complete, so that an interrupted first start is harmless."""
        draft = self.data_dir / "postgres.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        secret = self.data_dir / "postgres.secret"
        secret.write_text(self._password())
        secret.chmod(0o600)
        self._own(draft)
        self._own(secret)
        try:
            done = self._run(
                "initdb", "-D", str(draft), "-U", _USER, "--auth=scram-sha-256", f"--pwfile={secret}",
                "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            )  # fmt: skip
        finally:
            secret.unlink()
        if done.returncode:
            hint = " Choose a DATA_DIR outside of private folders, or set DATABASE_URL." if self.identity else ""
            raise CannotStart(f"Postgres could not make its files in {draft}: {done.stderr.strip()[-600:]}{hint}")
        draft.rename(self.cluster)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
        head = [*launcher, str(int(signal.SIGTERM)), str(os.getpid()), self.user, "--"]
        return subprocess.run(
            [*head, str(self.bin / program), *arguments],
            env=self.environment, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _own(self, path: Path) -> None:
        """Postgres insists on owning its folder; a folder made by another account is handed over once, as a whole."""
        if self.identity is None:
            if path.stat().st_uid != os.geteuid():
                raise CannotStart(f"{path} belongs to another account; start as that one, or choose another DATA_DIR.")
            return
        if path.stat().st_uid != self.identity.uid:
            for part in [path, *path.rglob("*")]:
                os.chown(part, self.identity.uid, self.identity.gid, follow_symlinks=False)

    def _check_version(self) -> None:
        version = (self.cluster / "PG_VERSION").read_text().strip()
        if version != "18":
            raise CannotStart(
                f"{self.cluster} was made by Postgres {version}, this is 18: restore from a backup instead."
            )

    def forget_dead_server(self) -> None:
        """After a crash postmaster.pid names a process that is gone, or by now somebody else's with the same number."""
        lock = self.cluster / "postmaster.pid"
        if sys.platform != "linux":
            return  # no /proc to ask; Postgres itself recognises most dead locks
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        try:
            program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0", 1)[0]
        except OSError:
            program = b""
        if not program.endswith(b"/postgres"):
            lock.unlink()

    def _password(self) -> str:
        path = self.data_dir / "keys" / "postgres_password"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text().strip()
