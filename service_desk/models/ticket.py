"""Tickets: a matter that somebody of ours owes an answer and a solution."""

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from contacts.enums import ChannelKind
from contacts.models import Contact
from scrm.core.enums import Permission, Scope
from scrm.core.models import User
from service_desk.enums import Priority, TicketKind, TicketState

ACTIVE = (TicketState.OPEN.value, TicketState.PENDING.value)


class TicketQuerySet(QuerySet):
    def visible_to(self, user: User) -> "TicketQuerySet":
        """One's own, those of customers one sees, and for a team's people those of the team; who manages the desk also sees
        those that no team has."""
        if user.scope == Scope.ALL:
            return self
        seen = Q(assignee=user) | Q(contact__in=Contact.objects.visible_to(user).order_by().values("pk"))
        if user.scope == Scope.TEAM:
            teams = [*user.managed_teams.values_list("pk", flat=True), *([user.team_id] if user.team_id else [])]
            seen |= Q(team__in=teams) | Q(assignee__team__in=teams)
            if user.can(Permission.SERVICE_MANAGE):
                seen |= Q(team=None, assignee=None)
        return self.filter(seen)

    def active(self) -> "TicketQuerySet":
        return self.filter(state__in=ACTIVE)

    def counted(self) -> "TicketQuerySet":
        """What figures are made of: without those that turned out to be no complaint."""
        return self.filter(dismissed=False)


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
    dismissed = models.BooleanField(default=False)
    """It was no complaint; it is closed and counts nowhere."""
    follow_up_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="follow_ups")
    """The closed ticket after which the customer wrote again."""
    policy = models.ForeignKey("service_desk.SlaPolicy", models.PROTECT, null=True, related_name="+")
    skill = models.CharField(_("skill"), max_length=40, blank=True)
    """Only agents with it are given the ticket."""
    accepted_at = models.DateTimeField(null=True)
    """The assignee has taken it on."""
    last_customer_at = models.DateTimeField(null=True)
    last_event_id = models.BigIntegerField(default=0)
    """Events of the customer up to here are applied: a consumer that reads again repeats nothing."""
    opening_event_id = models.BigIntegerField(null=True, unique=True)
    verdict = models.JSONField(default=dict)
    """What the detector said of the opening words: label, confidence, words, text."""
    due_at = models.DateTimeField(null=True)
    """The nearest running promise. Derived (service_desk.sla) and kept for the list alone."""
    look_at = models.DateTimeField(null=True)
    """When the clocks must be looked at next. Derived as well."""
    version = models.IntegerField(default=1)

    objects = TicketQuerySet.as_manager()

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
            models.Index(fields=["conversation", "-id"], name="ticket_conversation"),
            models.Index(fields=["due_at", "id"], name="ticket_due"),
            models.Index(fields=["look_at"], condition=Q(look_at__isnull=False), name="ticket_look"),
            models.Index(
                fields=["opened_at", "id"], condition=Q(state="open", assignee__isnull=True), name="ticket_queue"
            ),
            models.Index(fields=["solved_at"], condition=Q(state="solved"), name="ticket_closing"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE
