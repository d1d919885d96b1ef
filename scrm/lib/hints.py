"""Hints: "this pump has work". They only make work start sooner; losing them all delays it by one sweep of beat.

A hint is coalesced: while one waits in the queue, further ones are dropped. The pump's task takes the mark away before
it looks for work, so that work committed after that look always gets a hint of its own. Nothing here raises or blocks:
with a dead Redis a call costs one short time-out, then nothing until the breaker closes again.
"""

import logging
from functools import lru_cache, partial

import redis
from django.conf import settings
from django.db import transaction
from kombu import Connection, pools
from redis.backoff import NoBackoff
from redis.retry import Retry

from scrm.celery import app
from scrm.lib.breaker import Breaker

log = logging.getLogger(__name__)

_SECONDS = 0.3
"""Longest wait for Redis, for connecting and for each answer."""
_MARK_SECONDS = 1
_EXPIRES_SECONDS = 60
"""A hint that nobody took within this time says nothing that the sweep has not said since."""

breaker = Breaker(pause_seconds=2.0)


def poke(pump_name: str) -> None:
    """Ask for one run of the pump. Safe anywhere; inside a transaction use ``poke_on_commit``."""
    if not settings.HINTS or breaker.tripped:
        return
    try:
        if _redis().set(_mark(pump_name), 1, nx=True, ex=_MARK_SECONDS):
            _send(pump_name)
    except Exception as error:
        # Anything at all: the work is in Postgres already and the page or webhook that pokes must not fail for a hint.
        breaker.trip()
        log.warning("hint %s not sent: %s", pump_name, error)


def poke_on_commit(pump_name: str) -> None:
    """Poke once when the current transaction commits, however often it is called in it; at once outside of one."""
    connection = transaction.get_connection()
    poker = _poker(pump_name)
    if connection.in_atomic_block and any(entry[1] is poker for entry in connection.run_on_commit):
        return
    transaction.on_commit(poker, robust=True)


def taken(pump_name: str) -> None:
    """The pump's task starts looking for work: from here on a new hint is news."""
    if not settings.HINTS or breaker.tripped:
        return
    try:
        _redis().delete(_mark(pump_name))
    except (redis.exceptions.RedisError, OSError) as error:
        breaker.trip()
        log.warning("hint mark of %s not removed: %s", pump_name, error)


@lru_cache(maxsize=64)
def _poker(pump_name: str) -> partial:
    return partial(poke, pump_name)


def _mark(pump_name: str) -> str:
    return f"scrm:hint:{pump_name}"


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _send(pump_name: str) -> None:
    """The queue is chosen by settings.CELERY_TASK_ROUTES from the pump's name."""
    # Its own connection pool: the worker's connections must wait for seconds, a page's must not.
    options = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS, "max_retries": 0}
    with pools.producers[Connection(settings.CELERY_BROKER_URL, transport_options=options)].acquire(
        block=True, timeout=_SECONDS
    ) as producer:
        app.send_task(
            "scrm.core.tasks.pump",
            args=[pump_name],
            producer=producer,
            retry=False,
            ignore_result=True,
            expires=_EXPIRES_SECONDS,
        )
