"""A hint never costs a page more than a moment, whatever Redis does."""

import socket
import time

import pytest
from django.core.cache import caches
from django.db import transaction

from scrm.lib import cache, hints
from scrm.runtime import places


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.HINTS = True
    for part in (hints.breaker, cache.breaker):
        part.reset()
    hints._redis.cache_clear()
    yield
    for part in (hints.breaker, cache.breaker):
        part.reset()
    hints._redis.cache_clear()


def use(settings, url):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = url
    settings.CACHES = {
        "default": {
            "BACKEND": "scrm.lib.cache.QuietRedisCache",
            "LOCATION": url,
            "OPTIONS": settings.REDIS_OPTIONS,
        }
    }


@pytest.fixture
def dead_redis(settings):
    use(settings, f"redis://127.0.0.1:{places.free_port()}/0")


@pytest.fixture
def mute_redis(settings):
    """Takes connections and never answers, like a machine that hangs."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        use(settings, f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        yield


@pytest.mark.parametrize("redis_state", ["dead_redis", "mute_redis"])
def test_redis_away_costs_one_short_wait(request, redis_state):
    request.getfixturevalue(redis_state)
    began = time.monotonic()
    for _ in range(50):
        hints.poke("ingest")
        hints.taken("ingest")
        caches["default"].set("key", 1)
        assert caches["default"].get("key", "fallback") == "fallback"
    assert time.monotonic() - began < 5  # fifty waits of any kind would be far above
    assert hints.breaker.tripped


def test_the_breaker_closes_again(dead_redis, monkeypatch):
    hints.poke("ingest")
    assert hints.breaker.tripped
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not hints.breaker.tripped


@pytest.fixture
def sent(settings, monkeypatch):
    """A Redis of one dict, and the list of what was sent."""
    marks, sent = {}, []

    class Fake:
        def set(self, key, value, nx, ex):
            return None if key in marks else marks.setdefault(key, True)

        def delete(self, key):
            marks.pop(key, None)

    monkeypatch.setattr(hints, "_redis", lambda fake=Fake(): fake)
    monkeypatch.setattr(hints._redis, "cache_clear", lambda: None, raising=False)
    monkeypatch.setattr(hints, "_send", sent.append)
    return sent


def test_waiting_hints_are_one_and_a_taken_one_is_over(sent):
    hints.poke("ingest"), hints.poke("ingest"), hints.poke("events")
    assert sent == ["ingest", "events"]
    hints.taken("ingest")
    hints.poke("ingest")
    assert sent == ["ingest", "events", "ingest"]


@pytest.mark.django_db(transaction=True)
def test_on_commit_once(sent):
    with transaction.atomic():
        hints.poke_on_commit("ingest")
        with transaction.atomic():
            hints.poke_on_commit("ingest")
        assert sent == []
    assert sent == ["ingest"]
    hints.taken("ingest")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        hints.poke_on_commit("ingest")
        raise ZeroDivisionError
    assert sent == ["ingest"]


def test_switched_off(settings, sent):
    settings.HINTS = False
    hints.poke("ingest")
    assert sent == []
