"""Events as sentences for people. ``describe`` never fails: an unknown kind or odd properties give a plain line."""

import logging
from typing import Any

from contacts.enums import EventKind
from contacts.lines import acts, dealings, ours
from contacts.lines.line import Line, Note, Properties, mask, masked

__all__ = ["GROUPS", "Line", "Note", "describe", "group_of", "kinds_in", "mask"]

log = logging.getLogger(__name__)

RENDERERS = {**acts.RENDERERS, **dealings.RENDERERS, **ours.RENDERERS}
"""Event kind -> function from the event's properties to a Line."""

RAW_REPORT = "delivery_report"
"""A platform's report on a message of ours: the timeline tells its effect (delivered, failed), not the report."""


def describe(kind: str, properties: Any, *, show_points: bool) -> Line:
    """The line of one event in the active language. ``show_points`` False stars out addresses and phone numbers."""
    safe: Properties = properties if isinstance(properties, dict) else {}
    renderer = RENDERERS.get(kind)
    try:
        line = renderer(safe) if renderer else acts.custom(kind, safe)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        # Properties come from outside: one odd event must not take the page down.
        log.warning("timeline line of %s: %s", kind, error)
        line = acts.custom(kind, {})
    return line if show_points else masked(line)


GROUPS: dict[str, frozenset[str]] = {
    "conversation": frozenset(
        {
            *("message_in", "auto_replied", "menu_clicked", "followed", "unfollowed", "scanned"),
            *("commented", "mentioned", "liked", "reposted"),
            *("ticket_opened", "ticket_solved", "ticket_reopened", "ticket_closed", "satisfaction_rated"),
        }
    ),
    "browsing": frozenset({"page_viewed", "product_viewed", "form_submitted", "location_shared"}),
    "orders": frozenset(
        {
            *(kind for kind in EventKind.values if kind.startswith("order_")),
            "cart_updated",
            "coupon_issued",
            "coupon_redeemed",
        }
    ),
    "reach": frozenset(kind for kind in EventKind.values if kind.startswith("message_")) - {"message_in"},
    "changes": frozenset(
        {
            *("stage_changed", "tag_added", "tag_removed", "contact_merged", "contact_unmerged"),
            *("consent_granted", "consent_withdrawn", "lead_opened", "lead_assigned", "lead_closed"),
            *("segment_entered", "segment_left", "journey_entered", "journey_exited", "identified", "email_confirmed"),
        }
    ),
}
"""Filter of the timeline -> kinds. Custom kinds (``track:Name``) belong to browsing."""


def group_of(kind: str) -> str:
    return next((group for group, kinds in GROUPS.items() if kind in kinds), "browsing")


def kinds_in(group: str) -> frozenset[str]:
    return GROUPS[group]
