"""Making two contacts one, and two again. Nothing is deleted: the other stays as a tombstone that points at its survivor."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.module_loading import import_string

from contacts.enums import ChannelKind, ConsentState, EventKind, IdentityKind, MergeState, Stage
from contacts.log import orders
from contacts.log.incoming import Incoming
from contacts.log.writing import OWN_KINDS, append_own, take_order_lock
from contacts.models import Consent, Contact, Event, Identity, Merge, Order, SegmentMember, StageChange, Tagging
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import cjk, clock

_FILLED = ("name", "time_zone", "language", "region", "city", "owner_id", "team_id")
_FILLED += ("source_kind", "source_label", "source_account_id")
_STAGES = [Stage.PUBLIC, Stage.PROSPECT, Stage.LEAD]
"""Before the first order: here the other's stage counts if it is further on."""


class CannotMerge(Exception):
    """One of the two is gone, or they are the same."""


class CannotUnmerge(Exception):
    """The merge is not the last one of its survivor, or is undone already."""


def merge(survivor: Contact, other: Contact, evidence: dict[str, Any], by: User | None = None) -> Merge:
    """Make ``other`` part of ``survivor`` for the given evidence. Audited. Raises CannotMerge."""
    with transaction.atomic():
        done = merge_rows(survivor.pk, other.pk, evidence, by)
        audit.record(by, "contact.merged", done.survivor, other=done.other_id, merge=done.pk)
    return done


def merge_rows(survivor_id: int, other_id: int, evidence: dict[str, Any], by: User | None = None) -> Merge:
    """The merge itself, in the current transaction; about 20 statements. Locks both contacts, then takes the order lock."""
    survivor, other = _locked(survivor_id, other_id)
    now = clock.now()
    undo = {
        "identities": _moved("contacts_identity", survivor_id, other_id),
        "orders": _moved("contacts_order", survivor_id, other_id),
        "stage_changes": _moved("contacts_stagechange", survivor_id, other_id),
        "tags": _move_tags(survivor_id, other_id),
        "consents": _join_consents(survivor_id, other_id),
        "fields": _join_fields(survivor, other),
    }
    SegmentMember.objects.filter(
        contact_id=other_id, segment__in=SegmentMember.objects.filter(contact_id=survivor_id).values("segment")
    ).delete()
    SegmentMember.objects.filter(contact_id=other_id).update(contact_id=survivor_id)
    Contact.objects.filter(merged_into_id=other_id).update(merged_into_id=survivor_id)
    Contact.objects.filter(pk=other_id).update(merged_into_id=survivor_id, version=F("version") + 1)
    orders.totals([survivor_id])
    for path in settings.CONTACT_MERGE_HANDLERS:
        import_string(path)(survivor_id, other_id)
    take_order_lock()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_event SET contact_id = %s WHERE contact_id = %s RETURNING id, identity_id",
            [survivor_id, other_id],
        )
        undo["events"] = [event_id for event_id, identity_id in cursor.fetchall() if identity_id is None]
    values = {"evidence": evidence, "undo": undo, "by": by, "settled_at": clock.real_now(), "state": MergeState.DONE}
    Merge.objects.filter(
        survivor_id__in=[survivor_id, other_id], other_id__in=[survivor_id, other_id], state=MergeState.PROPOSED
    ).delete()
    done = Merge.objects.create(survivor_id=survivor_id, other_id=other_id, created_at=now, **values)
    _note(done, EventKind.CONTACT_MERGED, [survivor_id], now)
    return done


def unmerge(merge: Merge, by: User | None = None) -> Merge:
    """Take a done merge apart: identities, their events and orders, tags and consents go back; the pair is not merged
    automatically again. What happened since stays with the identity it happened on. Raises CannotUnmerge. Audited."""
    with transaction.atomic():
        survivor_id, other_id = merge.survivor_id, merge.other_id
        locked = {
            c.pk: c for c in Contact.objects.select_for_update().filter(pk__in=[survivor_id, other_id]).order_by("pk")
        }
        merge = Merge.objects.select_for_update().get(pk=merge.pk)
        survivor, other = locked[survivor_id], locked[other_id]
        if merge.state != MergeState.DONE or other.merged_into_id != survivor_id or survivor.merged_into_id is not None:
            raise CannotUnmerge("Another merge came after this one; undo that one first.")
        undo, now = merge.undo, clock.now()
        identities = list(
            Identity.objects.filter(pk__in=undo["identities"], contact_id=survivor_id).values_list("pk", flat=True)
        )
        Identity.objects.filter(pk__in=identities).update(contact_id=other_id)
        StageChange.objects.filter(pk__in=undo["stage_changes"]).update(contact_id=other_id)
        Order.objects.filter(pk__in=undo["orders"]).update(contact_id=other_id)
        _return_tags(undo["tags"], survivor_id, other_id)
        _return_consents(undo["consents"], survivor_id, other_id)
        _return_fields(undo["fields"], survivor)
        Contact.objects.filter(pk=other_id).update(merged_into=None, version=F("version") + 1)
        for path in settings.CONTACT_UNMERGE_HANDLERS:
            import_string(path)(survivor_id, other_id)
        _return_events(survivor_id, other_id, identities, undo["events"])
        for contact_id in (survivor_id, other_id):
            recount(contact_id)
        orders.totals([survivor_id, other_id])
        merge.state, merge.settled_at = MergeState.UNDONE, clock.real_now()
        merge.save(update_fields=["state", "settled_at"])
        _note(merge, EventKind.CONTACT_UNMERGED, [survivor_id, other_id], now)
        audit.record(by, "contact.unmerged", survivor, other=other_id, merge=merge.pk)
    return merge


