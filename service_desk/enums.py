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
