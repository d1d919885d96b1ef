from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.enums import OrderProblem, OrderState
from contacts.models.contact import Contact


class OrderQuerySet(models.QuerySet):
    def counted(self):
        """Orders that are revenue: paid, not cancelled or wholly refunded, in the company's currency; each is worth ``net``."""
        return self.filter(counts=True)

    def with_problems(self):
        return self.exclude(problems=[])

    def visible_to(self, user):
        """Orders of the contacts that this user's role may see."""
        scoped = Contact.objects.visible_to(user)
        return self if user.role_id and user.role.scope == "all" else self.filter(contact__in=scoped.values("pk"))


class Order(models.Model):
    """An order as an order system tells it, event by event, in any order (contacts.log.orders). The totals on Contact follow in
    the same transaction. Every column is a function of the set of events, whatever the order they came in."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, db_index=False, related_name="orders")
    account_id = models.BigIntegerField(default=0)
    """Order system (channel account), 0 for imports."""
    external_id = models.CharField(_("order number"), max_length=120)
    state = models.CharField(_("state"), max_length=14, choices=OrderState.choices, default=OrderState.INCOMPLETE)
    terms_rank = models.SmallIntegerField(default=0)
    """Which telling the terms (customer, total, currency, lines) come from: 2 the payment, 1 the placing, 0 none yet."""
    terms_at = models.DateTimeField()
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2, default=0)
    refunded = models.DecimalField(_("refunded"), max_digits=14, decimal_places=2, default=0)
    """Never more than the total."""
    quantity = models.IntegerField(default=0)
    """Pieces over all lines."""
    lines = models.JSONField(default=list)
    """[{"sku", "name", "quantity", "price"}]."""
    coupons = models.JSONField(default=list)
    """Codes that came with it, upper case."""
    coupon_problems = models.JSONField(default=list)
    """[{"code", "reason"}] by whoever keeps the coupons."""
    missing_skus = ArrayField(models.TextField(), default=list)
    """Of the lines, what the account's catalogue does not have (empty while the account has no catalogue)."""
    problems = ArrayField(models.TextField(choices=OrderProblem.choices), default=list)
    counts = models.BooleanField(default=False)
    """Is revenue; see OrderQuerySet.counted."""
    placed_at = models.DateTimeField(_("placed"))
    """The earliest of placing and payment; of an order that has not arrived, the earliest word of it."""
    ordered_at = models.DateTimeField(null=True)
    """What the placing itself said."""
    paid_at = models.DateTimeField(_("paid"), null=True)
    shipped_at = models.DateTimeField(_("shipped"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    invoiced_at = models.DateTimeField(_("invoiced"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    refunded_at = models.DateTimeField(null=True)
    """The latest refund."""

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [models.UniqueConstraint(fields=["account_id", "external_id"], name="order_unique")]
        indexes = [
            models.Index(fields=["contact", "-placed_at"], name="order_contact"),
            models.Index(fields=["placed_at", "id"], name="order_placed"),
            models.Index(fields=["state", "placed_at", "id"], name="order_state"),
            models.Index(fields=["placed_at", "id"], condition=~Q(problems=[]), name="order_problem"),
        ]

    def __str__(self):
        return self.external_id

    @property
    def net(self) -> Decimal:
        return self.total - self.refunded

    @property
    def problem_labels(self) -> list[str]:
        return [OrderProblem(code).label for code in self.problems if code in OrderProblem.values]


class Refund(models.Model):
    """One refund of an order. The same ``key`` (refund number) is one refund, however often it is told."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="refunds")
    key = models.CharField(max_length=120)
    """Empty when the system gives no number: then every event is a refund of its own."""
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    """None: the whole order."""
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("refund")
        constraints = [models.UniqueConstraint(fields=["order", "key"], condition=~Q(key=""), name="refund_once")]

    def __str__(self):
        return self.key or str(self.pk)
