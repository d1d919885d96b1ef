"""Short signed tokens for public addresses: what they point at, and a keyed 80-bit code that nobody can guess. Nothing is stored.

``purpose`` is bound into the code: a token made for a link does not unsubscribe anybody.
"""

import base64
import hmac

from scrm.lib import crypto

LINK, OPEN, UNSUBSCRIBE, CONFIRM = "link", "open", "unsubscribe", "confirm"
_CODE_BYTES = 10


def make(purpose: str, *numbers: int) -> str:
    body = b"".join(_varint(number) for number in numbers)
    return base64.urlsafe_b64encode(body + _code(purpose, body)).rstrip(b"=").decode()


def read(purpose: str, token: str, count: int) -> tuple[int, ...] | None:
    """The numbers the token was made with, or None when it is not one of ours for this purpose."""
    if not 14 <= len(token) <= 60:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != token:
        return None  # one spelling only: the last character has bits to spare
    body, code = raw[:-_CODE_BYTES], raw[-_CODE_BYTES:]
    if not hmac.compare_digest(code, _code(purpose, body)):
        return None
    numbers = _numbers(body)
    return numbers if len(numbers) == count else None


def _code(purpose: str, body: bytes) -> bytes:
    return crypto.blind_index(f"token {purpose}", body.hex()).bytes[:_CODE_BYTES]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(body: bytes) -> tuple[int, ...]:
    found, number, shift = [], 0, 0
    for byte in body:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(number)
            number, shift = 0, 0
    return tuple(found)
