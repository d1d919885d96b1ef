"""Codes that come back with paid orders: each is used once, by the customer who got it, before its last day. What is not accepted
is listed on the order with its reason."""

from collections.abc import Iterable
from typing import Any

from campaigns import consent
from campaigns.enums import CouponState
from campaigns.models import Coupon
from contacts import intake
from contacts.enums import ChannelKind, CouponProblem, EventKind
from contacts.log import orders as order_rows
from contacts.models import Order
from scrm.lib import clock


def redeem(order_ids: Iterable[int]) -> list[intake.Incoming]:
    """Look at the codes of these orders again, in the caller's transaction; answers the events to append last.

    Locks contacts, orders and coupons, each in one order for everybody. Doing it again changes nothing: the coupon's row says
    which order it went to. An order that is not paid uses up nothing.
    """
    found = Order.objects.filter(pk__in=set(order_ids), terms_rank__gt=0).exclude(paid_at=None).exclude(coupons=[])
    consent.lock_people(found.values_list("contact_id", flat=True))
    orders = list(found.order_by("account_id", "external_id").select_for_update(no_key=True))
    wanted = {code for order in orders for code in order.coupons}
    if not wanted:
        return []
    rows = Coupon.objects.filter(code__in=wanted).select_related("batch").order_by("pk")
    coupons = {coupon.code: coupon for coupon in rows.select_for_update(of=("self",))}
    used: list[tuple[Coupon, Order]] = []
    changed: list[Order] = []
    for order in sorted(orders, key=lambda order: (order.paid_at, order.pk)):
        problems = []
        for code in order.coupons:
            coupon = coupons.get(code)
            if (problem := _problem(coupon, order)) is not None:
                problems.append({"code": code, "reason": problem.value})
            elif coupon.state != CouponState.REDEEMED:
                coupon.state, coupon.redeemed_at, coupon.order_id = CouponState.REDEEMED, order.paid_at, order.pk
                used.append((coupon, order))
        if problems != order.coupon_problems:
            order.coupon_problems = problems
            changed.append(order)
    Coupon.objects.bulk_update([coupon for coupon, _order in used], ["state", "redeemed_at", "order_id"])
    if changed:
        Order.objects.bulk_update(changed, ["coupon_problems"])
        order_rows.derive([order.pk for order in changed])
    return [_redeemed(coupon, order) for coupon, order in used]


def _problem(coupon: Coupon | None, order: Order) -> CouponProblem | None:
    """Why a code is not accepted. Whether it was in time is decided by the payment, not by when we hear of it."""
    if coupon is None:
        return CouponProblem.UNKNOWN
    if coupon.state == CouponState.REDEEMED:
        return None if coupon.order_id == order.pk else CouponProblem.USED
    if coupon.contact_id != order.contact_id:
        return CouponProblem.FOREIGN
    return CouponProblem.EXPIRED if coupon.expires_at <= order.paid_at else None


def _redeemed(coupon: Coupon, order: Order) -> intake.Incoming:
    properties: dict[str, Any] = {
        "batch": coupon.batch_id,
        "name": coupon.batch.name,
        "code": coupon.code,
        "value": str(coupon.batch.value),
        "currency": coupon.batch.currency,
        "coupon": coupon.pk,
        "order": order.pk,
        "order_id": order.external_id,
        "origin": coupon.origin,
        "origin_id": coupon.origin_id,
    }
    return intake.Incoming(
        kind=EventKind.COUPON_REDEEMED.value,
        channel=ChannelKind.SYS.value,
        occurred_at=min(order.paid_at, clock.now()),
        contact_id=order.contact_id,
        external_id=f"coupon_redeemed:{coupon.pk}",
        properties=properties,
    )
