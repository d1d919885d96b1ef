from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from campaigns.enums import BatchState, CouponState, Origin
from scrm.lib import clock


class CouponBatch(models.Model):
    name = models.CharField(_("name"), max_length=80, unique=True)
    value = models.DecimalField(_("value"), max_digits=10, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    min_spend = models.DecimalField(_("minimum spend"), max_digits=10, decimal_places=2, default=0)
    stock = models.IntegerField(_("stock"))
    """How many may ever be issued."""
    issued = models.IntegerField(default=0, editable=False)
    """Moved only by campaigns.coupons in the transaction that adds the coupons; never above stock."""
    valid_days = models.IntegerField(_("days valid"), default=30)
    state = models.CharField(_("state"), max_length=8, choices=BatchState.choices, default=BatchState.ACTIVE)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("coupon batch")
        verbose_name_plural = _("coupon batches")
        constraints = [
            models.CheckConstraint(condition=Q(issued__gte=0, issued__lte=F("stock")), name="coupon_never_over_stock"),
            models.CheckConstraint(condition=Q(value__gt=0, min_spend__gte=0, valid_days__gt=0), name="coupon_terms"),
        ]

    def __str__(self):
        return self.name

    @property
    def left(self) -> int:
        return self.stock - self.issued


class Coupon(models.Model):
    """One code given to one person."""

    batch = models.ForeignKey(CouponBatch, models.PROTECT, related_name="coupons")
    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="coupons")
    code = models.CharField(_("code"), max_length=20, unique=True)
    issue_key = models.TextField(unique=True)
    """Idempotency: key prefix of the asker and the contact."""
    origin = models.CharField(max_length=8, choices=Origin.choices, blank=True)
    origin_id = models.BigIntegerField(default=0)
    """The campaign or journey that gave it, 0 for neither."""
    state = models.CharField(_("state"), max_length=10, choices=CouponState.choices, default=CouponState.ISSUED)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True)
    order_id = models.BigIntegerField(null=True)
    """contacts.Order it was used for."""

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        indexes = [
            models.Index(fields=["batch", "-id"], name="coupon_batch"),
            models.Index(fields=["origin", "origin_id"], condition=Q(state="redeemed"), name="coupon_origin"),
            models.Index(fields=["expires_at"], condition=Q(state="issued"), name="coupon_expiring"),
        ]

    def __str__(self):
        return self.code

    @property
    def shown_state(self) -> CouponState:
        """The state as of now: an unused code past its date has expired, whether or not anything came by to say so."""
        over = self.state == CouponState.ISSUED and self.expires_at <= clock.now()
        return CouponState.EXPIRED if over else CouponState(self.state)
