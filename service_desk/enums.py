"""Choices of the service desk. No imports from models."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ConversationState(models.TextChoices):
    """Open: somebody on our side should act. Snoozed: nobody until a time or the customer's next message. Closed: done."""

    OPEN = "open", pgettext_lazy("conversation", "Open")
    SNOOZED = "snoozed", pgettext_lazy("conversation", "Snoozed")
    CLOSED = "closed", pgettext_lazy("conversation", "Closed")


class EntryKind(models.TextChoices):
    """One row of a conversation. Notes and log lines are ours alone: the customer never sees them."""

    CUSTOMER = "customer", _("Customer")
    REPLY = "reply", _("Our reply")
    NOTE = "note", _("Private note")
    LOG = "log", _("What happened")


class Presence(models.TextChoices):
    ONLINE = "online", pgettext_lazy("presence", "Online")
    AWAY = "away", pgettext_lazy("presence", "Away")
    OFFLINE = "offline", pgettext_lazy("presence", "Offline")


class TicketState(models.TextChoices):
    OPEN = "open", pgettext_lazy("ticket", "Open")
    PENDING = "pending", pgettext_lazy("ticket", "Waiting for the customer")
    SOLVED = "solved", pgettext_lazy("ticket", "Solved")
    CLOSED = "closed", pgettext_lazy("ticket", "Closed")


class Priority(models.IntegerChoices):
    LOW = 1, pgettext_lazy("priority", "Low")
    NORMAL = 2, pgettext_lazy("priority", "Normal")
    HIGH = 3, pgettext_lazy("priority", "High")
    URGENT = 4, pgettext_lazy("priority", "Urgent")


class TicketKind(models.TextChoices):
    COMPLAINT = "complaint", _("Complaint")
    QUESTION = "question", _("Question")
    TASK = "task", pgettext_lazy("ticket", "Task")


class Metric(models.TextChoices):
    """What an SLA promises."""

    FIRST_REPLY = "first", _("First reply")
    NEXT_REPLY = "next", _("Next reply")
    RESOLUTION = "solve", _("Resolution")


class BreachLevel(models.TextChoices):
    WARNING = "warn", pgettext_lazy("sla", "Soon due")
    BREACH = "breach", pgettext_lazy("sla", "Overdue")


class Speech(models.TextChoices):
    """What a customer's words are, as the detector tells them apart."""

    COMPLAINT = "complaint", _("Complaint")
    QUESTION = "question", _("Question")
    PRAISE = "praise", _("Praise")
    NOISE = "noise", pgettext_lazy("speech", "Something else")


class OfferState(models.TextChoices):
    """What became of a ticket that was given to an agent."""

    OFFERED = "offered", pgettext_lazy("offer", "Not accepted yet")
    ACCEPTED = "accepted", pgettext_lazy("offer", "Accepted")
    MISSED = "missed", pgettext_lazy("offer", "Not accepted in time")
    LEFT = "left", pgettext_lazy("offer", "The agent went offline")
    MOVED = "moved", pgettext_lazy("offer", "Given to somebody else")


class SurveyState(models.TextChoices):
    DUE = "due", pgettext_lazy("survey", "To be asked")
    ASKED = "asked", pgettext_lazy("survey", "Asked")
    RATED = "rated", pgettext_lazy("survey", "Rated")
    SKIPPED = "skipped", pgettext_lazy("survey", "Not asked")
