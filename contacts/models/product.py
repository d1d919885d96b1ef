from django.db import models
from django.utils.translation import gettext_lazy as _


class Product(models.Model):
    """Something an order system sells, as it tells it (contacts.catalogue). An older telling never replaces a newer one; stock
    has a stamp of its own, since it changes more often than the rest."""

    account_id = models.BigIntegerField()
    """Order system (channel account)."""
    sku = models.CharField(_("stock number"), max_length=80)
    name = models.CharField(_("name"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=80, blank=True)
    price = models.DecimalField(_("price"), max_digits=14, decimal_places=2, null=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    image_url = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=500, blank=True)
    active = models.BooleanField(_("on sale"), default=True)
    """False: taken off sale, or deleted in the shop; its orders go on naming it."""
    version = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(_("updated"), null=True)
    """Version and time of the telling that holds; None while only its stock is known."""
    stock = models.IntegerField(_("stock"), null=True)
    stock_version = models.BigIntegerField(default=0)
    stock_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [models.UniqueConstraint(fields=["account_id", "sku"], name="product_unique")]
        indexes = [
            models.Index(fields=["name", "id"], name="product_name"),
            models.Index(fields=["category"], name="product_category"),
        ]

    def __str__(self):
        return self.name or self.sku
