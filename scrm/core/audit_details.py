"""Values of audit entries in words."""

import json
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scrm.core import formats
from scrm.core.looks import CHANNELS

LONGEST = 200


def said(value: Any, name: str = "") -> str:
    """At most 200 characters. ``name`` is the detail's: it tells a pair of channels from an old and a new value."""
    if name == "channels" and isinstance(value, list):
        return " · ".join(str(CHANNELS[one][1]) if one in CHANNELS else str(one) for one in value) or formats.MISSING
    if isinstance(value, list) and len(value) == 2:
        return f"{said(value[0])} → {said(value[1])}"
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ", ".join(map(str, value))[:LONGEST] or formats.MISSING
    if isinstance(value, dict) and name == "rule":
        number = _conditions(value)
        return ngettext("%(n)s condition", "%(n)s conditions", number) % {"n": number}
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)[:LONGEST]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str) and name.endswith("_at"):
        try:
            return timezone.localtime(datetime.fromisoformat(value)).strftime("%Y-%m-%d %H:%M")
        except ValueError:
            return value[:LONGEST]
    if name == "reason" and isinstance(value, str) and value:
        return _(value)[:LONGEST]  # Reasons of the system are sentences of a catalogue, those of people are not.
    return formats.MISSING if value in (None, "") else str(value)[:LONGEST]


def _conditions(rule: Any) -> int:
    """Leaves of a nested rule."""
    if isinstance(rule, list):
        return sum(map(_conditions, rule))
    if not isinstance(rule, dict):
        return 0
    for group in ("all", "any", "not"):
        if group in rule:
            return _conditions(rule[group])
    return 1 if rule else 0