def accept(merge: Merge, *, survivor_id: int, by: User | None = None) -> Merge:
    """A proposal agreed to; ``survivor_id`` is the one of the two that lives on. Raises CannotMerge. Audited."""
    with transaction.atomic():
        merge = Merge.objects.select_for_update().get(pk=merge.pk)
        if merge.state != MergeState.PROPOSED or survivor_id not in {merge.survivor_id, merge.other_id}:
            raise CannotMerge("The proposal was settled already.")
        other_id = merge.other_id if survivor_id == merge.survivor_id else merge.survivor_id
        done = merge_rows(survivor_id, other_id, merge.evidence | {"accepted": True}, by)
        audit.record(by, "contact.merged", done.survivor, other=other_id, merge=done.pk)
    return done


def reject(merge: Merge, by: User | None = None) -> None:
    """A proposal turned down: these are two people; never proposed or merged automatically again. Audited."""
    with transaction.atomic():
        Merge.objects.filter(pk=merge.pk, state=MergeState.PROPOSED).update(
            state=MergeState.REJECTED, by=by, settled_at=clock.real_now()
        )
        audit.record(by, "contact.merge_rejected", merge.survivor, other=merge.other_id, merge=merge.pk)


def recount(contact_id: int) -> None:
    """A contact's roll-ups of acts, from the log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact c SET event_count = t.n, first_seen_at = COALESCE(t.first, c.first_seen_at),"
            " last_seen_at = COALESCE(t.last, c.last_seen_at),"
            " known = EXISTS (SELECT 1 FROM contacts_identity i WHERE i.contact_id = c.id AND i.kind <> %s)"
            " FROM (SELECT count(*) AS n, min(occurred_at) AS first, max(occurred_at) AS last FROM contacts_event"
            "   WHERE contact_id = %s AND NOT (kind = ANY(%s)) AND NOT COALESCE((properties->>'machine')::boolean, false)) t"
            " WHERE c.id = %s",
            [IdentityKind.ANONYMOUS, contact_id, [str(kind) for kind in OWN_KINDS], contact_id],
        )


def _locked(survivor_id: int, other_id: int) -> tuple[Contact, Contact]:
    found = {c.pk: c for c in Contact.objects.select_for_update().filter(pk__in=[survivor_id, other_id]).order_by("pk")}
    if len(found) < 2 or any(contact.merged_into_id is not None for contact in found.values()):
        raise CannotMerge("Both must be living contacts, and not the same.")
    return found[survivor_id], found[other_id]


def _moved(table: str, survivor_id: int, other_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET contact_id = %s WHERE contact_id = %s RETURNING id", [survivor_id, other_id]
        )
        return sorted(row[0] for row in cursor.fetchall())


def _move_tags(survivor_id: int, other_id: int) -> dict[str, Any]:
    held = Tagging.objects.filter(contact_id=survivor_id).values("tag_id")
    doubles = Tagging.objects.filter(contact_id=other_id, tag_id__in=held)
    kept = [
        {
            "tag": row.tag_id,
            "source": row.source,
            "confidence": row.confidence,
            "by": row.by_id,
            "created_at": row.created_at.isoformat(),
            "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        }
        for row in doubles
    ]
    doubles.delete()
    return {"moved": _moved("contacts_tagging", survivor_id, other_id), "doubles": kept}


def _return_tags(undo: dict[str, Any], survivor_id: int, other_id: int) -> None:
    Tagging.objects.filter(pk__in=undo["moved"], contact_id=survivor_id).update(contact_id=other_id)
    Tagging.objects.bulk_create(
        [
            Tagging(
                contact_id=other_id,
                tag_id=row["tag"],
                source=row["source"],
                confidence=row["confidence"],
                by_id=row["by"],
                created_at=row["created_at"],
                expires_at=row["expires_at"],
            )
            for row in undo["doubles"]
        ],
        ignore_conflicts=True,
    )


def _consents(contact_id: int) -> dict[tuple[str, str], Consent]:
    return {(row.channel, row.purpose): row for row in Consent.objects.filter(contact_id=contact_id)}


def _plain(row: Consent) -> dict[str, Any]:
    return {
        "channel": row.channel,
        "purpose": row.purpose,
        "state": row.state,
        "proof": row.proof,
        "changed_at": row.changed_at.isoformat(),
    }


_STRENGTH = {ConsentState.WITHDRAWN: 2, ConsentState.GRANTED: 1, ConsentState.PENDING: 0}
"""A withdrawal of either holds for both; a question that waits for its answer takes nothing away."""


def _join_consents(survivor_id: int, other_id: int) -> dict[str, Any]:
    mine, theirs = _consents(survivor_id), _consents(other_id)
    undo = {"survivor": [_plain(row) for row in mine.values()], "other": [_plain(row) for row in theirs.values()]}
    for key, row in theirs.items():
        held = mine.get(key)
        if held is None:
            Consent.objects.filter(pk=row.pk).update(contact_id=survivor_id)
        elif _STRENGTH[row.state] > _STRENGTH[held.state]:
            Consent.objects.filter(pk=held.pk).update(state=row.state, proof=row.proof, changed_at=row.changed_at)
    Consent.objects.filter(contact_id=other_id).delete()
    return undo


def _return_consents(undo: dict[str, Any], survivor_id: int, other_id: int) -> None:
    """Each gets back its own; what was changed since (in the time of the merge) stays with the survivor, and a withdrawal
    since holds for both."""
    now_held = _consents(survivor_id)
    before = {(row["channel"], row["purpose"]): row for row in undo["survivor"]}
    theirs = {(row["channel"], row["purpose"]): row for row in undo["other"]}
    joined = {}
    for key in before.keys() | theirs.keys():
        rows = [row for row in (before.get(key), theirs.get(key)) if row]
        joined[key] = max(rows, key=lambda row: _STRENGTH[row["state"]])
    for key, row in theirs.items():
        held = now_held.get(key)
        untouched = held is not None and held.changed_at == datetime.fromisoformat(joined[key]["changed_at"])
        back = dict(row)
        if held is not None and not untouched and held.state == ConsentState.WITHDRAWN:
            back |= {"state": held.state, "proof": held.proof, "changed_at": held.changed_at.isoformat()}
        Consent.objects.create(contact_id=other_id, **back)
        if untouched and key in before:
            own = before[key]
            Consent.objects.filter(pk=held.pk).update(
                state=own["state"], proof=own["proof"], changed_at=own["changed_at"]
            )
        elif untouched:
            held.delete()


def _join_fields(survivor: Contact, other: Contact) -> dict[str, Any]:
    """Fill the survivor's blanks; what changed is remembered as [before, after]."""
    changed: dict[str, list[Any]] = {}
    for field in _FILLED:
        mine, theirs = getattr(survivor, field), getattr(other, field)
        if not mine and theirs:
            setattr(survivor, field, theirs)
            changed[field] = [mine, theirs]
    added = {key: value for key, value in other.attributes.items() if key not in survivor.attributes}
    survivor.attributes = {**added, **survivor.attributes}
    order = list(Stage)
    if survivor.stage in _STAGES and order.index(other.stage) > order.index(survivor.stage):
        changed["stage"] = [survivor.stage, other.stage]
        survivor.stage, survivor.stage_since = other.stage, other.stage_since
    undo = {"changed": changed, "attributes": added}
    survivor.known = survivor.known or other.known
    survivor.first_seen_at = min(survivor.first_seen_at, other.first_seen_at)
    survivor.last_seen_at = max(survivor.last_seen_at, other.last_seen_at)
    survivor.event_count += other.event_count
    survivor.name_grams = cjk.grams(survivor.name) if survivor.name else []
    survivor.version += 1
    survivor.save()
    return undo


