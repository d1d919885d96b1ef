"""Choices of the contacts room. No imports from models."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ChannelKind(models.TextChoices):
    OA = "oa", _("Official Account")
    WECOM = "wecom", _("WeCom")
    MP = "mp", _("Mini program")
    WEIBO = "weibo", _("Weibo")
    DOUYIN = "douyin", _("Douyin")
    XHS = "xhs", _("Xiaohongshu")
    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")
    CALL = "call", _("Phone")
    WEB = "web", _("Web site")
    SHOP = "shop", _("Shop")
    SYS = "sys", _("System")


class IdentityKind(models.TextChoices):
    """One handle of a person on one channel. The ``scope`` of an identity is the channel account id for kinds that are only
    unique within one account, else 0."""

    OPENID = "openid", _("WeChat openid")
    UNIONID = "unionid", _("WeChat unionid")
    WEIBO_UID = "weibo_uid", _("Weibo user")
    EXTERNAL_USERID = "external_userid", _("WeCom external user")
    PHONE = "phone", _("Phone")
    EMAIL = "email", _("E-mail")
    ANONYMOUS = "anonymous", _("Browser")
    USER_ID = "user_id", _("User id")
    MEMBER = "member", _("Member number")
    CUSTOMER = "customer", _("Customer number of an order system")


class Trust(models.IntegerChoices):
    """How sure we are that the identity belongs to the person (architecture: identity trust)."""

    OBSERVED = 0, _("Observed")  # browser: cookie, forwarded link
    CLAIMED = 1, _("Claimed")  # typed in a form
    VERIFIED = 2, _("Verified")  # platform callback, server key, confirmed link, one-time code, staff


class Stage(models.TextChoices):
    """Lifecycle stages (glossary)."""

    PUBLIC = "public", _("Public")
    PROSPECT = "prospect", _("Prospect")
    LEAD = "lead", _("Lead")
    NEW = "new", _("New customer")
    REPEAT = "repeat", _("Repeat customer")
    LOYAL = "loyal", _("Loyal")
    AT_RISK = "at_risk", _("At risk")
    LOST = "lost", _("Lost")
    WON_BACK = "won_back", _("Won back")


class EventKind(models.TextChoices):
    """Kinds the product itself knows. Track calls under other names are stored as ``track:Name``."""

    FOLLOWED = "followed", _("Followed")
    UNFOLLOWED = "unfollowed", _("Unfollowed")
    SCANNED = "scanned", _("Scanned a code")
    MESSAGE_IN = "message_in", _("Wrote to us")
    AUTO_REPLIED = "auto_replied", _("Automatic reply")
    MENU_CLICKED = "menu_clicked", _("Clicked a menu item")
    LOCATION_SHARED = "location_shared", _("Shared a location")
    COMMENTED = "commented", _("Commented")
    MENTIONED = "mentioned", _("Mentioned us")
    LIKED = "liked", _("Liked a post")
    REPOSTED = "reposted", _("Reposted")
    PAGE_VIEWED = "page_viewed", _("Viewed a page")
    PRODUCT_VIEWED = "product_viewed", _("Viewed a product")
    FORM_SUBMITTED = "form_submitted", _("Submitted a form")
    IDENTIFIED = "identified", _("Identified")
    EMAIL_CONFIRMED = "email_confirmed", _("Confirmed the e-mail address")
    CART_UPDATED = "cart_updated", _("Changed the cart")
    ORDER_PLACED = "order_placed", _("Placed an order")
    ORDER_PAID = "order_paid", _("Paid an order")
    ORDER_REFUNDED = "order_refunded", _("Order refunded")
    ORDER_SHIPPED = "order_shipped", _("Order shipped")
    ORDER_DELIVERED = "order_delivered", _("Order delivered")
    ORDER_INVOICED = "order_invoiced", _("Order invoiced")
    ORDER_CANCELLED = "order_cancelled", _("Order cancelled")
    STAGE_CHANGED = "stage_changed", _("Stage changed")
    TAG_ADDED = "tag_added", _("Tag added")
    TAG_REMOVED = "tag_removed", _("Tag removed")
    CONTACT_MERGED = "contact_merged", _("Merged with another contact")
    CONTACT_UNMERGED = "contact_unmerged", _("Separated from another contact")
    CONSENT_GRANTED = "consent_granted", _("Consent given")
    CONSENT_WITHDRAWN = "consent_withdrawn", _("Consent withdrawn")
    SEGMENT_ENTERED = "segment_entered", _("Entered a segment")
    SEGMENT_LEFT = "segment_left", _("Left a segment")
    MESSAGE_SENT = "message_sent", _("Message sent")
    MESSAGE_HELD = "message_held", _("Message held")
    MESSAGE_SUPPRESSED = "message_suppressed", _("Message not sent")
    MESSAGE_FAILED = "message_failed", _("Message failed")
    MESSAGE_DELIVERED = "message_delivered", _("Message delivered")
    MESSAGE_BOUNCED = "message_bounced", _("Message bounced")
    MESSAGE_OPENED = "message_opened", _("Opened a message")
    MESSAGE_CLICKED = "message_clicked", _("Opened a link")
    COUPON_ISSUED = "coupon_issued", _("Coupon issued")
    COUPON_REDEEMED = "coupon_redeemed", _("Coupon redeemed")
    TICKET_OPENED = "ticket_opened", _("Ticket opened")
    TICKET_SOLVED = "ticket_solved", _("Ticket solved")
    TICKET_REOPENED = "ticket_reopened", _("Ticket reopened")
    TICKET_CLOSED = "ticket_closed", _("Ticket closed")
    SATISFACTION_RATED = "satisfaction_rated", _("Rated our service")
    LEAD_OPENED = "lead_opened", _("Became a lead")
    LEAD_ASSIGNED = "lead_assigned", _("Lead assigned")
    LEAD_CLOSED = "lead_closed", _("Lead closed")
    JOURNEY_ENTERED = "journey_entered", _("Entered a journey")
    JOURNEY_EXITED = "journey_exited", _("Left a journey")


TRACKED = {"track:Page Left": _("Left a page"), "track:Group": _("Joined a group")}
"""Names that our own tracker and the Segment API bring in, in the reader's language."""


