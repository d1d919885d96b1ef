"""Live regions: a version per name in Redis. Whoever changes something touches its name; pages ask for the versions of
what they show (no database query) and fetch again only what changed. Without Redis pages look once a minute."""

import time
from collections.abc import Iterable

from django.core.cache import cache
from django.core.signing import BadSignature, Signer
from django.db import transaction

_KEEP = 7 * 86400
_signer = Signer(salt="live", sep="~")


def key(*name: object) -> str:
    """The signed name that a page may ask for, so that nobody can probe names that were not shown to them."""
    return _signer.sign(_join(name))


def touch(*name: object) -> None:
    """Say that what is called so has changed. One Redis command, never raises."""
    cache.set(f"live:{_join(name)}", f"{time.time_ns():x}", _KEEP)


def touch_on_commit(*name: object) -> None:
    transaction.on_commit(lambda: touch(*name))


def version(*name: object) -> str:
    return cache.get(f"live:{_join(name)}") or "0"


def versions(keys: Iterable[str]) -> dict[str, str]:
    """Signed name to version; forged names are left out."""
    names = {}
    for signed in keys:
        try:
            names[signed] = f"live:{_signer.unsign(signed)}"
        except BadSignature:
            continue
    found = cache.get_many(names.values())
    return {signed: found.get(name, "0") for signed, name in names.items()}


def _join(name: Iterable[object]) -> str:
    return ":".join(str(part) for part in name)
