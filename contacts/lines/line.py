"""What one event looks like on a timeline: plain data, no HTML, so that templates escape everything."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Note:
    """A small remark under a line; ``tone`` is a ``t-`` class without its prefix, empty for plain grey."""

    text: str
    icon: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Line:
    title: str
    """Bold: what happened, as a verb."""
    subject: str = ""
    """Ink after the title: to what."""
    body: str = ""
    """Quoted block: the person's or our own words."""
    amount: Decimal | None = None
    """Money shown at the right of the body, company currency."""
    notes: tuple[Note, ...] = field(default=())
    icon: str = ""
    """Tabler icon without ``ti-``; empty: the icon of the event's channel."""
    tone: str = ""
    """``t-`` class without its prefix for the tile; empty: the channel's colour."""


Renderer = Callable[[Properties], Line]

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")


def text_of(properties: Properties, *names: str) -> str:
    """The first of the named properties that holds something printable, cut to 500 characters; else an empty string."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, dict | list | bool) or value in (None, ""):
            continue
        return str(value)[:500]
    return ""


def money_of(properties: Properties, *names: str) -> Decimal | None:
    for name in names:
        try:
            amount = Decimal(str(properties[name]))
        except (KeyError, InvalidOperation):
            continue
        if amount.is_finite():
            return amount
    return None


def mask(text: str) -> str:
    """The text with e-mail addresses and mobile numbers starred out, for readers who may not see contact points."""
    return _PHONE.sub(lambda m: m[0][:3] + "****" + m[0][-4:], _EMAIL.sub(_mask_email, text))


def masked(line: Line) -> Line:
    """The line with contact points starred out wherever a person may have typed one."""
    notes = tuple(replace(note, text=mask(str(note.text))) for note in line.notes)
    return replace(line, subject=mask(str(line.subject)), body=mask(str(line.body)), notes=notes)


def _mask_email(found: re.Match[str]) -> str:
    name, _at, host = found[0].partition("@")
    return f"{name[:1]}***@{host}"
