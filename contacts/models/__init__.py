from contacts.models.consent import Consent
from contacts.models.contact import Contact
from contacts.models.event import ConsumerCursor, Event, EventKey, PoisonEvent
from contacts.models.identity import Identity, Merge
from contacts.models.lead import AssignRule, Lead, LeadAct, ScoreRule
from contacts.models.order import Order, Refund
from contacts.models.product import Product
from contacts.models.segment import Segment, SegmentMember
from contacts.models.stage import StageChange, StageRule
from contacts.models.tag import Tag, TagCount, Tagging

__all__ = [
    "AssignRule",
    "Consent",
    "ConsumerCursor",
    "Contact",
    "Event",
    "EventKey",
    "Identity",
    "Lead",
    "LeadAct",
    "Merge",
    "Order",
    "PoisonEvent",
    "ScoreRule",
    "Product",
    "Refund",
    "Segment",
    "SegmentMember",
    "StageChange",
    "StageRule",
    "Tag",
    "TagCount",
    "Tagging",
]
