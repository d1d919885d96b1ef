"""Values from outside: cut to size, without NUL, and without contact points, which belong to identities."""

import re
from typing import Any

from contacts.enums import IdentityKind
from contacts.identity import mask, normalise

_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"'/?&=#|]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.I)
_MOST_KEYS, _MOST_ITEMS, _DEEPEST, _LONGEST = 100, 200, 5, 1000
_SQUEEZE = str.maketrans("", "", "-_ .")
EMAIL_NAMES = {"email", "mail", "emailaddress", "useremail"}
PHONE_NAMES = {"phone", "mobile", "tel", "telephone", "phonenumber", "mobilephone", "cellphone", "mobilenumber"}


def handle_kind(name: str) -> str:
    """Is a field of this name a contact point? Its identity kind, else ""."""
    squeezed = name.lower().translate(_SQUEEZE)
    if squeezed in EMAIL_NAMES:
        return IdentityKind.EMAIL
    return IdentityKind.PHONE if squeezed in PHONE_NAMES else ""


def values(given: Any, depth: int = 0) -> Any:
    """A JSON value that may be kept. Addresses inside texts and URLs are masked."""
    if isinstance(given, str):
        return text(given)
    if given is None or isinstance(given, bool | int | float):
        return given
    if depth >= _DEEPEST:
        return None
    if isinstance(given, list):
        return [values(item, depth + 1) for item in given[:_MOST_ITEMS]]
    if isinstance(given, dict):
        return {
            text(str(name), 80): values(value, depth + 1)
            for name, value in list(given.items())[:_MOST_KEYS]
            if not (handle_kind(str(name)) and isinstance(value, str))
        }
    return None


def text(given: str, longest: int = _LONGEST) -> str:
    given = given[:longest]
    if "\0" in given:
        given = given.replace("\0", "")
    if "@" in given or "%40" in given:
        given = _EMAIL.sub(lambda found: mask(IdentityKind.EMAIL, found[0].replace("%40", "@")), given)
    return given


def contact_points(given: dict[str, Any]) -> list[tuple[str, str]]:
    """(identity kind, normalised value) of the contact points among the fields of the first level."""
    found = []
    for name, value in given.items():
        if isinstance(value, str | int) and not isinstance(value, bool) and (kind := handle_kind(str(name))):
            normal = normalise(kind, str(value))
            if normal:
                found.append((kind, normal))
    return found
