"""Choices of the campaigns room. No imports from models."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ContentState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    ARCHIVED = "archived", _("Archived")


class ContentFormat(models.TextChoices):
    """How the body of a variant is written (campaigns.content renders it)."""

    TEXT = "text", _("Text")
    MARKDOWN = "markdown", "Markdown"
    HTML = "html", "HTML"


class Origin(models.TextChoices):
    """Who asked for a message."""

    CAMPAIGN = "campaign", _("Campaign")
    JOURNEY = "journey", _("Journey")
    SYSTEM = "system", _("System")
    AGENT = "agent", _("Staff member")


class State(models.TextChoices):
    """Where a message is (campaigns.sending.states holds the graph)."""

    QUEUED = "queued", pgettext_lazy("message", "Queued")
    HELD = "held", pgettext_lazy("message", "Held")
    LEASED = "leased", pgettext_lazy("message", "Being prepared")
    ATTEMPTING = "attempting", pgettext_lazy("message", "Being sent")
    SENT = "sent", pgettext_lazy("message", "Sent")
    DELIVERED = "delivered", pgettext_lazy("message", "Delivered")
    BOUNCED = "bounced", pgettext_lazy("message", "Bounced")
    SUPPRESSED = "suppressed", pgettext_lazy("message", "Not sent")
    FAILED = "failed", pgettext_lazy("message", "Failed")
    EXPIRED = "expired", pgettext_lazy("message", "Expired")
    UNKNOWN = "unknown", pgettext_lazy("message", "Unknown")


class Reason(models.TextChoices):
    """Why a message waits, was not sent or failed. Stored on the message and in its events."""

    # waits
    QUIET_HOURS = "quiet_hours", _("Quiet hours")
    CHANNEL_BROKEN = "channel_broken", _("The channel is broken")
    CHANNEL_PAUSED = "channel_paused", _("The channel is paused")
    RETRY = "retry", _("Waiting to try again")
    # never sent
    CONTACT_GONE = "contact_gone", _("The customer no longer exists")
    NOT_APPROVED = "not_approved", _("The content is not approved")
    NO_VARIANT = "no_variant", _("The content has no variant for the channel")
    NO_ACCOUNT = "no_account", _("No account is connected for the channel")
    NO_ADDRESS = "no_address", _("No address on the channel")
    UNREACHABLE = "unreachable", _("No longer reachable at the address")
    SUPPRESSED_ADDRESS = "suppressed_address", _("The address is on the suppression list")
    UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
    NO_CONSENT = "no_consent", _("No consent")
    WINDOW_CLOSED = "window_closed", _("The reply window is closed")
    WINDOW_USED = "window_used", _("The reply window is used up")
    CAPPED = "capped", _("Frequency cap reached")
    LATE = "late", _("Would be late because of quiet hours")
    EXPIRED = "expired", _("Expired before it could be sent")
    CANCELLED = "cancelled", _("Cancelled")
    # failed
    ADDRESS_GONE = "address_gone", _("The platform says the address is gone")
    REJECTED = "rejected", _("Rejected by the platform")
    RENDERING = "rendering", _("The content could not be rendered")
    EXHAUSTED = "exhausted", _("Every try failed")
    UNCERTAIN = "uncertain", _("The platform may or may not have it")
    HARD_BOUNCE = "hard_bounce", _("Bounced for good")
    SOFT_BOUNCE = "soft_bounce", _("Bounced for now")


WAITING = [State.QUEUED, State.HELD]
ACTIVE = [State.QUEUED, State.HELD, State.LEASED, State.ATTEMPTING]
"""Not settled yet: such a row reserves its place in frequency caps and windows."""
WENT_OUT = [State.SENT, State.DELIVERED, State.BOUNCED, State.UNKNOWN]
"""Left us, or may have: counted by caps and windows."""


class SuppressionReason(models.TextChoices):
    """Why an address is never written to. Complaints and opt-outs block marketing only, the others everything."""

    BOUNCED = "bounced", _("Bounced for good")
    GONE = "gone", _("The platform says the address is gone")
    COMPLAINED = "complained", _("Complained")
    OPTED_OUT = "opted_out", _("Opted out")
    MANUAL = "manual", _("Added by hand")


MARKETING_ONLY = [SuppressionReason.COMPLAINED, SuppressionReason.OPTED_OUT]


class BatchState(models.TextChoices):
    ACTIVE = "active", pgettext_lazy("coupon batch", "Active")
    PAUSED = "paused", pgettext_lazy("coupon batch", "Paused")
    ENDED = "ended", pgettext_lazy("coupon batch", "Ended")


class CouponState(models.TextChoices):
    ISSUED = "issued", pgettext_lazy("coupon", "Issued")
    REDEEMED = "redeemed", pgettext_lazy("coupon", "Redeemed")
    EXPIRED = "expired", pgettext_lazy("coupon", "Expired")


class OptInState(models.TextChoices):
    PENDING = "pending", _("Waiting for confirmation")
    CONFIRMED = "confirmed", _("Confirmed")
