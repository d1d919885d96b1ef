"""``python -m scrm.runtime.backup backup [FILE]`` and ``restore FILE``: one archive with the database, the keys and the files.

Works while the product runs (the dump is one snapshot) and while it does not (the embedded Postgres is started for it), and
with DATABASE_URL. Whoever has the archive can read every customer's contact points: it is written for its owner only.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from scrm.runtime import places
from scrm.runtime.places import CannotStart
from scrm.runtime.testing import servers

_KEYS = ["secret_key", "encryption_keys"]
_FORMAT = 1


def data_dir() -> Path:
    """The same folder as settings.DATA_DIR, without the settings (they would make new keys)."""
    given = os.environ.get("DATA_DIR")
    return Path(given).expanduser().resolve() if given else Path(__file__).resolve().parents[2] / "var"


def backup(folder: Path, target: Path | None) -> Path:
    target = (target or folder / "backups" / time.strftime("zhike-%Y%m%d-%H%M%S.tar")).resolve()
    if target.exists():
        raise CannotStart(f"{target} exists already.")
    missing = [name for name in _KEYS if not (folder / "keys" / name).exists() and not os.environ.get(name.upper())]
    if missing and not (folder / "postgres").exists() and not os.environ.get("DATABASE_URL"):
        raise CannotStart(f"There is nothing in {folder} yet.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zhike-backup-") as work:
        dump = Path(work) / "database.dump"
        with _database(folder) as url:
            _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}", url)
        keys = [name for name in _KEYS if (folder / "keys" / name).exists() and not os.environ.get(name.upper())]
        manifest = Path(work) / "manifest.json"
        manifest.write_text(json.dumps({"format": _FORMAT, "made": time.strftime("%FT%T%z"), "keys": keys}))
        draft = target.with_suffix(".part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as archive:
                archive.add(manifest, "manifest.json")
                archive.add(dump, "database.dump")
                for name in keys:
                    archive.add(folder / "keys" / name, f"keys/{name}")
                for name in ("media", "clock.json", "sandbox.sqlite3"):
                    if (folder / name).exists():
                        archive.add(folder / name, name)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    return target


def restore(folder: Path, source: Path) -> None:
    """Into an empty data folder, or an empty database at DATABASE_URL. Never over data that is there."""
    if not source.exists():
        raise CannotStart(f"There is no file {source}.")
    if places.read_state(folder, "environment"):
        raise CannotStart(f"Something runs on {folder}. Stop it first.")
    if (folder / "postgres").exists() and not os.environ.get("DATABASE_URL"):
        raise CannotStart(f"{folder} holds data already. Choose an empty DATA_DIR, or move it away.")
    with tempfile.TemporaryDirectory(prefix="zhike-restore-") as work:
        try:
            with tarfile.open(source) as archive:
                _extract(archive, Path(work))
            manifest = json.loads((Path(work) / "manifest.json").read_text())
        except (tarfile.TarError, OSError, ValueError) as error:
            raise CannotStart(f"{source} is not a backup of Zhike: {error}") from None
        if manifest.get("format") != _FORMAT:
            raise CannotStart(f"{source} was made by a newer version (format {manifest.get('format')}).")
        kept = [name for name in manifest["keys"] if (folder / "keys" / name).exists()]
        if kept and any(_differ(folder / "keys" / name, Path(work) / "keys" / name) for name in kept):
            raise CannotStart(
                f"{folder / 'keys'} holds other keys than the backup; with them its data could not be read."
            )
        with _new_database(folder) as url:
            _refuse_full(url)
            _run("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", "--single-transaction",
                 f"--dbname={url}", str(Path(work) / "database.dump"))  # fmt: skip
        (folder / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in manifest["keys"]:
            shutil.copyfile(Path(work) / "keys" / name, folder / "keys" / name)
            (folder / "keys" / name).chmod(0o600)
        for part in Path(work).iterdir():
            if part.name not in {"manifest.json", "database.dump", "keys"}:
                shutil.rmtree(folder / part.name, ignore_errors=True)
                shutil.move(part, folder / part.name)


def _extract(archive: tarfile.TarFile, target: Path) -> None:
    """Plain files and folders below ``target`` only; Python 3.11.0-3.11.3 has no filter that would see to it."""
    for member in archive.getmembers():
        path = Path(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"unexpected entry {member.name}")
        archive.extract(member, target, set_attrs=False)


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """DATABASE_URL, else the running embedded server, else the embedded server started for this."""
    url = os.environ.get("DATABASE_URL") or places.read_state(folder, "environment").get("DATABASE_URL")
    if url:
        yield url
        return
    with servers(folder, durable=True, with_redis=False) as urls:
        yield urls["DATABASE_URL"]


@contextmanager
def _new_database(folder: Path) -> Iterator[str]:
    """The same, but an embedded database that could not be filled is taken away again."""
    ours = not os.environ.get("DATABASE_URL")
    try:
        with _database(folder) as url:
            yield url
    except BaseException:
        if ours:
            shutil.rmtree(folder / "postgres", ignore_errors=True)
        raise


def _refuse_full(url: str) -> None:
    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.OperationalError as error:
        raise CannotStart(f"The database does not answer: {str(error).strip()}") from None
    try:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_tables where schemaname = 'public'")
            if cursor.fetchone()[0]:
                raise CannotStart("The database is not empty. Restore into an empty one.")
    finally:
        connection.close()


def _run(program: str, *arguments: str) -> None:
    """A program of Postgres: the embedded one, else the one on the PATH."""
    try:
        path = str(places.postgres_bin() / program)
    except CannotStart:
        path = shutil.which(program) or ""
        if not path:
            raise CannotStart(f"{program} is not installed (package postgresql-client).") from None
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"{program} failed: {done.stderr.strip()[-800:]}")


def _differ(one: Path, other: Path) -> bool:
    return one.read_bytes() != other.read_bytes()


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["backup"] and len(arguments) <= 2:
            made = backup(data_dir(), Path(arguments[1]) if len(arguments) == 2 else None)
            print(f"{made} ({made.stat().st_size / 1e6:.1f} MB). It holds the keys: keep it as safe as the data.")
            return 0
        if arguments[:1] == ["restore"] and len(arguments) == 2:
            restore(data_dir(), Path(arguments[1]))
            print(f"Restored into {'the database' if os.environ.get('DATABASE_URL') else data_dir()}.")
            return 0
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
