"""What sales and their managers do with leads, and the rules behind them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from contacts import leads as room
from contacts.actions.profile import StaleVersion
from contacts.enums import LeadActKind, LeadState
from contacts.intake import append_own
from contacts.leads.opening import alert_assigned, assigned_event, closed_event, take_contacts
from contacts.models import AssignRule, Contact, Lead, LeadAct, ScoreRule
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock


@transaction.atomic
def open_lead(*, contact: Contact, owner: User | None, by: User) -> Lead:
    """Make a lead of a contact by hand; the one that is open already is answered."""
    lead, told = room.open_by_hand(contact, clock.now(), by, owner)
    if told:
        audit.record(by, "lead.created", lead, contact=contact.pk)
        append_own(told)
    return lead


@transaction.atomic
def note_lead(*, lead_id: int, kind: str, text: str, by: User) -> LeadAct:
    """A note, call or visit; the first one starts the work on a new lead."""
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    now = clock.now()
    act = LeadAct.objects.create(lead=lead, kind=kind, by=by, text=text, at=now)
    if lead.first_act_at is None:
        lead.first_act_at = now
    if lead.state == LeadState.NEW:
        lead.state = LeadState.WORKING
    lead.save(update_fields=["first_act_at", "state"])
    audit.record(by, "lead.noted", lead, kind=kind)
    return act


@transaction.atomic
def plan_follow_up(*, lead_id: int, at: datetime | None, by: User) -> Lead:
    """The next date (business time), or none."""
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    lead.follow_up_at, lead.reminded_at = at, None
    lead.save(update_fields=["follow_up_at", "reminded_at"])
    details = {"at": at.isoformat() if at else ""}
    LeadAct.objects.create(lead=lead, kind=LeadActKind.PLANNED, by=by, details=details, at=clock.now())
    audit.record(by, "lead.planned", lead, **details)
    return lead


@transaction.atomic
def assign_lead(*, lead_id: int, owner: User | None, by: User) -> Lead:
    """Hand over. A contact that was the former owner's follows its lead; one that has another owner stays."""
    lead = Lead.objects.select_for_update(of=("self",)).select_related("contact").get(pk=lead_id)
    before = lead.owner_id
    if before == (owner.pk if owner else None):
        return lead
    now = clock.now()
    lead.owner, lead.team_id = owner, owner.team_id if owner else lead.team_id
    lead.assigned_at, lead.version = now if owner else None, lead.version + 1
    lead.save(update_fields=["owner", "team", "assigned_at", "version"])
    LeadAct.objects.create(
        lead=lead, kind=LeadActKind.ASSIGNED, by=by, details={"from": before, "to": lead.owner_id}, at=now
    )
    if owner:
        if before:
            Contact.objects.filter(pk=lead.contact_id, owner_id=before).update(owner=None, team=None)
        take_contacts([lead])
        if owner != by:
            alert_assigned(lead, lead.contact.display_name, owner)
    audit.record(by, "lead.assigned", lead, before=before, after=lead.owner_id)
    append_own([assigned_event(lead, owner, now)] if owner else [])
    return lead


@transaction.atomic
def close_lead(*, lead_id: int, won: bool, reason: str, version: int, by: User) -> Lead:
    """Won or lost as read at ``version``. Raises StaleVersion when somebody changed it since; a closed one stays closed."""
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if lead.version != version:
        raise StaleVersion
    if not lead.is_open:
        return lead
    now = clock.now()
    lead.state = LeadState.WON if won else LeadState.LOST
    lead.closed_at, lead.lost_reason, lead.version = now, "" if won else reason, version + 1
    lead.save(update_fields=["state", "closed_at", "lost_reason", "version"])
    LeadAct.objects.create(lead=lead, kind=LeadActKind.STATE, by=by, text=reason, details={"to": lead.state}, at=now)
    audit.record(by, "lead.closed", lead, outcome=lead.state)
    append_own([closed_event(lead, now)])
    return lead


@transaction.atomic
def save_score_rule(
    *, rule_id: int | None, name: str, points: int, rule: dict[str, Any], active: bool, by: User
) -> ScoreRule:
    """The rule must have been validated."""
    row = ScoreRule.objects.select_for_update().get(pk=rule_id) if rule_id else ScoreRule()
    row.name, row.points, row.rule, row.active = name, points, rule, active
    row.save()
    audit.record(
        by, "score_rule.updated" if rule_id else "score_rule.created", row, rule=rule, points=points, active=active
    )
    return row


@transaction.atomic
def delete_score_rule(*, rule_id: int, by: User) -> None:
    row = ScoreRule.objects.select_for_update().get(pk=rule_id)
    audit.record(by, "score_rule.deleted", row, name=row.name)
    row.delete()


@transaction.atomic
def save_assign_rule(
    *, rule_id: int | None, name: str, team: Any, most_open: int, rule: dict[str, Any], active: bool, by: User
) -> AssignRule:
    if rule_id:
        row = AssignRule.objects.select_for_update().get(pk=rule_id)
    else:
        row = AssignRule(position=(AssignRule.objects.aggregate(last=Max("position"))["last"] or 0) + 1)
    row.name, row.team, row.most_open, row.rule, row.active = name, team, most_open, rule, active
    row.save()
    audit.record(by, "assign_rule.updated" if rule_id else "assign_rule.created", row, rule=rule, active=active)
    return row


@transaction.atomic
def delete_assign_rule(*, rule_id: int, by: User) -> None:
    row = AssignRule.objects.select_for_update().get(pk=rule_id)
    audit.record(by, "assign_rule.deleted", row, name=row.name)
    row.delete()
