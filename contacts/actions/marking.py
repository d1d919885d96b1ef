"""What people of ours do to contacts, one or many: tags, stage, consent. The events come last in the transaction."""

from collections.abc import Sequence

from django.db import transaction

from contacts import marking
from contacts.enums import ConsentState, Purpose, Stage, TagSource
from contacts.intake import append_own
from contacts.models import Contact, Tag
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock


@transaction.atomic
def add_tag(*, contact_ids: Sequence[int], name: str, by: User | None) -> int:
    """Put a tag, made if it is new, on contacts; answers how many did not have it."""
    tag, created = Tag.objects.get_or_create(name=name.strip())
    if created:
        audit.record(by, "tag.created", tag)
    events = marking.add_tag(tag, contact_ids, clock.now(), TagSource.MANUAL, by.pk if by else None)
    audit.record(by, "contact.tagged", tag, contacts=[event.contact_id for event in events][:100], number=len(events))
    append_own(events)
    return len(events)


@transaction.atomic
def remove_tag(*, contact_ids: Sequence[int], tag_id: int, by: User | None) -> int:
    """Take a tag off contacts; answers how many had it. Idempotent, also when the tag is gone."""
    tag = Tag.objects.filter(pk=tag_id).first()
    if tag is None:
        return 0
    events = marking.remove_tag(tag, contact_ids, clock.now(), by.pk if by else None)
    if events:
        audit.record(
            by, "contact.untagged", tag, contacts=[event.contact_id for event in events][:100], number=len(events)
        )
        append_own(events)
    return len(events)


@transaction.atomic
def change_stage(*, contact_ids: Sequence[int], stage: str, reason: str, by: User | None) -> int:
    """Move contacts to a stage by hand; answers how many were in another. Rules may move them on later."""
    moves = {pk: (Stage(stage).value, reason.strip()) for pk in contact_ids}
    events = marking.set_stages(moves, clock.now(), {pk: {"by": by.pk if by else None} for pk in moves})
    for contact in Contact.objects.filter(pk__in=[event.contact_id for event in events]).only("id", "name", "known"):
        audit.record(by, "contact.stage_changed", contact, to=stage, reason=reason.strip())
    append_own(events)
    return len(events)


@transaction.atomic
def set_consent(
    *, contact_id: int, channel: str, state: str, reason: str, by: User | None, purpose: str = Purpose.MARKETING
) -> bool:
    """Consent as a person told us; ``reason`` (where it comes from) is the proof. False when it was so already."""
    proof = {"how": "staff", "reason": reason.strip(), "by": by.pk if by else None}
    row = (contact_id, str(channel), str(purpose), ConsentState(state).value, proof, clock.now())
    events = marking.set_consents([row])
    contact = Contact.objects.only("id", "name", "known").get(pk=contact_id)
    verb = "consent.granted" if state == ConsentState.GRANTED else "consent.withdrawn"
    audit.record(by, verb, contact, channel=str(channel), purpose=str(purpose), reason=reason.strip())
    append_own(events)
    return bool(events)
