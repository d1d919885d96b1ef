"""Tickets: a matter that somebody of ours owes an answer and a solution."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.enums import ChannelKind
from service_desk.enums import Priority, TicketKind, TicketState


class Ticket(models.Model):
    """At most one that is not solved per conversation. The SLA clock is derived from stored intervals, never counted up."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="tickets", db_index=False)
    conversation = models.ForeignKey(
        "service_desk.Conversation", models.SET_NULL, null=True, related_name="tickets", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=TicketKind.choices, default=TicketKind.COMPLAINT)
    title = models.CharField(_("title"), max_length=160)
    state = models.CharField(_("state"), max_length=8, choices=TicketState.choices, default=TicketState.OPEN)
    priority = models.IntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    channel = models.CharField(_("channel"), max_length=10, choices=ChannelKind.choices, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="tickets", db_index=False
    )
    team = models.ForeignKey("core.Team", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    """None: it opened by itself."""
    opened_at = models.DateTimeField()
    first_reply_at = models.DateTimeField(null=True)
    """First public reply of a person; the bot does not count."""
    solved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(state__in=["open", "pending"]), name="ticket_one_open"
            )
        ]
        indexes = [
            models.Index(fields=["state", "-opened_at", "-id"], name="ticket_recent"),
            models.Index(fields=["assignee", "state"], name="ticket_mine"),
            models.Index(fields=["contact", "-opened_at"], name="ticket_contact"),
        ]

    def __str__(self) -> str:
        return self.title
