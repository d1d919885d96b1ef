"""The collector at the door: who calls, how big, is it JSON of the right shape. What passes is stored raw, as one delivery.

Source: Segment documentation, "HTTP API source" (authentication, 32 KB a call, 500 KB a batch).
"""

import base64
import binascii
import hmac
import time
import zlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from django.http import HttpRequest

from channels_ingest import edge
from channels_ingest.connectors.web.inbound import SHORT, shape_problem
from channels_ingest.edge import Refused
from channels_ingest.enums import BadReason, Kind, State, Trustee
from channels_ingest.models import Channel
from channels_ingest.models.delivery import RAW
from scrm.lib import crypto

CALLS = {"identify", "track", "page", "screen", "group", "alias", "batch"}
MOST_CALL, MOST_BATCH = 32 * 1024, 500 * 1024
_KEY_TAIL = "."
_KNOWN_SECONDS = 2.0
"""A busy site is looked up once in so many seconds; a pause takes effect after at most this time."""
_owners: dict[str, tuple[float, Channel]] = {}
_GZIP = 16 + zlib.MAX_WBITS


def take(request: HttpRequest, call: str) -> Channel:
    """Store one request; the account it belongs to. Raises Refused (400, 401, 403, 413)."""
    call = SHORT.get(call, call)
    most = MOST_BATCH if call == "batch" else MOST_CALL
    raw = _read(request, most)
    gzipped = raw[:2] == b"\x1f\x8b"
    plain = _open(raw, most) if gzipped else raw
    try:
        body = _json(plain, request.content_type)
        key = _key(request, body)
    except Refused as refused:
        refused.channel = _owner(_basic(request))
        raise
    channel, trustee = authorise(key)
    try:
        _check_origin(channel, request)
        _check_shape(body, call, len(plain))
    except Refused as refused:
        refused.channel = channel
        raise
    notes = {"call": call}
    if request.headers.get("Origin"):
        notes["origin"] = request.headers["Origin"][:200]
    packed = crypto.seal(raw, RAW) if gzipped and not _is_form(request.content_type) else None
    stored = plain if not _is_form(request.content_type) else orjson.dumps(body)
    edge.accept(channel, stored, trustee=trustee, notes=notes, packed=packed)
    return channel


def authorise(key: str) -> tuple[Channel, Trustee]:
    """The web site of a public write key (browser) or of a secret server key ``<write key>.<secret>``. Raises Refused 401."""
    token, _dot, secret = key.partition(_KEY_TAIL)
    channel = _owner(token)
    if channel is None or channel.state == State.PAUSED:
        raise Refused(BadReason.KEY, 401, "no active web site has this write key")
    if not secret:
        return channel, Trustee.BROWSER
    held = channel.secrets.get("server_secret", "")
    if not held or not hmac.compare_digest(held.encode(), secret.encode("utf-8", "replace")):
        refused = Refused(BadReason.KEY, 401, "wrong secret")
        refused.channel = channel
        raise refused
    return channel, Trustee.SERVER


def forget() -> None:
    """Look every site up again (this process)."""
    _owners.clear()


def server_key(channel: Channel) -> str:
    """What a server types where its SDK asks for the write key."""
    return f"{channel.token}{_KEY_TAIL}{channel.secrets.get('server_secret', '')}"


def allowed_origin(channel: Channel | None, origin: str) -> str:
    """Value of Access-Control-Allow-Origin."""
    origins = channel.settings.get("origins") if channel else None
    return origin if origins else "*"


def _owner(token: str) -> Channel | None:
    if not token or len(token) > 64 or "\0" in token:
        return None
    known = _owners.get(token)
    if known and known[0] > time.monotonic():
        return known[1]
    channel = Channel.objects.filter(kind=Kind.WEB, token=token).first()
    if channel is not None:
        _owners[token] = (time.monotonic() + _KNOWN_SECONDS, channel)
    return channel


def _read(request: HttpRequest, most: int) -> bytes:
    """The body as it came. Never reads more than the limit."""
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Refused(BadReason.MALFORMED, 400, "Content-Length") from None
    if declared > most:
        raise Refused(BadReason.OVERSIZED, 413, f"{declared} bytes")
    return request.read(most + 1)


def _open(raw: bytes, most: int) -> bytes:
    """Gunzip, by the header or by the first two bytes, up to the limit: a small body may hide a huge one."""
    try:
        opener = zlib.decompressobj(_GZIP)
        plain = opener.decompress(raw, most + 1)
    except zlib.error as error:
        raise Refused(BadReason.MALFORMED, 400, f"gzip: {error}", raw) from None
    if len(plain) > most:
        raise Refused(BadReason.OVERSIZED, 413, "after gunzip")
    if not opener.eof:
        raise Refused(BadReason.MALFORMED, 400, "gzip ends early", raw)
    return plain


def _is_form(content_type: str | None) -> bool:
    return content_type == "application/x-www-form-urlencoded"


def _json(plain: bytes, content_type: str | None) -> dict[str, Any]:
    """The JSON object, whatever the content type says; form-encoded bodies carry it as the text or in a field."""
    text = plain
    if _is_form(content_type) and plain.lstrip()[:1] != b"{":
        try:
            fields = parse_qs(plain.decode(), max_num_fields=10)
        except ValueError:
            raise Refused(BadReason.MALFORMED, 400, "form encoding", plain) from None
        text = next((values[0] for values in fields.values() if values[0].lstrip().startswith("{")), "").encode()
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(BadReason.MALFORMED, 400, str(error), plain) from None
    if not isinstance(body, dict):
        raise Refused(BadReason.MALFORMED, 400, "not an object", plain)
    return body


def _basic(request: HttpRequest) -> str:
    kind, _space, coded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(coded.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _key(request: HttpRequest, body: dict[str, Any]) -> str:
    """The write key: user name of Basic authentication, else ``writeKey`` of the body."""
    given = body.get("writeKey")
    key = _basic(request) or (given if isinstance(given, str) else "")
    if not key:
        raise Refused(BadReason.KEY, 401, "no write key")
    return key


def _check_origin(channel: Channel, request: HttpRequest) -> None:
    origins, origin = channel.settings.get("origins"), request.headers.get("Origin", "")
    if origins and origin and origin.lower() not in origins:
        parts = urlsplit(origin)
        raise Refused(BadReason.ORIGIN, 403, f"{parts.scheme}://{parts.netloc}"[:200])


def _check_shape(body: dict[str, Any], call: str, size: int) -> None:
    if call not in CALLS:
        raise Refused(BadReason.MALFORMED, 400, "unknown call")
    if call != "batch":
        if problem := shape_problem({**body, "type": call}):
            raise Refused(BadReason.REFUSED_EVENT, 400, problem, orjson.dumps(body))
        return
    batch = body.get("batch")
    if not isinstance(batch, list) or not batch:
        raise Refused(BadReason.MALFORMED, 400, "batch must be a list of calls", orjson.dumps(body))
    if size > MOST_CALL and any(len(orjson.dumps(one)) > MOST_CALL for one in batch):
        raise Refused(BadReason.OVERSIZED, 413, "one call of the batch is over 32 KB")
