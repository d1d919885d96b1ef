from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.enums import OrderState


class Order(models.Model):
    """A paid order as an order system told it. Made by intake from order events; the totals on Contact follow in the same
    transaction. One that is wholly refunded with total 0 is a refund whose order has not arrived yet."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, db_index=False, related_name="orders")
    account_id = models.BigIntegerField(default=0)
    """Order system (channel account), 0 for imports."""
    external_id = models.CharField(_("order number"), max_length=120)
    state = models.CharField(max_length=14, choices=OrderState.choices, default=OrderState.PAID)
    placed_at = models.DateTimeField()
    currency = models.CharField(max_length=3, default="CNY")
    total = models.DecimalField(max_digits=14, decimal_places=2)
    refunded = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    quantity = models.IntegerField(default=0)
    """Pieces over all lines."""
    lines = models.JSONField(default=list)
    """[{"sku", "name", "quantity", "price"}]."""

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [models.UniqueConstraint(fields=["account_id", "external_id"], name="order_unique")]
        indexes = [
            models.Index(fields=["contact", "-placed_at"], name="order_contact"),
            models.Index(fields=["placed_at"], name="order_placed"),
        ]

    def __str__(self):
        return self.external_id
