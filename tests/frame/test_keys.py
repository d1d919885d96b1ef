"""Keys are made once, readable by their owner only, whoever races; the environment goes before the files."""

import base64
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from scrm.lib import keys

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("ENCRYPTION_KEYS", raising=False)


def ring_entry(number: int, fill: bytes = b"k") -> str:
    return f"{number}:{base64.b64encode(fill * 32).decode()}"


def test_made_once_and_private(tmp_path):
    secret, ring = keys.django_secret(tmp_path), keys.encryption_ring(tmp_path)
    assert len(secret) >= 50 and len(ring[1]) == 32
    assert (keys.django_secret(tmp_path), keys.encryption_ring(tmp_path)) == (secret, ring)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for file in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path / "keys")) == ["encryption_keys", "secret_key"]


def _read(folder, start, answers):
    start.wait()
    answers.put(keys.django_secret(folder))


def test_racing_processes_agree(tmp_path):
    context = multiprocessing.get_context("fork")
    start, answers = context.Event(), context.Queue()
    racers = [context.Process(target=_read, args=(tmp_path, start, answers)) for _ in range(6)]
    for racer in racers:
        racer.start()
    start.set()
    found = {answers.get(timeout=10) for _ in racers}
    for racer in racers:
        racer.join()
    assert len(found) == 1 and found == {keys.django_secret(tmp_path)}
    assert os.listdir(tmp_path / "keys") == ["secret_key"]


def test_environment_first(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "from outside")
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{ring_entry(2, b'n')},{ring_entry(1, b'o')}")
    assert keys.django_secret(tmp_path) == "from outside"
    assert keys.encryption_ring(tmp_path) == {2: b"n" * 32, 1: b"o" * 32}
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    "value",
    ["nonsense", "1:short", ring_entry(0), ring_entry(256), "x" + ring_entry(1), f"{ring_entry(1)},{ring_entry(1)}"],
)
def test_a_bad_ring_stops_the_start(tmp_path, monkeypatch, value):
    monkeypatch.setenv("ENCRYPTION_KEYS", value)
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        keys.encryption_ring(tmp_path)


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path):
    (tmp_path / "keys").write_text("a file in the way")
    with pytest.raises(ImproperlyConfigured, match="DATA_DIR cannot be used"):
        keys.django_secret(tmp_path)


@pytest.mark.parametrize(("name", "value"), [("DEMO", "maybe"), ("PORT", "99999"), ("DATABASE_URL", "mysql://x/y")])
def test_a_wrong_setting_stops_the_start_without_a_traceback(tmp_path, name, value):
    environment = {**os.environ, "DATA_DIR": str(tmp_path), name: value}
    done = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert name in done.stderr and "Traceback" not in done.stderr