def _return_fields(undo: dict[str, Any], survivor: Contact) -> None:
    """Take back what the merge filled in, unless it was changed since."""
    for field, (before, after) in undo["changed"].items():
        if getattr(survivor, field) == after:
            setattr(survivor, field, before)
    survivor.attributes = {
        key: value
        for key, value in survivor.attributes.items()
        if not (key in undo["attributes"] and undo["attributes"][key] == value)
    }
    survivor.name_grams = cjk.grams(survivor.name) if survivor.name else []
    survivor.version += 1
    survivor.save()


def _return_events(survivor_id: int, other_id: int, identities: Sequence[int], own: Sequence[int]) -> None:
    """Events follow their identity; those of our own side that stood with the other before the merge go back too, and so do
    the orders of the events."""
    take_order_lock()
    Event.objects.filter(contact_id=survivor_id, identity_id__in=identities).update(contact_id=other_id)
    Event.objects.filter(contact_id=survivor_id, id__in=own).update(contact_id=other_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_order o SET contact_id = e.contact_id FROM contacts_event e"
            " WHERE e.contact_id = %s AND e.kind = ANY(%s) AND o.contact_id = %s AND o.account_id = e.account_id"
            " AND o.external_id = e.properties->>'order_id'",
            [other_id, sorted(orders.KINDS), survivor_id],
        )


def _note(merge: Merge, kind: EventKind, contact_ids: list[int], now: datetime) -> None:
    append_own(
        [
            Incoming(
                kind=kind,
                channel=ChannelKind.SYS,
                occurred_at=now,
                contact_id=contact_id,
                properties={
                    "merge": merge.pk,
                    "survivor": merge.survivor_id,
                    "other": merge.other_id,
                    "evidence": merge.evidence,
                    "by": merge.by_id,
                },
            )
            for contact_id in contact_ids
        ]
    )
