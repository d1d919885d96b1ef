from decimal import Decimal

from django.db import transaction

from campaigns.models import CouponBatch
from scrm.core import audit
from scrm.core.models import User


class BelowIssued(Exception):
    """The stock would be less than what is given out already."""


@transaction.atomic
def save_batch(
    *,
    batch: CouponBatch | None,
    name: str,
    value: Decimal,
    min_spend: Decimal,
    stock: int,
    valid_days: int,
    state: str,
    by: User,
) -> CouponBatch:
    """Make or change a batch; its value and minimum spend are fixed once coupons are out. Locks the row. Raises BelowIssued."""
    batch = CouponBatch(created_by=by) if batch is None else CouponBatch.objects.select_for_update().get(pk=batch.pk)
    if stock < batch.issued:
        raise BelowIssued
    if not batch.issued:
        batch.value, batch.min_spend = value, min_spend
    batch.name, batch.stock, batch.valid_days, batch.state = name, stock, valid_days, state
    batch.save()
    audit.record(by, "coupon_batch.saved", batch, stock=stock, state=state)
    return batch
