"""A backup can be restored into an empty place, and never over anything."""

import stat
import tarfile

import psycopg2
import pytest

from scrm.runtime import backup as archive
from scrm.runtime import places
from scrm.runtime.places import CannotStart
from scrm.runtime.testing import servers


@pytest.fixture(autouse=True, scope="module")
def _only_files():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "SECRET_KEY", "ENCRYPTION_KEYS"):
            patch.delenv(name, raising=False)
        yield


def ask(url: str, statement: str):
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A data folder with one table, keys and a picture."""
    folder = tmp_path_factory.mktemp("source")
    with servers(folder, durable=False, with_redis=False) as urls:
        ask(urls["DATABASE_URL"], "create table contact as select 7 as id, '小林' as name")
    for name in ("secret_key", "encryption_keys"):
        (folder / "keys" / name).write_text(f"the {name}")
    (folder / "media").mkdir()
    (folder / "media" / "logo.png").write_bytes(b"picture")
    return folder


@pytest.fixture(scope="module")
def made(source):
    return archive.backup(source, None)


def test_what_is_in_it(made, source):
    assert made.parent == source / "backups" and stat.S_IMODE(made.stat().st_mode) == 0o600
    with tarfile.open(made) as file:
        names = set(file.getnames())
    assert {"manifest.json", "database.dump", "keys/secret_key", "keys/encryption_keys", "media/logo.png"} <= names
    assert not [name for name in names if "password" in name], "the embedded server's password stays where it is valid"
    with pytest.raises(CannotStart, match="exists already"):
        archive.backup(source, made)


def test_round_trip_into_an_empty_folder(made, tmp_path):
    archive.restore(tmp_path, made)
    assert (tmp_path / "keys" / "encryption_keys").read_text() == "the encryption_keys"
    assert stat.S_IMODE((tmp_path / "keys" / "encryption_keys").stat().st_mode) == 0o600
    assert (tmp_path / "media" / "logo.png").read_bytes() == b"picture"
    with servers(tmp_path, durable=False, with_redis=False) as urls:
        assert ask(urls["DATABASE_URL"], "select id, name from contact") == [(7, "小林")]
    with pytest.raises(CannotStart, match="holds data already"):
        archive.restore(tmp_path, made)


def test_into_a_given_database_only_when_it_is_empty(made, tmp_path, monkeypatch):
    with servers(tmp_path / "server", durable=False, with_redis=False) as urls:
        monkeypatch.setenv("DATABASE_URL", urls["DATABASE_URL"])
        archive.restore(tmp_path / "here", made)
        assert ask(urls["DATABASE_URL"], "select count(*) from contact") == [(1,)]
        with pytest.raises(CannotStart, match="not empty"):
            archive.restore(tmp_path / "there", made)
        assert not (tmp_path / "there" / "keys" / "secret_key").exists()


def test_other_keys_are_not_overwritten(made, tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secret_key").write_text("another")
    with pytest.raises(CannotStart, match="other keys"):
        archive.restore(tmp_path, made)
    assert not (tmp_path / "postgres").exists()


def test_while_it_runs(source, made, monkeypatch, tmp_path):
    places.write_state(tmp_path, "environment", {"DATABASE_URL": "postgres://running"})
    with pytest.raises(CannotStart, match="Stop it first"):
        archive.restore(tmp_path, made)


def test_broken_archives_leave_nothing(made, tmp_path):
    (tmp_path / "text.tar").write_text("no archive")
    with pytest.raises(CannotStart, match="not a backup"):
        archive.restore(tmp_path / "one", tmp_path / "text.tar")
    with pytest.raises(CannotStart, match="no file"):
        archive.restore(tmp_path / "one", tmp_path / "none.tar")
    damaged = tmp_path / "damaged.tar"
    with tarfile.open(made) as good, tarfile.open(damaged, "w") as bad:
        for member in good.getmembers():
            if member.name == "database.dump":
                member.size = 100
            bad.addfile(member, good.extractfile(member) if member.isfile() else None)
    with pytest.raises(CannotStart, match="pg_restore failed"):
        archive.restore(tmp_path / "two", damaged)
    assert not (tmp_path / "two" / "postgres").exists(), "so that the right file can be restored afterwards"


def test_nothing_to_save(tmp_path):
    with pytest.raises(CannotStart, match="nothing in"):
        archive.backup(tmp_path, None)


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped"])
def test_an_archive_cannot_write_elsewhere(tmp_path, name):
    source = tmp_path / "evil.tar"
    with tarfile.open(source, "w") as file:
        file.add(__file__, arcname="manifest.json")
        entry = tarfile.TarInfo(name)
        file.addfile(entry)
    with pytest.raises(CannotStart, match="unexpected entry"):
        archive.restore(tmp_path / "here", source)
