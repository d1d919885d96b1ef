"""What the SLA clocks are derived from: business hours and promises in versions, and the stretches of a ticket's life."""

from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scrm.core.models import Company
from service_desk.calendar import Calendar, Hours
from service_desk.enums import BreachLevel, Metric, Priority, TicketKind, TicketState
from service_desk.sla import Targets

_OFFICE: list[list[list[int]]] = [[[540, 1080]]] * 5 + [[], []]


def office_week() -> list[list[list[int]]]:
    """Monday to Friday, 9:00 to 18:00; windows in minutes of the day."""
    return [[list(window) for window in day] for day in _OFFICE]


class CalendarVersion(models.Model):
    """The business hours from ``valid_from`` on. Rows are only added, so that what passed keeps its hours."""

    valid_from = models.DateTimeField(unique=True)
    time_zone = models.CharField(_("Time zone"), max_length=64)
    week = models.JSONField(default=office_week)
    """Windows [from, to] in minutes of the day, Monday first."""
    holidays = models.BooleanField(_("Public holidays of mainland China"), default=True)
    closed = models.JSONField(default=list)
    """Further days off, ISO dates."""
    opened = models.JSONField(default=list)
    """Further working days, ISO dates."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("business hours")
        ordering = ["valid_from"]

    def __str__(self) -> str:
        return f"{self.valid_from:%Y-%m-%d %H:%M}"

    def hours(self) -> Hours:
        return Hours(
            self.valid_from,
            self.time_zone,
            tuple(tuple((start, end) for start, end in day) for day in self.week),
            self.holidays,
            frozenset(date.fromisoformat(day) for day in self.closed),
            frozenset(date.fromisoformat(day) for day in self.opened),
        )

    @classmethod
    def default(cls) -> "CalendarVersion":
        """What holds before anybody has set hours; not stored."""
        return cls(valid_from=datetime(1970, 1, 1, tzinfo=UTC), time_zone=Company.zone())

    @classmethod
    def calendar(cls) -> Calendar:
        """All versions. One query."""
        return tuple(version.hours() for version in cls.objects.all()) or (cls.default().hours(),)


class SlaPolicy(models.Model):
    """A promise for a priority, of one kind of ticket or of all. An edit adds a row; tickets keep the row they were given."""

    priority = models.IntegerField(_("priority"), choices=Priority.choices)
    kind = models.CharField(_("kind"), max_length=10, choices=TicketKind.choices, blank=True)
    first_reply_minutes = models.PositiveIntegerField(_("First reply"), null=True, blank=True)
    next_reply_minutes = models.PositiveIntegerField(_("Next reply"), null=True, blank=True)
    resolution_minutes = models.PositiveIntegerField(_("Resolution"), null=True, blank=True)
    around_the_clock = models.BooleanField(_("Around the clock"), default=False)
    version = models.IntegerField(default=1)
    replaced_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("SLA policy")
        verbose_name_plural = _("SLA policies")
        constraints = [
            models.UniqueConstraint(
                fields=["priority", "kind"], condition=Q(replaced_at__isnull=True), name="sla_policy_one_current"
            )
        ]

    def __str__(self) -> str:
        kind = f" · {self.get_kind_display()}" if self.kind else ""
        return f"{self.get_priority_display()}{kind}"

    @property
    def targets(self) -> Targets:
        return Targets(
            *(
                minutes * 60 if minutes is not None else None
                for minutes in (self.first_reply_minutes, self.next_reply_minutes, self.resolution_minutes)
            )
        )


class TicketSpan(models.Model):
    """A ticket was in ``state`` from ``since`` until ``until``; the last one is open."""

    ticket = models.ForeignKey("service_desk.Ticket", models.CASCADE, related_name="spans", db_index=False)
    state = models.CharField(max_length=8, choices=TicketState.choices)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    """Who brought it into the state; None: by itself."""

    class Meta:
        verbose_name = _("state of a ticket")
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=Q(until__isnull=True), name="ticket_span_one_open"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=models.F("since")), name="ticket_span_forward"
            ),
        ]
        indexes = [models.Index(fields=["ticket", "id"], name="ticket_span_order")]

    def __str__(self) -> str:
        return f"{self.state} {self.since:%Y-%m-%d %H:%M}"


class TicketWait(models.Model):
    """After the first reply: the customer wrote at ``since`` and was answered, or the ticket solved, at ``until``."""

    ticket = models.ForeignKey("service_desk.Ticket", models.CASCADE, related_name="waits", db_index=False)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("wait for a reply")
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=Q(until__isnull=True), name="ticket_wait_one_open")
        ]
        indexes = [models.Index(fields=["ticket", "id"], name="ticket_wait_order")]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M}"


class Breach(models.Model):
    """A promise that was broken, or nearly: one row per policy, metric, trigger, ticket and level, told exactly once."""

    ticket = models.ForeignKey("service_desk.Ticket", models.CASCADE, related_name="breaches", db_index=False)
    policy = models.ForeignKey(SlaPolicy, models.PROTECT, related_name="+")
    metric = models.CharField(max_length=8, choices=Metric.choices)
    trigger = models.BigIntegerField()
    """0 for the first reply, the wait's key, the number of the resolution cycle (service_desk.sla.Clock)."""
    level = models.CharField(max_length=8, choices=BreachLevel.choices)
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    """When it was noticed, business time."""
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("broken promise")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "policy", "metric", "trigger", "level"], name="breach_once")
        ]
        indexes = [models.Index(fields=["level", "-at"], name="breach_recent")]

    def __str__(self) -> str:
        return f"{self.metric} {self.level}"


DEFAULT_TARGETS: dict[int, tuple[int, int, int]] = {
    Priority.URGENT.value: (15, 30, 240),
    Priority.HIGH.value: (30, 60, 480),
    Priority.NORMAL.value: (60, 120, 1440),
    Priority.LOW.value: (240, 480, 4320),
}
"""First reply, next reply, resolution in minutes of business time."""


def policy_fields(priority: int) -> dict[str, Any]:
    first, following, resolution = DEFAULT_TARGETS[priority]
    return {"first_reply_minutes": first, "next_reply_minutes": following, "resolution_minutes": resolution}
