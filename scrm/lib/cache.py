"""Django's Redis cache that treats a dead Redis as an empty one: pages slow down a little instead of failing."""

import logging

import redis
from django.core.cache.backends.redis import RedisCache

from scrm.lib.breaker import Breaker

log = logging.getLogger(__name__)

breaker = Breaker(pause_seconds=2.0)


def _quiet(name: str, fallback):
    def method(self, *args, **kwargs):
        if breaker.tripped:
            return fallback(args, kwargs)
        try:
            return getattr(RedisCache, name)(self, *args, **kwargs)
        except (redis.exceptions.RedisError, OSError) as error:
            breaker.trip()
            log.warning("cache %s without Redis: %s", name, error)
            return fallback(args, kwargs)

    method.__name__ = name
    return method


class QuietRedisCache(RedisCache):
    get = _quiet("get", lambda args, kwargs: args[1] if len(args) > 1 else kwargs.get("default"))
    get_many = _quiet("get_many", lambda args, kwargs: {})
    add = _quiet("add", lambda args, kwargs: True)
    set = _quiet("set", lambda args, kwargs: None)
    set_many = _quiet("set_many", lambda args, kwargs: [])
    touch = _quiet("touch", lambda args, kwargs: False)
    delete = _quiet("delete", lambda args, kwargs: False)
    delete_many = _quiet("delete_many", lambda args, kwargs: None)
    has_key = _quiet("has_key", lambda args, kwargs: False)
    incr = _quiet("incr", lambda args, kwargs: 1)
