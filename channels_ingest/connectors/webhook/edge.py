"""A signed webhook at the door. Source: the Standard Webhooks specification, "Signature scheme" and "Verifying webhooks"."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from channels_ingest.connectors.webhook.inbound import shape_problem
from channels_ingest.edge import Refused, in_time
from channels_ingest.enums import BadReason
from channels_ingest.models import Channel
from scrm.lib import clock

MOST_BYTES = 1024 * 1024
PREFIX = "whsec_"
OLD_KEY_HOURS = 72
"""How long the key before is good after a rotation, unless it is ended by hand."""


@dataclass(slots=True)
class Opened:
    """An authentic webhook."""

    id: str
    key: UUID


def new_key() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def is_key(text: str) -> bool:
    """24 to 64 random bytes in base64, with or without the prefix."""
    return 24 <= len(_bytes(text)) <= 64


def rotated(held: Mapping[str, str]) -> dict[str, str]:
    """The credentials with a new key; the one before stays good for a while."""
    until = clock.real_now() + timedelta(hours=OLD_KEY_HOURS)
    return {**held, "key": new_key(), "old_key": held.get("key", ""), "old_until": until.isoformat()}


def old_until(held: Mapping[str, str]) -> datetime | None:
    """Until when the key before is good; None when it is not."""
    told = held.get("old_until", "")
    until = datetime.fromisoformat(told) if told and held.get("old_key") else None
    return until if until and until > clock.real_now() else None


def open_webhook(channel: Channel, headers: Mapping[str, str], body: bytes) -> Opened:
    """Authenticate, then look at the shape. Raises Refused: 403 for a wrong signature, 400 for what makes no sense."""
    if len(body) > MOST_BYTES:
        raise Refused(BadReason.OVERSIZED, 413, f"more than {MOST_BYTES} bytes")
    told_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (told_id and moment and _signed(channel, f"{told_id}.{moment}.".encode(), body, headers)):
        raise Refused(BadReason.SIGNATURE, 403)
    if not in_time(moment):
        raise Refused(BadReason.STALE, 403, "webhook-timestamp is more than 300 seconds off")
    try:
        given: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(BadReason.MALFORMED, 400, str(error), body) from None
    if problem := shape_problem(given):
        raise Refused(BadReason.MALFORMED, 400, problem, body)
    return Opened(told_id[:200], UUID(bytes=hashlib.sha256(told_id.encode()).digest()[:16]))


def _signed(channel: Channel, head: bytes, body: bytes, headers: Mapping[str, str]) -> bool:
    """Does one of the given signatures fit one of the good keys? Each is compared in constant time."""
    held = channel.secrets
    keys = [held.get("key", ""), held.get("old_key", "") if old_until(held) else ""]
    expected = [base64.b64encode(hmac.digest(_bytes(key), head + body, "sha256")) for key in keys if _bytes(key)]
    given = [part[3:].encode() for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
    return any(hmac.compare_digest(one, other) for one in expected for other in given[:10])


def _bytes(key: str) -> bytes:
    try:
        return base64.b64decode(key.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
