"""Canned replies as text for one customer. Liquid with the fields below; a field without a value is empty and is named, so that
the agent sees what is missing before sending."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from liquid.exceptions import LiquidError

from campaigns import content
from campaigns.sending.compose import company_fields
from contacts import merge_fields
from contacts.models import Contact, Order
from scrm.core.enums import Permission
from scrm.core.models import User
from service_desk.models import CannedReply

FIELDS: dict[str, dict[str, object]] = {
    "contact": content.FIELDS["contact"],
    "agent": {"name": _("name of the agent")},
    "order": {
        "number": _("number of the last order"),
        "total": _("total of the last order"),
        "placed_at": _("time of the last order"),
    },
    "company": content.FIELDS["company"],
}


@dataclass(frozen=True, slots=True)
class Offered:
    """One canned reply, ready for this customer."""

    canned: CannedReply
    text: str
    missing: tuple[str, ...]
    """Fields it names that have no value here."""


def values(contact: Contact, agent: User) -> dict[str, object]:
    """What the fields are for this customer and agent. Three queries. Orders only for who may see them."""
    last = None
    if agent.can(Permission.ORDERS_VIEW):
        last = Order.objects.filter(contact=contact).order_by("-placed_at").first()
    order = {"number": last.external_id, "total": last.total, "placed_at": last.placed_at} if last else {}
    return {
        "contact": merge_fields.of(contact),
        "agent": {"name": agent.name},
        "order": order,
        "company": company_fields(),
    }


def offered(canned: CannedReply, known: Mapping[str, object]) -> Offered:
    """A body that cannot be rendered for this customer is offered as it was written."""
    try:
        text = content.plain_text(canned.body, known)
    except LiquidError:
        return Offered(canned, canned.body, ())
    missing = tuple(path for path in content.named_fields(canned.body) if _blank(known, path))
    return Offered(canned, text, missing)


def _blank(known: Mapping[str, object], path: str) -> bool:
    value: object = known
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value in (None, "")
