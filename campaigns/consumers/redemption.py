"""Coupons of orders: looked at when an order is placed or paid (in whichever order the two are told), and again when two customers
turn out to be one, since a code given to the one is then no stranger's to the other."""

from collections.abc import Sequence

from django.db.models import Q

from campaigns import redeeming
from contacts import intake
from contacts.consumers import EventRow
from contacts.enums import EventKind, OrderProblem
from contacts.models import Order

TELL = {EventKind.ORDER_PAID, EventKind.ORDER_PLACED}


def consume(events: Sequence[EventRow]) -> None:
    """In the consumer's transaction; idempotent."""
    told: dict[int, set[str]] = {}
    for event in events:
        if event.kind in TELL and (number := str(event.properties.get("order_id") or "").strip()):
            told.setdefault(event.account_id, set()).add(number[:120])
    merged = {event.contact_id for event in events if event.kind == EventKind.CONTACT_MERGED}
    wanted = Q(contact__in=merged, problems__contains=[OrderProblem.COUPON])
    for account, numbers in told.items():
        wanted |= Q(account_id=account, external_id__in=numbers)
    if not told and not merged:
        return
    ids = list(Order.objects.filter(wanted).exclude(coupons=[]).values_list("pk", flat=True))
    if ids and (own := redeeming.redeem(ids)):
        intake.append_own(own)
