"""``python -m scrm.runtime.testing [--durable] -- command...``: a throw-away Postgres and Redis around one command.

Everything lies in a temporary folder and is gone afterwards. Without ``--durable`` nothing is written through to the disk
(tests); with it Postgres behaves as in production (benches).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrm.runtime.places import CannotStart
from scrm.runtime.postgres import Postgres
from scrm.runtime.redis_server import RedisServer
from scrm.runtime.supervisor import Child, Console, Supervisor


@contextmanager
def servers(data_dir: Path, *, durable: bool, with_redis: bool = True) -> Iterator[dict[str, str]]:
    """DATABASE_URL (and REDIS_URL) of embedded servers on ``data_dir``, which is claimed while the block runs."""
    keeper = Supervisor(data_dir, Console(sys.stderr))
    keeper.claim("a test, a bench or a backup")
    try:
        postgres = Postgres(data_dir, fast_and_loose=not durable)
        postgres.prepare()
        server = keeper.start(
            Child(
                "postgres",
                postgres.command,
                postgres.environment,
                postgres.stop_signal,
                30,
                postgres.user,
                tells=postgres.tells,
            )
        )
        postgres.wait(60, lambda: server.alive)
        urls = {"DATABASE_URL": postgres.url}
        if with_redis:
            broker = RedisServer(data_dir)
            broker.prepare()
            child = keeper.start(
                Child("redis", broker.command, broker.environment, broker.stop_signal, tells=broker.tells)
            )
            broker.wait(30, lambda: child.alive)
            urls["REDIS_URL"] = broker.url
        yield urls
    finally:
        keeper.stop_all()


def main(arguments: list[str]) -> int:
    durable = arguments[:1] == ["--durable"]
    command = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    # The command gets Ctrl-C from the terminal itself; we only have to outlive it.
    signal.signal(signal.SIGTERM, lambda number, frame: (_ for _ in ()).throw(KeyboardInterrupt))
    folder = Path(tempfile.mkdtemp(prefix="zhike-"))
    try:
        with servers(folder, durable=durable) as urls:
            environment = {**os.environ, **urls, "DATA_DIR": str(folder), "DEMO": "0", "PYTHONUNBUFFERED": "1"}
            running = subprocess.Popen(command, env=environment)
            try:
                return running.wait()
            except KeyboardInterrupt:
                running.send_signal(signal.SIGINT)
                running.wait()
                return 130
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