def kind_label(kind: str) -> Any:
    """A kind of event in words: the product's own, else the name that a site gave its event."""
    if kind in EventKind.values:
        return EventKind(kind).label
    return TRACKED.get(kind) or kind.removeprefix("track:")


class Purpose(models.TextChoices):
    """Why we write to somebody; consent, quiet hours and caps depend on it."""

    MARKETING = "marketing", _("Marketing")
    TRANSACTIONAL = "transactional", _("Transactional")
    SERVICE = "service", _("Service")


class ConsentState(models.TextChoices):
    GRANTED = "granted", _("Given")
    PENDING = "pending", _("Waiting for confirmation")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class TagSource(models.TextChoices):
    MANUAL = "manual", _("By hand")
    RULE = "rule", _("By rule")
    JOURNEY = "journey", _("By a journey")
    IMPORT = "import", _("By an import")
    PLATFORM = "platform", _("By the platform")


class OrderState(models.TextChoices):
    """What became of the money; how far the parcel is, is told by the order's times."""

    INCOMPLETE = "incomplete", pgettext_lazy("order", "Incomplete")
    PLACED = "placed", pgettext_lazy("order", "Not paid yet")
    PAID = "paid", _("Paid")
    PART_REFUNDED = "part_refunded", _("Partly refunded")
    REFUNDED = "refunded", _("Refunded")
    CANCELLED = "cancelled", pgettext_lazy("order", "Cancelled")


class OrderProblem(models.TextChoices):
    """Why an order needs a look, or does not count."""

    INCOMPLETE = "incomplete", _("The order itself has not arrived")
    CURRENCY = "currency", _("Another currency than the company’s")
    NEGATIVE_TOTAL = "negative_total", _("Negative total")
    NEGATIVE_REFUND = "negative_refund", _("Negative refund")
    OVER_REFUNDED = "over_refunded", _("More refunded than paid")
    REFUND_UNPAID = "refund_unpaid", _("Refunded, but not paid")
    CANCELLED_UNREFUNDED = "cancelled_unrefunded", _("Cancelled, but not refunded")
    UNKNOWN_PRODUCT = "unknown_product", _("Product not in the catalogue")
    COUPON = "coupon", _("Coupon not accepted")


class CouponProblem(models.TextChoices):
    """Why a code that came with an order was not accepted (campaigns says so)."""

    UNKNOWN = "unknown", pgettext_lazy("coupon", "Unknown code")
    FOREIGN = "foreign", pgettext_lazy("coupon", "Given to another customer")
    EXPIRED = "expired", pgettext_lazy("coupon", "Expired before the payment")
    USED = "used", pgettext_lazy("coupon", "Used for another order")


class MergeState(models.TextChoices):
    DONE = "done", _("Merged")
    UNDONE = "undone", _("Undone")
    PROPOSED = "proposed", _("To review")
    REJECTED = "rejected", _("Not the same person")


class LeadState(models.TextChoices):
    NEW = "new", pgettext_lazy("lead", "New")
    WORKING = "working", pgettext_lazy("lead", "In progress")
    WON = "won", pgettext_lazy("lead", "Won")
    LOST = "lost", pgettext_lazy("lead", "Lost")


OPEN_LEADS = [LeadState.NEW, LeadState.WORKING]


class LeadActKind(models.TextChoices):
    """What was done about a lead."""

    OPENED = "opened", pgettext_lazy("lead", "Opened")
    ASSIGNED = "assigned", pgettext_lazy("lead", "Assigned")
    NOTE = "note", pgettext_lazy("lead", "Note")
    CALL = "call", pgettext_lazy("lead", "Call")
    VISIT = "visit", pgettext_lazy("lead", "Visit")
    PLANNED = "planned", pgettext_lazy("lead", "Follow-up planned")
    STATE = "state", pgettext_lazy("lead", "State")
