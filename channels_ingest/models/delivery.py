"""The durable inbox of what platforms, browsers and servers bring, and the record of what could not be accepted."""

import zlib
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from channels_ingest.enums import BadReason, DeliveryState, Trustee
from scrm.lib import crypto

RAW = "delivery"
"""Purpose that raw bodies are sealed for."""
KEPT_FOR = timedelta(days=30)
MOST_SAMPLES = 5
"""Kept per account, reason and day."""
SAMPLE_CHARS = 600
_GZIP = 16 + zlib.MAX_WBITS


def pack(body: bytes, *, gzipped: bool = False) -> bytes:
    """Compressed and sealed. A body that came gzipped is kept as it came: packing it again would cost and win nothing."""
    return crypto.seal(body if gzipped else zlib.compress(body, 1), RAW)


def unpack(raw: bytes | memoryview) -> bytes:
    """The plain body, whichever way it was packed. Sizes were checked at the edge. Raises crypto.CannotOpen."""
    packed = crypto.unseal(raw, RAW)
    return zlib.decompress(packed, _GZIP if packed[:2] == b"\x1f\x8b" else zlib.MAX_WBITS)


class DeliveryQuerySet(models.QuerySet):
    def waiting(self) -> "DeliveryQuerySet":
        return self.filter(state=DeliveryState.PENDING)

    def dead(self) -> "DeliveryQuerySet":
        return self.filter(state=DeliveryState.DEAD)


class Delivery(models.Model):
    """One accepted request. It is committed before the sender gets its answer; the ingest pump makes events of it.

    ``raw`` is what the platform said (for encrypted callbacks: after decryption, so that changing the platform's key
    loses nothing), compressed and sealed, STORAGE EXTERNAL. Rows go after 30 days.
    """

    channel = models.ForeignKey("channels_ingest.Channel", models.CASCADE, related_name="deliveries", db_index=False)
    key = models.UUIDField(null=True)
    """Deduplication at the door, for callbacks that are repeated until they are answered; collectors have none."""
    trustee = models.CharField(max_length=8, choices=Trustee.choices)
    notes = models.JSONField(default=dict)
    """What the body does not say: {"call": "track", "origin": ..., "replied": text of the passive reply}."""
    raw = models.BinaryField()
    size = models.IntegerField()
    """Bytes of the plain body: bounds a batch."""
    received_at = models.DateTimeField()
    """Real time."""
    business_at = models.DateTimeField()
    """Business time of the arrival: when what is told happened, unless it tells its own time."""
    state = models.CharField(max_length=9, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.SmallIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    """Number of the claim that holds the row; a worker that lost its lease finds another one here."""
    leased_until = models.DateTimeField(null=True)
    error = models.CharField(_("Error"), max_length=500, blank=True)
    processed_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["channel", "key"], condition=Q(key__isnull=False), name="delivery_once")
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="pending"), name="delivery_pending"),
            models.Index(fields=["id"], condition=Q(state="pending", attempts__gte=2), name="delivery_retried"),
            models.Index(fields=["channel", "-id"], condition=Q(state="dead"), name="delivery_dead"),
            models.Index(fields=["received_at"], name="delivery_received"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def body(self) -> bytes:
        """The plain body. Raises crypto.CannotOpen."""
        return unpack(self.raw)


class BadInput(models.Model):
    """How often input of an account was refused for a reason on a day. Nobody's account (wrong write key): null."""

    channel = models.ForeignKey("channels_ingest.Channel", models.CASCADE, null=True, related_name="bad_inputs")
    reason = models.CharField(max_length=16, choices=BadReason.choices)
    day = models.DateField()
    count = models.IntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("refused input")
        constraints = [
            models.UniqueConstraint(fields=["channel", "reason", "day"], name="bad_input_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.day}: {self.count}"


class BadSample(models.Model):
    """The first few bodies behind a count, cut short and sealed. Never kept for a wrong signature or key."""

    bad_input = models.ForeignKey(BadInput, models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    detail = models.CharField(max_length=200, blank=True)
    body = models.BinaryField()

    def __str__(self) -> str:
        return self.detail

    @property
    def text(self) -> str:
        """Raises crypto.CannotOpen."""
        return crypto.unseal(self.body, RAW).decode("utf-8", "replace")
