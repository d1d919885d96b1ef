"""Secret and encryption keys: from the environment, else made once in ``DATA_DIR/keys`` readable by the owner only.

``ENCRYPTION_KEYS`` is a comma-separated list of ``id:base64(32 bytes)``, newest first: the first key encrypts, all
decrypt.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def django_secret(data_dir: Path) -> str:
    return os.environ.get("SECRET_KEY") or _kept(data_dir / "keys" / "secret_key", lambda: secrets.token_urlsafe(50))


def encryption_ring(data_dir: Path) -> dict[int, bytes]:
    """Key id (1-255) to 32 raw bytes, newest first."""
    text = os.environ.get("ENCRYPTION_KEYS") or _kept(
        data_dir / "keys" / "encryption_keys", lambda: "1:" + base64.b64encode(secrets.token_bytes(32)).decode()
    )
    ring: dict[int, bytes] = {}
    for part in text.split(","):
        number, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not number.isdigit() or not 1 <= int(number) <= 255 or len(key) != 32 or int(number) in ring:
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS must be a list of id:base64-of-32-bytes, ids from 1 to 255, each once."
            )
        ring[int(number)] = key
    return ring


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The file's content; made with 0600 on first use, and never overwritten by a racing process."""
    try:
        if not path.exists():
            _make(path, make())
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"The keys in DATA_DIR cannot be used: {error.strerror}: {error.filename}") from None


def _make(path: Path, value: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
