"""What people change on a profile by hand: facts and owner."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from contacts.models import Contact
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import cjk

EDITABLE = ("name", "language", "time_zone", "region", "city", "attributes")


class StaleVersion(Exception):
    """Somebody saved the contact after this version was read."""


@transaction.atomic
def edit_contact(*, contact_id: int, changes: dict[str, Any], version: int, by: User) -> Contact:
    """Set facts (``EDITABLE``) of a contact as read at ``version``. Raises StaleVersion and changes nothing when there is a
    newer one. The audit entry names the fields, never their values. Locks the contact."""
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.version != version:
        raise StaleVersion
    changed = [field for field in EDITABLE if field in changes and getattr(contact, field) != changes[field]]
    if not changed:
        return contact
    for field in changed:
        setattr(contact, field, changes[field])
    if "name" in changed:
        contact.name_grams = cjk.grams(contact.name) if contact.name else []
    contact.version += 1
    contact.save(update_fields=[*changed, "name_grams", "version"])
    audit.record(by, "contact.updated", contact, fields=changed)
    return contact


@transaction.atomic
def assign_owner(*, contact_ids: Sequence[int], owner: User | None, by: User) -> int:
    """Give contacts to ``owner`` (and the owner's team), or to nobody; answers how many changed. Two statements and one
    audit entry per contact that changed. Locks the contacts in id order."""
    rows = Contact.objects.select_for_update().filter(pk__in=contact_ids).order_by("pk")
    owner_id, team_id = (owner.pk, owner.team_id) if owner else (None, None)
    moving = [contact for contact in rows.only("id", "name", "known", "owner_id") if contact.owner_id != owner_id]
    Contact.objects.filter(pk__in=[contact.pk for contact in moving]).update(
        owner_id=owner_id, team_id=team_id, version=F("version") + 1
    )
    for contact in moving:
        audit.record(by, "contact.assigned", contact, before=contact.owner_id, after=owner_id)
    return len(moving)
