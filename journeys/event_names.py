"""Which events a journey may start from, wait for or count as its goal, and what they are called on a page."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.enums import EventKind, kind_label

STARTING = [
    EventKind.FOLLOWED,
    EventKind.SCANNED,
    EventKind.MESSAGE_IN,
    EventKind.MENU_CLICKED,
    EventKind.LOCATION_SHARED,
    EventKind.PAGE_VIEWED,
    EventKind.PRODUCT_VIEWED,
    EventKind.FORM_SUBMITTED,
    EventKind.EMAIL_CONFIRMED,
    EventKind.CONSENT_GRANTED,
    EventKind.COMMENTED,
    EventKind.CART_UPDATED,
    EventKind.ORDER_PLACED,
    EventKind.ORDER_PAID,
    EventKind.ORDER_SHIPPED,
    EventKind.ORDER_DELIVERED,
    EventKind.ORDER_INVOICED,
    EventKind.ORDER_CANCELLED,
    EventKind.ORDER_REFUNDED,
    EventKind.TICKET_SOLVED,
    EventKind.SATISFACTION_RATED,
    EventKind.LEAD_OPENED,
    EventKind.TAG_ADDED,
    EventKind.TAG_REMOVED,
    EventKind.COUPON_ISSUED,
    EventKind.COUPON_REDEEMED,
    EventKind.MESSAGE_CLICKED,
]
WAITABLE = [
    *STARTING,
    EventKind.MESSAGE_OPENED,
    EventKind.STAGE_CHANGED,
    EventKind.SEGMENT_ENTERED,
]
LEAVING = [*WAITABLE, EventKind.UNFOLLOWED, EventKind.CONSENT_WITHDRAWN, EventKind.SEGMENT_LEFT]
TRACK = "track:"
"""Prefix of the names that a site gives its own events."""


def event_label(kind: str) -> str | Promise:
    return kind_label(kind)


def event_choices(kinds: Iterable[EventKind], *present: Any) -> list[tuple[str, Any]]:
    """Choices of a select; values that are in use and not in the list (own track events) are kept."""
    choices = [("", _("Choose …")), *((kind.value, kind.label) for kind in kinds)]
    known = {value for value, _label in choices}
    for value in present:
        if value and value not in known:
            choices.append((value, event_label(value)))
            known.add(value)
    return choices
