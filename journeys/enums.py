"""Choices of the journeys room. No imports from models."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class JourneyState(TextChoices):
    DRAFT = "draft", pgettext_lazy("journey", "Draft")
    LIVE = "live", pgettext_lazy("journey", "Live")
    PAUSED = "paused", pgettext_lazy("journey", "Paused")
    ENDED = "ended", pgettext_lazy("journey", "Ended")


class VersionState(TextChoices):
    DRAFT = "draft", pgettext_lazy("version", "Draft")
    PUBLISHED = "published", pgettext_lazy("version", "Published")
    RETIRED = "retired", pgettext_lazy("version", "Replaced")


class EnrolmentState(TextChoices):
    """``active``: about to enter its step. ``waiting``: parked in its step. The other two are final."""

    ACTIVE = "active", pgettext_lazy("enrolment", "Moving on")
    WAITING = "waiting", pgettext_lazy("enrolment", "Waiting")
    DONE = "done", pgettext_lazy("enrolment", "Finished")
    EXITED = "exited", pgettext_lazy("enrolment", "Left early")


OPEN_STATES = (EnrolmentState.ACTIVE.value, EnrolmentState.WAITING.value)


class Reason(TextChoices):
    """Why an enrolment is over."""

    COMPLETED = "completed", _("Reached the end")
    GOAL = "goal", _("Reached the goal")
    RULE = "rule", _("Exit condition met")
    STOPPED = "stopped", _("Taken out by hand")
    ENDED = "ended", _("The journey was ended")
    MERGED = "merged", _("Merged with another customer")


class TriggerKind(TextChoices):
    EVENT = "event", _("Something happens")
    SEGMENT = "segment_entry", _("Enters a segment")
    STAGE = "stage_change", _("Reaches a stage")
    MANUAL = "manual", pgettext_lazy("trigger", "Added by hand")


class Reentry(TextChoices):
    NEVER = "never", _("Once per customer")
    AFTER_EXIT = "after_exit", _("Again after leaving")
    ALWAYS = "always", _("Every time, also while inside")


class Unit(TextChoices):
    MINUTES = "minutes", _("minutes")
    HOURS = "hours", _("hours")
    DAYS = "days", _("days")
    WEEKS = "weeks", _("weeks")


class Outcome(TextChoices):
    """How a send step ended. The ledger's last word on the message, read from its message_* event."""

    SENT = "sent", _("Sent")
    UNREACHABLE = "unreachable", _("No channel reaches")
    WINDOW_CLOSED = "window_closed", _("Reply window closed")
    CAPPED = "capped", _("Too many messages lately")
    SUPPRESSED = "suppressed", _("No consent or opted out")
    FAILED = "failed", pgettext_lazy("message outcome", "Failed")


FALL_BACKS = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.SENT)
"""Outcomes of a send step that may have a branch of their own; without one people simply go on."""
