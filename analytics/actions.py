"""Writes of the analytics room: what is entered by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from analytics import crediting
from analytics.models import ChannelTerms, Spend
from scrm.core import audit
from scrm.core.models import User


@transaction.atomic
def add_spend(*, kind: str, pk: int, day: date, amount: Decimal, note: str, by: User) -> Spend:
    row = Spend.objects.create(origin=kind, origin_id=pk, day=day, amount=amount, note=note, by=by)
    audit.record(by, "spend.created", row, kind=kind, number=pk, amount=str(amount))
    return row


@transaction.atomic
def delete_spend(*, spend_id: int, by: User) -> None:
    row = Spend.objects.select_for_update().get(pk=spend_id)
    audit.record(by, "spend.deleted", row, kind=row.origin, number=row.origin_id, amount=str(row.amount))
    row.delete()


def save_terms(*, rows: dict[str, dict[str, Any]], by: User) -> int:
    """Channel -> price and hours. When a window changed, every order is credited again in the same transaction; answers how
    many orders that were."""
    with transaction.atomic():
        before = crediting.terms()
        for channel, values in rows.items():
            ChannelTerms.objects.update_or_create(channel=channel, defaults=values)
        after = crediting.terms()
        changed = [channel for channel in after if before.get(channel) != after[channel]]
        if changed:
            audit.record(by, "terms.updated", None, channels=changed)
        windows = any(_windows(before.get(channel)) != _windows(after[channel]) for channel in changed)
        return crediting.credit_all() if windows else 0


def _windows(terms: crediting.Terms | None) -> tuple[int, ...]:
    held = terms or crediting.Terms()
    return (held.click_hours, held.reply_hours, held.open_hours, held.delivery_hours)
