"""The way to get an object of this room: 404 for what the user may not see, the permission itself is checked by the view."""

from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from contacts.models import Consent, Contact, Identity, Merge, Segment, StageChange
from scrm.core.access import fetch
from scrm.core.models import User


def contact_for(user: User, pk: int, *, lock: bool = False) -> Contact:
    """The living contact if the user may see it, else 404. ``lock`` needs a transaction."""
    rows = Contact.objects.visible_to(user)
    return fetch(rows if lock else rows.select_related("owner", "team"), lock=lock, pk=pk)


def profile_of(user: User, pk: int) -> Contact | None:
    """The living contact if the user may see it, in one query with ``stages``, the stages it came to, oldest first, as {"stage",
    "at"}, and ``agreed``, its consents."""
    mine = {"contact": OuterRef("pk")}
    changes = (
        StageChange.objects.filter(**mine)
        .order_by("changed_at")
        .values(told=JSONObject(stage="to_stage", at="changed_at"))
    )
    columns = ("id", "channel", "purpose", "state", "proof", "changed_at")
    consents = Consent.objects.filter(**mine).values(told=JSONObject(**{name: name for name in columns}))
    rows = Contact.objects.visible_to(user).select_related("owner", "team")
    person = rows.annotate(stages=ArraySubquery(changes), agreed=ArraySubquery(consents)).filter(pk=pk).first()
    if person is not None:
        person.stages = [{**told, "at": datetime.fromisoformat(told["at"])} for told in person.stages]
        person.agreed = [
            Consent(contact=person, **{**told, "changed_at": datetime.fromisoformat(told["changed_at"])})
            for told in person.agreed
        ]
    return person


def survivor_of(user: User, pk: int) -> Contact | None:
    """Where a merged contact lives on, if the user may see that one; None when ``pk`` was not merged away."""
    gone = Contact.objects.filter(pk=pk).exclude(merged_into=None).values_list("merged_into", flat=True).first()
    return Contact.objects.visible_to(user).filter(pk=gone).first() if gone else None


def identity_for(user: User, contact_pk: int, pk: int) -> Identity:
    """An identity of a contact that the user may see, else 404."""
    contact = contact_for(user, contact_pk)
    identity = fetch(Identity, pk=pk, contact=contact)
    identity.contact = contact
    return identity


def merge_for(user: User, pk: int) -> Merge:
    """A merge of which the user may see the survivor and, while both still live, the other too; else 404."""
    merge = fetch(Merge.objects.select_related("survivor__owner", "other__owner", "by"), pk=pk)
    contact_for(user, merge.survivor_id)
    if merge.other.merged_into_id is None:
        contact_for(user, merge.other_id)
    return merge


def segment_for(pk: int) -> Segment:
    """Segments are shared by all who may see contacts; only their members are limited to the contacts visible to the user."""
    return fetch(Segment.objects.select_related("created_by"), pk=pk)
