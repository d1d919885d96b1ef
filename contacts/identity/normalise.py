"""Handles in their one normal form, and the masked form that pages show."""

import re
import unicodedata

import phonenumbers

from contacts.enums import IdentityKind

_STRANGE = r"@\s<>()\[\]\\,;:\"\x00-\x1f\x7f"
_EMAIL = re.compile(rf"[^{_STRANGE}]+@[^{_STRANGE}/]+\.[^{_STRANGE}/.]{{2,}}")
_MAINLAND_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9]\d{9})")
_SEPARATORS = str.maketrans("", "", " -().\u2011\u2012\u2013")
_LONGEST = 254
_DEFAULT_REGION = "CN"


def normalise(kind: str, value: str) -> str | None:
    """The normal form of a handle, or None when it is no such thing (empty, not an address, not a number).

    Full-width forms become half-width. Phone numbers become E.164, without a country code they are of mainland China. E-mail
    addresses are lower case in both parts: no provider in use tells two people apart by case. Other kinds keep their case.
    """
    if not value.isascii():
        value = unicodedata.normalize("NFKC", value)
    value = value.strip()
    if not value or len(value) > _LONGEST:
        return None
    if kind == IdentityKind.EMAIL:
        return _email(value)
    if kind == IdentityKind.PHONE:
        return _phone(value)
    return value if value.isprintable() else None


def _email(value: str) -> str | None:
    value = value.lower()
    if not value.isascii():
        local, _, domain = value.rpartition("@")
        try:
            value = f"{local}@{domain.encode('idna').decode()}"
        except UnicodeError:
            return None
    return value if _EMAIL.fullmatch(value) and ".." not in value else None


def _phone(value: str) -> str | None:
    if mobile := _MAINLAND_MOBILE.fullmatch(value.translate(_SEPARATORS)):
        return f"+86{mobile[1]}"
    try:
        number = phonenumbers.parse(value, _DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def mask(kind: str, value: str) -> str:
    """What may be shown of a normalised handle: 138****8888, lin.x***@163.com, oAbC…9xYz."""
    if kind == IdentityKind.EMAIL:
        local, _, domain = value.partition("@")
        shown = f"{local[: max(1, min(5, len(local) * 2 // 3))]}***@{domain}"
    elif kind == IdentityKind.PHONE:
        local = value.removeprefix("+86")
        shown = f"{local[:-8]}****{local[-4:]}" if len(local) > 9 else f"****{local[-2:]}"
    else:
        shown = value if len(value) <= 10 else f"{value[:4]}…{value[-4:]}"
    return shown[:80]
