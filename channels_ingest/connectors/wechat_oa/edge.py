"""Official Account callbacks at the door: signature, decryption, dedupe key and the passive reply. No database, no network.

Source: WeChat developer documentation, "Message push / access guide" and "encryption and decryption" (safe mode).
"""

import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson
from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.exceptions import WeChatException

from channels_ingest.connectors import xml
from channels_ingest.edge import Refused, in_time
from channels_ingest.enums import BadReason
from channels_ingest.models import Channel

MOST_BYTES = 1024 * 1024
SUCCESS = "success"
_BROKEN_CIPHER = (ValueError, TypeError, KeyError, IndexError, AssertionError, struct.error, WeChatException)
"""What wechatpy's decryption raises on a damaged text; InvalidAppIdException is a WeChatException."""


@dataclass(slots=True)
class Opened:
    """An authentic callback."""

    message: dict[str, object]
    text: bytes
    """The plain XML (or JSON), as it is kept."""
    encrypted: bool
    key: UUID


def echo(channel: Channel, query: Mapping[str, str]) -> str:
    """The answer to the platform's check of the address. Raises Refused."""
    _check(query.get("signature", ""), query, channel.secrets.get("token", ""))
    return query.get("echostr", "")


def open_callback(channel: Channel, query: Mapping[str, str], body: bytes) -> Opened:
    """Authenticate and decrypt. Safe mode: ``msg_signature`` covers the ciphertext and ``signature`` is ignored. Plain
    bodies only when the account says so. Raises Refused: 403 for a wrong signature, 400 for what cannot be read."""
    if len(body) > MOST_BYTES:
        raise Refused(BadReason.OVERSIZED, 400, f"{len(body)} bytes", body)
    held = channel.secrets
    outer = _read(body)
    cipher = outer.get("Encrypt")
    if not isinstance(cipher, str) or not cipher:
        if channel.settings.get("mode") != "plain":
            raise Refused(BadReason.SIGNATURE, 403, "not encrypted, but this account is in safe mode")
        _check(query.get("signature", ""), query, held.get("token", ""))
        return Opened(outer, body, False, dedupe_key(outer, body))
    _check(query.get("msg_signature", ""), query, held.get("token", ""), cipher)
    try:
        text = PrpCrypto(_aes(channel, held).key).decrypt(cipher, channel.settings.get("app_id", "")).encode()
    except _BROKEN_CIPHER as error:
        raise Refused(BadReason.UNDECRYPTABLE, 400, type(error).__name__, body) from None
    message = _read(text)
    return Opened(message, text, True, dedupe_key(message, text))


def dedupe_key(message: Mapping[str, object], text: bytes) -> UUID:
    """Messages: sender and MsgId (which repeats across senders). Events: what happened, when, and the whole plain body,
    because two real events may share sender and second."""
    if message.get("MsgId") and message.get("MsgType") != "event":
        parts = ["message", message.get("FromUserName"), message["MsgId"]]
    else:
        names = ("Event", "ChangeType", "EventKey", "UserID", "ExternalUserID", "CreateTime")
        parts = ["event", *(message.get(name) for name in names), hashlib.sha256(text).hexdigest()]
    said = "\x1f".join("" if part is None else str(part) for part in parts)
    return UUID(bytes=hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()[:16])


def follow_reply(channel: Channel, message: Mapping[str, object]) -> str:
    """Text that greets a new follower at once, "" for everything else. Only looks at the account's settings."""
    if message.get("MsgType") == "event" and str(message.get("Event", "")).lower() == "subscribe":
        return str(channel.settings.get("follow_reply") or "")
    return ""


def reply_xml(channel: Channel, opened: Opened, text: str) -> str:
    """The passive answer, encrypted when the callback was."""
    answer = (
        f"<xml><ToUserName>{xml.cdata(str(opened.message.get('FromUserName', '')))}</ToUserName>"
        f"<FromUserName>{xml.cdata(str(opened.message.get('ToUserName', '')))}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{xml.cdata(text)}</Content></xml>"
    )
    if not opened.encrypted:
        return answer
    return _aes(channel, channel.secrets).encrypt_message(answer, secrets.token_hex(8), str(int(time.time())))


def _read(body: bytes) -> dict[str, object]:
    try:
        if body.lstrip()[:1] == b"{":  # mini programs may send JSON through the same door
            found = orjson.loads(body)
            return found if isinstance(found, dict) else {}
        return xml.parse(body)
    except xml.NotXml as error:
        raise Refused(BadReason.DTD if error.hostile else BadReason.MALFORMED, 400, str(error), body) from None
    except orjson.JSONDecodeError as error:
        raise Refused(BadReason.MALFORMED, 400, str(error), body) from None


def _check(signature: str, query: Mapping[str, str], token: str, *more: str) -> None:
    """Constant-time comparison first, then the clock: a wrong signature must not learn anything about our clock."""
    moment, nonce = query.get("timestamp", ""), query.get("nonce", "")
    joined = "".join(sorted([token, moment, nonce, *more]))
    expected = hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()
    if not token or not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise Refused(BadReason.SIGNATURE, 403)
    if not in_time(moment):
        raise Refused(BadReason.STALE, 403, "check the clock of this server")


def _aes(channel: Channel, held: Mapping[str, str]) -> WeChatCrypto:
    return WeChatCrypto(held.get("token", ""), held.get("aes_key", ""), channel.settings.get("app_id", ""))
