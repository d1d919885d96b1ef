"""Three questions about this process and what it stands on.

``/livez/``: does the process answer (restart it if not). ``/readyz/``: may it get requests - database there, migrations
done (what a balancer asks). ``/healthz/``: everything, for people and monitoring; 503 only without a usable database, since
the product works without Redis, only slower ("degraded").
"""

import time
from datetime import datetime

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from scrm.core import pumps
from scrm.core.access import public
from scrm.core.models.runtime import Canary
from scrm.lib import clock

CANARY_LATE_SECONDS = 60
_TRUST_MIGRATIONS_SECONDS = 60.0
_migrated_until = 0.0


@public
@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@public
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    database = check_database()
    migrations = check_migrations() if database["ok"] else {"ok": False, "error": "no database"}
    return _answer({"database": database, "migrations": migrations}, ready=bool(database["ok"] and migrations["ok"]))


@public
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    found: dict[str, dict] = {"database": check_database(), "redis": check_redis()}
    if not found["database"]["ok"]:
        return _answer(found, ready=False)
    found["migrations"] = check_migrations()
    if not found["migrations"]["ok"]:
        return _answer(found, ready=False)
    found["canary"] = check_canary()
    found["pumps"] = pumps.lags()
    return _answer(found, ready=True)


def check_database() -> dict:
    """One round trip. (A connection that died was closed when the request began, so health returns with the database.)"""
    began = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except Error as error:
        connection.close()
        return {"ok": False, "error": type(error).__name__}
    return {"ok": True, "ms": round((time.monotonic() - began) * 1000, 1)}


def check_migrations() -> dict:
    """Applied as far as this code knows them; a good answer is believed for a minute, looking takes 50 ms."""
    global _migrated_until
    if time.monotonic() < _migrated_until:
        return {"ok": True, "waiting": 0}
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        return {"ok": False, "error": type(error).__name__}
    if not plan:
        _migrated_until = time.monotonic() + _TRUST_MIGRATIONS_SECONDS
    return {"ok": not plan, "waiting": len(plan)}


def check_redis() -> dict:
    began = time.monotonic()
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.3, socket_connect_timeout=0.3, retry=Retry(NoBackoff(), 0)
    )
    try:
        client.ping()
    except (redis.exceptions.RedisError, OSError) as error:
        return {"ok": False, "error": type(error).__name__}
    finally:
        client.close()
    return {"ok": True, "ms": round((time.monotonic() - began) * 1000, 1)}


def check_canary(now: datetime | None = None) -> dict:
    """Per queue: milliseconds of the last round trip, seconds since; late when no worker answered for a minute."""
    now = now or clock.real_now()
    rows = {row.queue: row for row in Canary.objects.all()}
    queues = {}
    for queue in settings.QUEUES:
        row = rows.get(queue)
        age = (now - row.returned_at).total_seconds() if row and row.returned_at else None
        queues[queue] = {
            "ok": age is not None and age <= CANARY_LATE_SECONDS,
            "round_trip_ms": row.round_trip_ms if row else None,
            "seconds_ago": None if age is None else round(age, 1),
        }
    return {"ok": all(queue["ok"] for queue in queues.values()), "queues": queues}


def _answer(found: dict[str, dict], *, ready: bool) -> JsonResponse:
    failing = [name for name, part in found.get("pumps", {}).items() if "error" in part]
    well = all(part.get("ok", True) for part in found.values()) and not failing
    status = "down" if not ready else "ok" if well else "degraded"
    return JsonResponse({"status": status, **found}, status=200 if ready else 503)
