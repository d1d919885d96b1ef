"""Conversations: what one customer and we say to each other on one channel account."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from contacts.enums import ChannelKind
from service_desk.enums import ConversationState, EntryKind


class ConversationQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Conversations with contacts this user's role may see."""
        scope = user.role.scope if user.role_id else "none"
        if scope == "all":
            return self
        if scope == "team" and user.team_id:
            return self.filter(Q(contact__owner=user) | Q(contact__team_id=user.team_id))
        return self.filter(contact__owner=user) if scope in {"own", "team"} else self.none()

    def going(self):
        """Not closed."""
        return self.exclude(state=ConversationState.CLOSED)


class Conversation(models.Model):
    """At most one that is not closed per contact and channel account: a unique constraint, not a check. Times are business time."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="conversations", db_index=False)
    channel = models.CharField(_("channel"), max_length=10, choices=ChannelKind.choices)
    account_id = models.BigIntegerField(default=0)
    """channels_ingest.Channel it runs on."""
    identity_id = models.BigIntegerField(null=True)
    """The customer's address on it (contacts.Identity)."""
    state = models.CharField(
        _("state"), max_length=8, choices=ConversationState.choices, default=ConversationState.OPEN
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="conversations", db_index=False
    )
    team = models.ForeignKey("core.Team", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    snoozed_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField()
    """Last thing said by either side: the order of the list."""
    last_inbound_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True)
    """The oldest message of the customer that no person of ours has answered; None when nothing waits."""
    excerpt = models.CharField(max_length=160, blank=True)
    last_kind = models.CharField(max_length=8, choices=EntryKind.choices, default=EntryKind.CUSTOMER)
    """Who said the last thing: customer or reply."""
    unread = models.IntegerField(default=0)
    """Messages of the customer since somebody of ours looked."""
    version = models.IntegerField(default=1)
    """Raised by everything that is said or decided; a reply carries the version its writer saw."""

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "account_id"], condition=~Q(state="closed"), name="conversation_one_open"
            )
        ]
        indexes = [
            models.Index(fields=["state", "-last_at", "-id"], name="conversation_recent"),
            models.Index(fields=["assignee", "state", "-last_at", "-id"], name="conversation_mine"),
            models.Index(fields=["contact", "-last_at"], name="conversation_contact"),
            models.Index(
                fields=["waiting_since"], condition=Q(waiting_since__isnull=False), name="conversation_waiting"
            ),
            models.Index(fields=["snoozed_until"], condition=Q(state="snoozed"), name="conversation_snoozed"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("service_desk:conversation", args=[self.pk])


class Entry(models.Model):
    """One thing said or noted. What the customer says comes from the event log, what we say goes through the sending ledger."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="entries", db_index=False)
    kind = models.CharField(max_length=8, choices=EntryKind.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    event_id = models.BigIntegerField(null=True)
    """contacts.Event of what the customer said: makes the consumer idempotent."""
    message_id = models.BigIntegerField(null=True)
    """campaigns.Message of what we said: its state is the entry's."""
    body = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    """type, media, url, post_id, comment_id, ... as the channel told; what a log line is about."""
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("entry")
        constraints = [
            models.UniqueConstraint(fields=["event_id"], condition=Q(event_id__isnull=False), name="entry_event_once"),
            models.UniqueConstraint(
                fields=["message_id"], condition=Q(message_id__isnull=False), name="entry_message_once"
            ),
        ]
        indexes = [models.Index(fields=["conversation", "-id"], name="entry_conversation")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
