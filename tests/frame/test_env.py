"""Settings from the environment stop the start with a sentence that names the variable."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from scrm.lib import env


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("True", True), ("off", False), ("", False), (" no ", False)]
)
def test_flag(monkeypatch, value, meant):
    monkeypatch.setenv("SWITCH", value)
    assert env.flag("SWITCH", not meant) is meant


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DEMO", "maybe", lambda: env.flag("DEMO", False)),
        ("WORKERS", "two", lambda: env.integer("WORKERS", 1)),
        ("PORT", "80000", lambda: env.port("PORT", 8000)),
        ("PORT", "0", lambda: env.port("PORT", 8000)),
        ("DATABASE_URL", "mysql://localhost/x", lambda: env.database("mysql://localhost/x")),
        ("DATABASE_URL", "postgres://localhost", lambda: env.database("postgres://localhost")),
        ("DATABASE_URL", "postgres://localhost:port/x", lambda: env.database("postgres://localhost:port/x")),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch, name, value, read):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        read()


def test_a_missing_value_without_default(monkeypatch):
    monkeypatch.delenv("NOT_THERE", raising=False)
    with pytest.raises(ImproperlyConfigured, match="NOT_THERE"):
        env.text("NOT_THERE")


def test_database_url_with_escapes_and_socket_folder():
    found = env.database("postgres://us%40er:p%2Fw@db.example:6543/na%20me")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "us@er", "p/w", "db.example", "6543", "na me",
    )  # fmt: skip
    assert env.database("postgres:///app?host=/run/postgresql")["HOST"] == "/run/postgresql"


def test_folder_is_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", "here")
    assert env.folder("DATA_DIR", Path("/nowhere")) == tmp_path / "here"


def test_server_url_of_the_running_instance(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert env.server("DATABASE_URL", tmp_path, "default") == "default"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "environment.json").write_text('{"DATABASE_URL": "postgres://running/x"}')
    assert env.server("DATABASE_URL", tmp_path, "default") == "postgres://running/x"
    monkeypatch.setenv("DATABASE_URL", "postgres://given/x")
    assert env.server("DATABASE_URL", tmp_path, "default") == "postgres://given/x"
