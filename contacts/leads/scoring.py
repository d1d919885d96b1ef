"""Scores: the sum of the points of every rule that a person meets now. The rules that fit are the reasons."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils.translation import gettext_noop

from contacts import segments
from contacts.enums import EventKind
from contacts.models import ScoreRule

Reasons = list[dict[str, Any]]


def _event(kind: str, value: int, days: int, measure: str = "count", **more: Any) -> dict[str, Any]:
    return {"kind": "event", "event": kind, "measure": measure, "op": "gte", "value": value, "days": days, **more}


def _page(text: str) -> dict[str, Any]:
    return _event(EventKind.PAGE_VIEWED.value, 3, 7, where=[{"property": "url", "op": "contains", "value": text}])


DEFAULTS: list[tuple[str, int, dict[str, Any]]] = [
    (gettext_noop("Looked at prices three times within a week"), 50, {"any": [_page("/price"), _page("/pricing")]}),
    (
        gettext_noop("Looked at products on three days within a fortnight"),
        20,
        _event(EventKind.PRODUCT_VIEWED.value, 3, 14, "days"),
    ),
    (gettext_noop("Filled in a form within a month"), 20, _event(EventKind.FORM_SUBMITTED.value, 1, 30)),
    (gettext_noop("Wrote to us within a week"), 15, _event(EventKind.MESSAGE_IN.value, 1, 7)),
    (gettext_noop("Opened a link of ours within a week"), 10, _event(EventKind.MESSAGE_CLICKED.value, 1, 7)),
    (
        gettext_noop("Confirmed an e-mail address"),
        10,
        {"kind": "identity", "identity": "email", "state": "verified"},
    ),
]


def seed(model: Any = ScoreRule) -> None:
    """The default rules, unless there are rules already. ``model`` is a migration's own."""
    if not model.objects.exists():
        model.objects.bulk_create([model(name=name, points=points, rule=rule) for name, points, rule in DEFAULTS])


def score(contact_ids: Iterable[int], now: datetime) -> dict[int, Reasons]:
    """Contact -> the rules it meets, most points first. One statement per active rule."""
    wanted = set(contact_ids)
    found: dict[int, Reasons] = {pk: [] for pk in wanted}
    for rule in ScoreRule.objects.filter(active=True):
        for pk in _matching(rule, wanted, now):
            found[pk].append({"rule": rule.pk, "name": rule.name, "points": rule.points})
    return found


def total(reasons: Reasons) -> int:
    return max(0, sum(reason["points"] for reason in reasons))


def _matching(rule: ScoreRule, contact_ids: set[int], now: datetime) -> set[int]:
    """A rule that cannot be evaluated (it names something deleted) gives no points."""
    try:
        with transaction.atomic():
            return segments.matching(rule.rule, contact_ids, now)
    except (segments.BrokenRule, KeyError, TypeError, DatabaseError):
        if segments.validate(rule.rule):
            return set()
        raise
