"""Live, ready, healthy: with everything, without Redis, without Postgres."""

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db import OperationalError, connection

from scrm.core import health, pumps
from scrm.core.models.runtime import Canary, PumpRun
from scrm.core.pumps import Pump
from scrm.lib import clock
from scrm.runtime import places


@pytest.fixture(autouse=True)
def _addresses(settings, monkeypatch):
    settings.ROOT_URLCONF = "tests.frame.urls_failing"
    monkeypatch.setattr(health, "_migrated_until", 0.0)


@pytest.fixture
def two_pumps(monkeypatch):
    def broken():
        raise OperationalError("relation of a customer named Lin")

    found = {
        "fine": Pump(
            "fine", "events", lambda: False, 5, lambda: {"waiting": 3, "oldest_seconds": 1.5, "extra": "kept"}
        ),
        "bad": Pump("bad", "bulk", lambda: False, 5, broken),
    }
    monkeypatch.setattr(pumps, "pumps", lambda: found)
    return found


@pytest.fixture
def no_database(monkeypatch):
    def cursor(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", cursor)
    monkeypatch.setattr(connection, "close", lambda: None)


def all_canaries(age: timedelta) -> None:
    now = clock.real_now()
    for queue in configured.QUEUES:
        Canary.objects.create(queue=queue, sent_at=now - age, returned_at=now - age, round_trip_ms=4)


@pytest.mark.django_db
def test_all_is_well(client, monkeypatch):
    monkeypatch.setattr(pumps, "pumps", dict)
    monkeypatch.setattr(health, "check_redis", lambda: {"ok": True})
    all_canaries(timedelta(seconds=5))
    answer = client.get("/healthz/")
    found = answer.json()
    assert (answer.status_code, found["status"]) == (200, "ok")
    assert found["migrations"] == {"ok": True, "waiting": 0}
    assert found["canary"]["queues"]["welcome"]["round_trip_ms"] == 4
    assert client.get("/readyz/").json()["status"] == "ok"
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_without_redis_the_product_works_degraded(client, settings, two_pumps):
    settings.REDIS_URL = f"redis://127.0.0.1:{places.free_port()}/0"
    answer = client.get("/healthz/")
    found = answer.json()
    assert (answer.status_code, found["status"], found["redis"]["ok"]) == (200, "degraded", False)
    assert client.get("/readyz/").status_code == 200


@pytest.mark.django_db
def test_lag_of_every_pump_without_anybodys_data(client, two_pumps):
    PumpRun.objects.create(name="fine", started_at=clock.real_now(), error="ValueError: phone 13800000000", failures=2)
    answer = client.get("/healthz/")
    found = answer.json()["pumps"]
    assert found["fine"] == {
        "waiting": 3, "oldest_seconds": 1.5, "extra": "kept", "last_run": None, "error": "ValueError", "failures": 2,
    }  # fmt: skip
    assert found["bad"]["error"] == "OperationalError"
    assert "13800000000" not in answer.content.decode() and "Lin" not in answer.content.decode()


@pytest.mark.django_db
def test_a_late_canary(client, two_pumps):
    all_canaries(timedelta(minutes=2))
    found = client.get("/healthz/").json()["canary"]
    assert found["ok"] is False and not any(queue["ok"] for queue in found["queues"].values())


@pytest.mark.django_db
def test_a_migration_is_missing(client, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one", "two"])
    answer = client.get("/readyz/")
    assert (answer.status_code, answer.json()["migrations"]) == (503, {"ok": False, "waiting": 2})
    assert client.get("/healthz/").status_code == 503


@pytest.mark.django_db
def test_without_postgres(client, no_database):
    assert client.get("/livez/").status_code == 200
    for path in ("/readyz/", "/healthz/"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (503, "down")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/operational/", "/interface/"])
def test_a_view_that_loses_the_database_answers_503(client, path):
    client.raise_request_exception = False
    answer = client.get(path)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.django_db
def test_the_session_cannot_be_read(client_for, admin, monkeypatch):
    client = client_for(admin)
    client.raise_request_exception = False

    def cursor(*args, **kwargs):
        raise OperationalError("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", cursor)
        assert client.get("/fine/").status_code == 503
    assert client.get("/fine/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_only_reading(client, method):
    assert getattr(client, method)("/healthz/").status_code == 405
