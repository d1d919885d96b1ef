"""Who is who: resolution by the trust rules, merging and its undoing, and the one place where handles are opened."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from contacts.enums import MergeState, Trust
from contacts.identity.merging import CannotMerge, CannotUnmerge, accept, merge, merge_rows, reject, unmerge
from contacts.identity.normalise import mask, normalise
from contacts.identity.people import resolve
from contacts.identity.resolving import Person, older
from contacts.models import Contact, Identity, Merge
from scrm.core import audit
from scrm.core.enums import Permission
from scrm.core.models import User
from scrm.lib import clock, crypto

__all__ = [
    "CannotMerge",
    "CannotUnmerge",
    "accept",
    "address",
    "confirm",
    "find",
    "mask",
    "merge",
    "normalise",
    "reject",
    "resolve",
    "reveal",
    "unmerge",
]


def address(identity: Identity) -> str:
    """The handle in clear, for sending to it. Never for a page: that is ``reveal``. Raises crypto.CannotOpen."""
    return crypto.unseal_text(identity.value, "identity")


def reveal(identity: Identity, by: User) -> str:
    """The handle in clear, for a person who may see it; audited. Raises PermissionDenied."""
    if not by.can(Permission.CONTACTS_REVEAL):
        raise PermissionDenied
    audit.record(by, "identity.revealed", identity, contact=identity.contact_id)
    return address(identity)


def find(kind: str, value: str, scope: int = 0) -> Identity | None:
    """The identity with exactly this handle, by its blind index. One query."""
    normal = normalise(kind, value)
    if normal is None:
        return None
    return (
        Identity.objects.select_related("contact")
        .filter(kind=kind, scope=scope, index=crypto.blind_index(kind, normal))
        .first()
    )


@transaction.atomic
def confirm(
    identity: Identity, evidence: dict[str, Any], *, contact_id: int | None = None, by: User | None = None
) -> int:
    """The person proved to own the identity; ``contact_id`` is the contact that proved it, when it is not the owner's.

    Answers the id of the contact that the identity belongs to now. An identity proven before on another contact makes the two
    one (unless a person told them apart); one that was only claimed there is taken over, and the merge is proposed.
    """
    identity = Identity.objects.select_for_update().get(pk=identity.pk)
    owner_id, was_proven = identity.contact_id, identity.trust == Trust.VERIFIED
    identity.trust = Trust.VERIFIED
    identity.evidence = evidence
    if contact_id is not None and contact_id != owner_id:
        pair = Contact.objects.in_bulk([owner_id, contact_id])
        first, second = (Person(c.pk, c.first_seen_at, c.known) for c in (pair[owner_id], pair[contact_id]))
        survivor, other = older(first, second)
        told_apart = Merge.objects.filter(
            survivor__in=pair, other__in=pair, state__in=[MergeState.REJECTED, MergeState.UNDONE]
        ).exists()
        if was_proven and not told_apart:
            identity.save(update_fields=["trust", "evidence"])
            return merge_rows(survivor.id, other.id, evidence, by).survivor_id
        if not was_proven:
            identity.contact_id = contact_id
            if not told_apart:
                Merge.objects.bulk_create(
                    [
                        Merge(
                            survivor_id=survivor.id,
                            other_id=other.id,
                            state=MergeState.PROPOSED,
                            evidence=evidence,
                            created_at=clock.now(),
                        )
                    ],
                    ignore_conflicts=True,
                )
    identity.save(update_fields=["trust", "evidence", "contact_id"])
    Contact.objects.filter(pk=identity.contact_id, known=False).update(known=True)
    return identity.contact_id
