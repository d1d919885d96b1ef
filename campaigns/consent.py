"""Consent as given or taken back by the person: the state per contact and channel, and the event that proves it."""

from collections.abc import Iterable, Mapping

from django.db import transaction

from contacts import intake
from contacts.enums import ConsentState, EventKind, Purpose
from contacts.models import Consent, Contact
from scrm.lib import clock

_KINDS = {ConsentState.GRANTED: EventKind.CONSENT_GRANTED, ConsentState.WITHDRAWN: EventKind.CONSENT_WITHDRAWN}


def lock_people(contact_ids: Iterable[int]) -> None:
    """Take the contacts' row locks in id order, as everybody does before changing what hangs on them; until the
    transaction ends."""
    people = Contact.objects.filter(pk__in=set(contact_ids)).order_by("pk")
    list(people.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))


@transaction.atomic
def record(contact_ids: Iterable[int], channel: str, state: ConsentState, proof: Mapping[str, object]) -> None:
    """Set the marketing consent of these people by this channel, with its event; set-based. ``proof`` has ``how``."""
    contact_ids = set(contact_ids)
    lock_people(contact_ids)
    events = set_state(contact_ids, channel, state, proof)
    if events:
        intake.append_own(events)


def set_state(
    contact_ids: Iterable[int], channel: str, state: ConsentState, proof: Mapping[str, object]
) -> list[intake.Incoming]:
    """The rows of ``record`` without its locks; answers the events, which the caller appends last. A pending consent
    never overwrites an answer that was given, and is no event."""
    now = clock.now()
    rows = [
        Consent(
            contact_id=pk, channel=channel, purpose=Purpose.MARKETING, state=state, proof=dict(proof), changed_at=now
        )
        for pk in sorted(set(contact_ids))
    ]
    if state == ConsentState.PENDING:
        Consent.objects.bulk_create(rows, ignore_conflicts=True)
        return []
    Consent.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["contact", "channel", "purpose"],
        update_fields=["state", "proof", "changed_at"],
    )
    return [
        intake.Incoming(
            kind=str(_KINDS[state]),
            channel=channel,
            occurred_at=now,
            contact_id=row.contact_id,
            properties={"channel": channel, "purpose": Purpose.MARKETING.value, **proof},
        )
        for row in rows
    ]
