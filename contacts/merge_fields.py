"""What templates may say about a person: plain dicts for Liquid, many people at once."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contacts.enums import Stage
from contacts.models import Contact
from scrm.core.models import Company

FIELDS = (
    "name",
    "first_name",
    "stage",
    "city",
    "region",
    "language",
    "attributes",
    "order_count",
    "order_total",
    "last_order_at",
)
"""Names that a template may use; ``attributes.<key>`` for custom ones."""


def build(contact_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Fields by contact id; one query. A missing value is an empty text, so that the template's fall-back applies. Contact
    points are not among them."""
    rows = Contact.objects.filter(pk__in=set(contact_ids)).only(
        "id",
        "name",
        "stage",
        "city",
        "region",
        "language",
        "attributes",
        "order_count",
        "order_total",
        "last_order_at",
        "time_zone",
    )
    return {row.pk: of(row) for row in rows}


def _local(contact: Contact) -> datetime | None:
    """The time of the last order where the person is, else at the company's place."""
    if contact.last_order_at is None:
        return None
    return contact.last_order_at.astimezone(ZoneInfo(contact.time_zone or Company.zone()))


def of(contact: Contact) -> dict[str, Any]:
    """The fields of one contact. The whole name is also the first name: Chinese names have no space to cut at."""
    return {
        "name": contact.name,
        "first_name": contact.name,
        "stage": Stage(contact.stage).label,  # lazy: said in the language of the message
        "city": contact.city,
        "region": contact.region,
        "language": contact.language,
        "attributes": dict(contact.attributes),
        "order_count": contact.order_count,
        "order_total": contact.order_total,
        "last_order_at": _local(contact),
    }
