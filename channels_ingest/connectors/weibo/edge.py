"""Fans-service callbacks at the door: signature and dedupe key. No database, no network.

Source: Weibo open platform, "Fans service, message push": sha1 over the sorted App Secret, timestamp and nonce; JSON bodies.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from channels_ingest.edge import Refused, in_time
from channels_ingest.enums import BadReason
from channels_ingest.models import Channel

MOST_BYTES = 256 * 1024


def echo(channel: Channel, query: Mapping[str, str]) -> str:
    """The answer to the platform's check of the address. Raises Refused."""
    _check(channel, query)
    return query.get("echostr", "")


def open_callback(channel: Channel, query: Mapping[str, str], body: bytes) -> UUID:
    """Authenticate; the dedupe key. The signature does not cover the body, which is why the address holds a secret token.
    Raises Refused: 403 for a wrong signature, 400 for what cannot be read."""
    if len(body) > MOST_BYTES:
        raise Refused(BadReason.OVERSIZED, 400, f"{len(body)} bytes", body)
    _check(channel, query)
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(BadReason.MALFORMED, 400, str(error), body) from None
    if not isinstance(told, dict):
        raise Refused(BadReason.MALFORMED, 400, "not an object", body)
    return key_of("callback", hashlib.sha256(body).hexdigest())


def key_of(*parts: Any) -> UUID:
    said = "\x1f".join(map(str, parts))
    return UUID(bytes=hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()[:16])


def _check(channel: Channel, query: Mapping[str, str]) -> None:
    """Constant-time comparison first, then the clock."""
    app_secret = channel.secrets.get("app_secret", "")
    moment = query.get("timestamp", "")
    joined = "".join(sorted([app_secret, moment, query.get("nonce", "")]))
    expected = hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()
    given = query.get("signature", "").encode("utf-8", "replace")
    if not app_secret or not hmac.compare_digest(expected.encode(), given):
        raise Refused(BadReason.SIGNATURE, 403)
    if not in_time(moment):
        raise Refused(BadReason.STALE, 403, "check the clock of this server")
