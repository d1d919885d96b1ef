"""What programmes (campaigns and journeys) brought about: touches, credited orders, costs."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from analytics.enums import ProgrammeKind, TouchKind
from contacts.enums import ChannelKind


class Touch(models.Model):
    """A contact met a message of a programme. One row per event of the log; business time."""

    event_id = models.BigIntegerField(primary_key=True)
    contact_id = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=9, choices=TouchKind.choices)
    channel = models.CharField(max_length=10)
    origin = models.CharField(max_length=8, choices=ProgrammeKind.choices)
    origin_id = models.BigIntegerField()
    message_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["contact_id", "-at", "-event_id"], name="touch_contact")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class Credit(models.Model):
    """Which programme an order is credited to: the last non-direct touch inside its window. One row per order, so an order is
    credited once; computed anew whenever its touches may have changed. What it is worth stays on the order, so a refund counts
    at once."""

    order = models.OneToOneField(
        "contacts.Order", models.CASCADE, primary_key=True, related_name="credit", verbose_name=_("order")
    )
    contact_id = models.BigIntegerField()
    at = models.DateTimeField()
    """When the order was placed."""
    origin = models.CharField(max_length=8, choices=ProgrammeKind.choices, blank=True)
    """Empty: direct, no programme had a part in it."""
    origin_id = models.BigIntegerField(default=0)
    channel = models.CharField(max_length=10, choices=ChannelKind.choices, blank=True)
    kind = models.CharField(max_length=9, choices=TouchKind.choices, blank=True)
    touched_at = models.DateTimeField(null=True)
    message_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["origin", "origin_id", "-at"], condition=~Q(origin=""), name="credit_programme"),
            models.Index(fields=["contact_id"], name="credit_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.origin} {self.origin_id}"


class ProgrammeSent(models.Model):
    """Messages that left, per programme and channel: what its messages cost."""

    origin = models.CharField(max_length=8)
    origin_id = models.BigIntegerField()
    channel = models.CharField(max_length=10)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["origin", "origin_id", "channel"], name="programmesent_unique")]

    def __str__(self) -> str:
        return f"{self.origin} {self.origin_id} {self.channel}: {self.count}"


class Spend(models.Model):
    """Money spent on a programme outside of the product, entered by hand."""

    origin = models.CharField(max_length=8, choices=ProgrammeKind.choices)
    origin_id = models.BigIntegerField()
    day = models.DateField(_("day"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    note = models.CharField(_("for what"), max_length=120)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("spend")
        indexes = [models.Index(fields=["origin", "origin_id"], name="spend_programme")]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="spend_positive")]

    def __str__(self) -> str:
        return f"{self.day} {self.amount}"


class ChannelTerms(models.Model):
    """What a message on a channel costs, and how long its touches count. Without a row: analytics.crediting.DEFAULTS."""

    channel = models.CharField(_("channel"), max_length=10, choices=ChannelKind.choices, unique=True)
    price = models.DecimalField(_("price of a message"), max_digits=8, decimal_places=4, default=0)
    click_hours = models.PositiveIntegerField(_("hours after a click"), default=120)
    reply_hours = models.PositiveIntegerField(_("hours after a reply"), default=120)
    open_hours = models.PositiveIntegerField(_("hours after an open"), default=0)
    delivery_hours = models.PositiveIntegerField(_("hours after delivery"), default=0)
    """0: does not count."""

    class Meta:
        verbose_name = _("terms of a channel")

    def __str__(self) -> str:
        return self.channel
