"""The ordered list of stage rules."""

from typing import Any

from django.db import transaction
from django.db.models import Max

from contacts.models import StageRule
from scrm.core import audit
from scrm.core.models import User


@transaction.atomic
def save_stage_rule(
    *,
    rule_id: int | None,
    name: str,
    from_stages: list[str],
    to_stage: str,
    rule: dict[str, Any],
    active: bool,
    by: User,
) -> StageRule:
    """Make a rule at the end of the list, or change one in its place. The rule must have been validated."""
    stage_rule = StageRule.objects.select_for_update().get(pk=rule_id) if rule_id else StageRule(position=_last() + 1)
    stage_rule.name, stage_rule.from_stages, stage_rule.to_stage = name, from_stages, to_stage
    stage_rule.rule, stage_rule.active = rule, active
    stage_rule.save()
    audit.record(by, "stage_rule.updated" if rule_id else "stage_rule.created", stage_rule, rule=rule, active=active)
    return stage_rule


@transaction.atomic
def move_stage_rule(*, rule_id: int, up: bool, by: User) -> None:
    """One place up or down; at the end of the list nothing happens. Renumbers all rules (they are few)."""
    rules = list(StageRule.objects.select_for_update().order_by("position", "id"))
    at = next((n for n, rule in enumerate(rules) if rule.pk == rule_id), None)
    to = None if at is None else at - 1 if up else at + 1
    if to is None or not 0 <= to < len(rules):
        return
    rules.insert(to, rules.pop(at))
    for position, rule in enumerate(rules):
        rule.position = position
    StageRule.objects.bulk_update(rules, ["position"])
    audit.record(by, "stage_rule.updated", rules[to], position=to)


@transaction.atomic
def switch_stage_rule(*, rule_id: int, active: bool, by: User) -> StageRule:
    rule = StageRule.objects.select_for_update().get(pk=rule_id)
    if rule.active != active:
        rule.active = active
        rule.save(update_fields=["active"])
        audit.record(by, "stage_rule.updated", rule, active=active)
    return rule


@transaction.atomic
def delete_stage_rule(*, rule_id: int, by: User) -> None:
    rule = StageRule.objects.select_for_update().get(pk=rule_id)
    audit.record(by, "stage_rule.deleted", rule, name=rule.name)
    rule.delete()


def _last() -> int:
    return StageRule.objects.aggregate(last=Max("position"))["last"] or 0
