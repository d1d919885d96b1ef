"""This room's part of the search box: people by name, exact contact point or order number, and segments by name."""

from django.urls import reverse
from django.utils.translation import gettext as _

from contacts import listing
from contacts.models import Contact, Order, Segment
from contacts.sources import source_label
from scrm.core.enums import Permission
from scrm.core.models import User
from scrm.core.search import Group, Hit
from scrm.lib import crypto


def provide(user: User, q: str, limit: int) -> list[Group]:
    """Groups of at most ``limit`` hits that the user may see. Five queries on indexes."""
    text = crypto.fold(q).replace("\x00", "")
    if not text or not user.can(Permission.CONTACTS_VIEW):
        return []
    return [Group(_("Contacts"), _people(user, text, limit)), Group(_("Segments"), _segments(text, limit))]


def _people(user: User, text: str, limit: int) -> list[Hit]:
    mine = Contact.objects.visible_to(user)
    found = {contact.pk: contact for contact in listing.matching(mine, text).order_by("-last_seen_at", "-id")[:limit]}
    buyers = Order.objects.filter(external_id=text).values_list("contact", flat=True)[:limit]
    for contact in mine.filter(pk__in=list(buyers)):
        found.setdefault(contact.pk, contact)
    return [
        Hit(
            contact.display_name,
            reverse("contacts:contact", args=[contact.pk]),
            "user",
            f"{contact.get_stage_display()} · {source_label(contact)}",
            "t-info",
        )
        for contact in list(found.values())[:limit]
    ]


def _segments(text: str, limit: int) -> list[Hit]:
    found = Segment.objects.filter(name__icontains=text).order_by("name")[:limit]
    return [Hit(segment.name, reverse("contacts:segment", args=[segment.pk]), "filter") for segment in found]
