"""Every change to this room's data that a person or another room asks for: keyword-only, atomic, audited."""

from contacts.actions.dictionary import TagInUse, delete_tag, save_tag
from contacts.actions.leads import (
    assign_lead,
    close_lead,
    delete_assign_rule,
    delete_score_rule,
    note_lead,
    open_lead,
    plan_follow_up,
    save_assign_rule,
    save_score_rule,
)
from contacts.actions.marking import add_tag, change_stage, remove_tag, set_consent
from contacts.actions.orders import recount_orders
from contacts.actions.profile import StaleVersion, assign_owner, edit_contact
from contacts.actions.segments import SegmentInUse, copy_segment, delete_segment, freeze_segment, save_segment
from contacts.actions.stage_rules import delete_stage_rule, move_stage_rule, save_stage_rule, switch_stage_rule

__all__ = [
    "SegmentInUse",
    "StaleVersion",
    "add_tag",
    "TagInUse",
    "assign_lead",
    "assign_owner",
    "close_lead",
    "delete_assign_rule",
    "delete_score_rule",
    "note_lead",
    "open_lead",
    "plan_follow_up",
    "save_assign_rule",
    "save_score_rule",
    "change_stage",
    "copy_segment",
    "delete_segment",
    "delete_stage_rule",
    "delete_tag",
    "edit_contact",
    "freeze_segment",
    "move_stage_rule",
    "recount_orders",
    "remove_tag",
    "save_segment",
    "save_stage_rule",
    "save_tag",
    "set_consent",
    "switch_stage_rule",
]
