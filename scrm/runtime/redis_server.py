"""Embedded Redis: broker and cache of one data folder. Append-only file, never evicts, loopback port with a password."""

import os
import re
import secrets
import signal
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scrm.runtime import places
from scrm.runtime.places import CannotStart


class RedisServer:
    stop_signal = signal.SIGTERM
    tells = re.compile(r"(?i)^(?!.*overcommit).*(error|fail|can't|cannot|bad |corrupt|oom)")
    """Of its many greetings and farewells only these lines are worth a reader's time."""
    user = "-"

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.folder = data_dir / "redis"
        self.program = places.redis_program()
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://:{self._password()}@127.0.0.1:{self.port}/0"

    @property
    def command(self) -> list[str]:
        return [str(self.program), str(self.folder / "redis.conf")]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}

    def prepare(self) -> None:
        """Choose the port and write the configuration (the password stays out of the process list)."""
        self.port = places.kept_port(self.data_dir, "redis")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = {
            "bind": "127.0.0.1",
            "port": self.port,
            "dir": f'"{self.folder}"',
            "requirepass": self._password(),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        path = self.folder / "redis.conf"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())

    def wait(self, seconds: float, alive=lambda: True) -> None:
        """Until it answers a ping (a long append-only file is read first). Raises CannotStart."""
        deadline = time.monotonic() + seconds
        client = redis.Redis.from_url(self.url, socket_timeout=1, retry=Retry(NoBackoff(), 0))
        while True:
            try:
                client.ping()
                return
            except redis.exceptions.RedisError as error:
                if time.monotonic() > deadline or not alive():
                    raise CannotStart(f"Redis did not start (see its lines above): {error}") from None
                time.sleep(0.05)

    def _password(self) -> str:
        path = self.data_dir / "keys" / "redis_password"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text().strip()
