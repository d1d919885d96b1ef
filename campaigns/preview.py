"""Previews of content as a real customer would get it, without writing anything or tracking anybody."""

from dataclasses import dataclass

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from liquid.exceptions import LiquidError

from campaigns.content import render
from contacts import merge_fields
from contacts.models import Contact
from scrm.core.enums import Permission
from scrm.core.models import Company, User

CHOICES = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """What one customer would see. ``chat`` is safe HTML of a chat bubble; a mail comes as ``html`` for a sandboxed frame."""

    contact: Contact | None
    chat: SafeString
    subject: str
    html: str
    fault: str
    position: int
    before: int | None
    after: int | None


def preview(variant, user: User, position: int = 0) -> Preview:
    """``position``: which of the user's most recent customers to look through; wraps at both ends."""
    people = []
    if user.can(Permission.CONTACTS_VIEW):
        people = list(Contact.objects.visible_to(user).filter(known=True).order_by("-last_seen_at", "-id")[:CHOICES])
    contact = people[position % len(people)] if people else None
    if contact:
        position %= len(people)
    known = (
        merge_fields.build([contact.pk])[contact.pk] if contact else {"name": "", "first_name": "", "attributes": {}}
    )
    chat, subject, html, fault = "", "", "", ""
    try:
        rendered = render(variant, sample_fields(known, variant))
        chat = nh3.clean(rendered.text, tags={"a"}, url_schemes={"http", "https"})
        subject, html = rendered.subject, rendered.html
    except LiquidError as error:
        fault = str(error).splitlines()[0]
    several = len(people) > 1
    return Preview(
        contact,
        mark_safe(chat),
        subject,
        html,
        fault,
        position,
        (position - 1) % len(people) if several else None,
        (position + 1) % len(people) if several else None,
    )


def sample_fields(known: dict[str, object], variant) -> dict[str, object]:
    """The customer's own fields with an example coupon and dead addresses."""
    company = Company.get()
    return {
        "contact": known,
        "order": {
            "number": "SO-2030",
            "total": "268.00",
            "carrier": "SF",
            "tracking_number": "SF1000001",
            "amount": "30.00",
        },
        "cart": {"total": "268.00"},
        "coupon": {"code": "ABCD2345", "value": "20", "name": _("Example coupon"), "ends_on": "2030-12-31"},
        "company": {"name": company.name},
        "message": {"unsubscribe_url": "#unsubscribe", "confirm_url": "#confirm"},
    }
