"""Durations as a definition writes them: {"amount": 30, "unit": "minutes"}."""

from datetime import timedelta
from typing import Any

from django.utils.functional import Promise, lazy
from django.utils.translation import ngettext

from journeys.enums import Unit

LONGEST = timedelta(days=731)


def duration(config: dict[str, Any]) -> timedelta:
    """Length of the wait; days are 24 hours. Zero when nothing is chosen yet."""
    return timedelta(**{config.get("unit") or Unit.MINUTES.value: config.get("amount") or 0})


def _text(amount: int | None, unit: str) -> str:
    if not amount:
        return "—"
    texts = {
        "minutes": ngettext("%(n)s minute", "%(n)s minutes", amount),
        "hours": ngettext("%(n)s hour", "%(n)s hours", amount),
        "days": ngettext("%(n)s day", "%(n)s days", amount),
        "weeks": ngettext("%(n)s week", "%(n)s weeks", amount),
    }
    return texts.get(unit, texts["minutes"]) % {"n": amount}


def duration_text(config: dict[str, Any]) -> Promise:
    return lazy(_text, str)(config.get("amount"), config.get("unit") or Unit.MINUTES.value)
