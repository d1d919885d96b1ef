from django.db import transaction

from contacts.log import orders, rollups
from contacts.models import Order

_CHUNK = 5000


@transaction.atomic
def recount_orders() -> None:
    """Which orders are revenue, and everybody's totals, anew: the company has another currency."""
    owners = list(Order.objects.order_by("contact_id").values_list("contact_id", flat=True).distinct())
    for start in range(0, len(owners), _CHUNK):
        chunk = owners[start : start + _CHUNK]
        rollups.lock(chunk)
        rows = Order.objects.filter(contact_id__in=chunk).order_by("account_id", "external_id")
        orders.derive(rows.select_for_update(no_key=True).values_list("pk", flat=True))
        orders.totals(chunk, locked=chunk)
