"""Settings from the environment that fail loudly: a wrong value stops the start with one clear sentence."""

import json
import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set the environment variable {name}.")
    return value


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in _TRUE:
        return True
    if value.strip().lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def integer(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def port(name: str, default: int) -> int:
    value = integer(name, default)
    if not 1 <= value <= 65535:
        raise ImproperlyConfigured(f"{name} must be a port from 1 to 65535, not {value}.")
    return value


def server(name: str, data_dir: Path, default: str) -> str:
    """A server's URL: from the environment, else the embedded one that runs on this DATA_DIR, else the default."""
    if value := os.environ.get(name):
        return value
    try:
        return json.loads((data_dir / "run" / "environment.json").read_text())[name]
    except (OSError, ValueError, KeyError):
        return default


def names(name: str, default: str) -> list[str]:
    """A comma-separated list without blanks."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def folder(name: str, default: Path) -> Path:
    value = os.environ.get(name)
    return Path(value).expanduser().resolve() if value else default


def database(url: str) -> dict[str, object]:
    """``postgres://user:password@host:port/name`` as a Django database dict; a ``host`` query names a socket folder."""
    parts = urlsplit(url)
    try:
        port_number = parts.port or 5432
    except ValueError:
        port_number = 0
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2 or not port_number:
        raise ImproperlyConfigured("DATABASE_URL must look like postgres://user:password@host:5432/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parse_qs(parts.query).get("host", [unquote(parts.hostname or "")])[0],
        "PORT": str(port_number),
    }
