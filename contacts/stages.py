"""Moving people through the lifecycle by rules. The rules are rows, made here once and edited in the browser."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils.translation import gettext_noop

from contacts import marking, segments
from contacts.enums import EventKind, IdentityKind, Stage
from contacts.log.incoming import Incoming
from contacts.models import Contact, StageRule

_PASSES = len(Stage)


def _reachable(kind: IdentityKind) -> dict[str, Any]:
    return {"kind": "identity", "identity": kind.value, "state": "reachable"}


_ORDERS = {"kind": "order", "measure": "count", "op": "gte"}
_SINCE_ORDER = {"kind": "order", "measure": "last_days_ago", "op": "gte"}
_CAN_REACH = {
    "any": [
        _reachable(IdentityKind.OPENID),
        _reachable(IdentityKind.EXTERNAL_USERID),
        {"kind": "identity", "identity": IdentityKind.EMAIL.value, "state": "verified"},
        {"kind": "identity", "identity": IdentityKind.PHONE.value, "state": "verified"},
    ]
}
_INTEREST = {
    "any": [
        {
            "kind": "event",
            "event": EventKind.FORM_SUBMITTED.value,
            "measure": "count",
            "op": "gte",
            "value": 1,
            "days": 30,
        },
        {
            "kind": "event",
            "event": EventKind.PRODUCT_VIEWED.value,
            "measure": "days",
            "op": "gte",
            "value": 3,
            "days": 14,
        },
    ]
}
_BUYERS = [Stage.NEW, Stage.REPEAT, Stage.LOYAL, Stage.WON_BACK]

DEFAULTS: list[tuple[str, list[Stage], Stage, dict[str, Any]]] = [
    (
        gettext_noop("Bought again after a long pause"),
        [Stage.AT_RISK, Stage.LOST],
        Stage.WON_BACK,
        {**_ORDERS, "value": 1, "days": 30},
    ),
    (gettext_noop("Fifth order"), [Stage.NEW, Stage.REPEAT], Stage.LOYAL, {**_ORDERS, "value": 5}),
    (
        gettext_noop("Second order"),
        [Stage.PUBLIC, Stage.PROSPECT, Stage.LEAD, Stage.NEW],
        Stage.REPEAT,
        {**_ORDERS, "value": 2},
    ),
    (gettext_noop("First order"), [Stage.PUBLIC, Stage.PROSPECT, Stage.LEAD], Stage.NEW, {**_ORDERS, "value": 1}),
    (gettext_noop("Showed interest"), [Stage.PUBLIC, Stage.PROSPECT], Stage.LEAD, {"all": [_CAN_REACH, _INTEREST]}),
    (gettext_noop("Can be reached"), [Stage.PUBLIC], Stage.PROSPECT, _CAN_REACH),
    (gettext_noop("Cannot be reached any more"), [Stage.PROSPECT], Stage.PUBLIC, {"not": _CAN_REACH}),
    (gettext_noop("No order for a year"), [*_BUYERS, Stage.AT_RISK], Stage.LOST, {**_SINCE_ORDER, "value": 365}),
    (gettext_noop("No order for half a year"), _BUYERS, Stage.AT_RISK, {**_SINCE_ORDER, "value": 180}),
]
"""Name, from, to, rule; first match by position."""


def seed(model: Any = StageRule) -> None:
    """The default rules, unless there are rules already. ``model`` is a migration's own."""
    if model.objects.exists():
        return
    model.objects.bulk_create(
        [
            model(name=name, position=10 * number, from_stages=[s.value for s in stages], to_stage=to.value, rule=rule)
            for number, (name, stages, to, rule) in enumerate(DEFAULTS, start=1)
        ]
    )


def apply_rules(contact_ids: Iterable[int], now: datetime, *, timed_only: bool = False) -> list[Incoming]:
    """Move contacts by the active rules; answers the events to append last. One statement per rule and pass: the first rule
    that matches moves a person, and moves go on until nobody moves, each person into a stage at most once."""
    rules = [rule for rule in StageRule.objects.filter(active=True) if rule.from_stages]
    if timed_only:
        rules = [rule for rule in rules if segments.is_timed(rule.rule)]
    stage_of = dict(Contact.objects.living().filter(pk__in=set(contact_ids)).values_list("pk", "stage"))
    been = {pk: {stage} for pk, stage in stage_of.items()}
    events: list[Incoming] = []
    for _pass in range(_PASSES):
        moves: dict[int, StageRule] = {}
        for rule in rules:
            standing = {
                pk
                for pk, stage in stage_of.items()
                if pk not in moves and stage in rule.from_stages and rule.to_stage not in been[pk]
            }
            moves.update(dict.fromkeys(_matching(rule, standing, now), rule))
        if not moves:
            return events
        events += marking.set_stages(
            {pk: (rule.to_stage, rule.name) for pk, rule in moves.items()},
            now,
            {pk: {"rule": rule.pk} for pk, rule in moves.items()},
        )
        stage_of = {pk: rule.to_stage for pk, rule in moves.items()}
        for pk, stage in stage_of.items():
            been[pk].add(stage)
    return events


def _matching(rule: StageRule, contact_ids: set[int], now: datetime) -> set[int]:
    """A rule that cannot be evaluated (it names something deleted) moves nobody."""
    if not contact_ids:
        return set()
    try:
        with transaction.atomic():
            return segments.matching(rule.rule, contact_ids, now)
    except (segments.BrokenRule, KeyError, TypeError, DatabaseError):
        if segments.validate(rule.rule):
            return set()
        raise
