"""WeChat's message encryption ("safe mode"), written from the platform's document and independent of the product's library.

Plain text is ``random(16) | length (4, big endian) | message | appid``, padded PKCS7-style to a multiple of 32, AES-256-CBC
with the first half of the key as IV. The key is 43 base64 characters without the final ``=``. The signature is the SHA-1 of
the sorted parts.
Source: developers.weixin.qq.com, "Message encryption and decryption" (Official Account).
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32


class BadCipher(ValueError):
    """The key, the cipher text, its padding or its appid is wrong."""


def signature(*parts: str) -> str:
    """SHA-1 (hex) of the sorted, joined parts: ``signature`` (token, timestamp, nonce), ``msg_signature`` (and Encrypt)."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def signed(expected: str, *parts: str) -> bool:
    return hmac.compare_digest(expected.encode(), signature(*parts).encode())


def encrypt(message: str, aes_key: str, appid: str) -> str:
    """Base64 of the encrypted message. Raises BadCipher for a malformed key."""
    key = _key(aes_key)
    body = message.encode()
    plain = os.urandom(16) + struct.pack(">I", len(body)) + body + appid.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    worker = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(worker.update(plain + bytes([padding]) * padding) + worker.finalize()).decode()


def decrypt(encrypted: str, aes_key: str, appid: str) -> str:
    """The message. Raises BadCipher."""
    key = _key(aes_key)
    try:
        data = base64.b64decode(encrypted, validate=True)
        worker = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        plain = worker.update(data) + worker.finalize()
    except (binascii.Error, ValueError) as error:
        raise BadCipher("not a cipher text") from error
    padding = plain[-1] if plain else 0
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise BadCipher("bad padding")
    plain = plain[16:-padding]
    if len(plain) < 4:
        raise BadCipher("too short")
    (length,) = struct.unpack(">I", plain[:4])
    if length > len(plain) - 4 or plain[4 + length :] != appid.encode():
        raise BadCipher("made for another appid")
    try:
        return plain[4 : 4 + length].decode()
    except UnicodeDecodeError as error:
        raise BadCipher("not UTF-8") from error


def _key(aes_key: str) -> bytes:
    if len(aes_key) != 43:
        raise BadCipher("EncodingAESKey must have 43 characters")
    try:
        return base64.b64decode(aes_key + "=", validate=True)
    except binascii.Error as error:
        raise BadCipher("EncodingAESKey is not base64") from error
