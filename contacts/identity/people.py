"""Identity resolution against the database: one chunk of events in, their contacts and identities out, set-based."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from contacts.enums import IdentityKind, MergeState, Trust
from contacts.identity import newcomers, traits
from contacts.identity.merging import merge_rows
from contacts.identity.normalise import mask, normalise
from contacts.identity.resolving import Key, Person, Plan, Resolver, Row, Shown
from contacts.log.copying import array
from contacts.log.incoming import Handle, Incoming, Placed
from contacts.models import Merge
from scrm.lib import clock, crypto


class Raced(Exception):
    """Somebody else made or merged one of these people meanwhile; the chunk must be read again."""


class Handles:
    """The distinct handles of a chunk: normal form and blind index computed once each."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str, int], Key | None] = {}
        self._indexers: dict[str, Callable[[str], str]] = {}
        self.values: dict[Key, str] = {}

    def key(self, handle: Handle) -> Key | None:
        """None when the value is no such handle."""
        raw = (handle.kind, handle.value, handle.scope)
        try:
            return self._keys[raw]
        except KeyError:
            pass
        kind = str.__str__(handle.kind)  # the text of a choice, without the detour of its own __str__
        value = normalise(kind, str(handle.value))
        key = None
        if value is not None:
            index = self._indexers.get(kind)
            if index is None:
                index = self._indexers[kind] = crypto.indexer(kind)
            key = (kind, handle.scope, index(value))
            self.values[key] = value
        self._keys[raw] = key
        return key

    def shown(self, handles: Sequence[Handle]) -> list[Shown]:
        """Keys with the trust this event proves, in the given order, each once."""
        if len(handles) == 1:
            handle = handles[0]
            key = self.key(handle)
            return [] if key is None else [(key, handle.trust)]
        best: dict[Key, int] = {}
        for handle in handles:
            if (key := self.key(handle)) is not None:
                best[key] = max(best.get(key, 0), int(handle.trust))
        return list(best.items())


def resolve(batch: Sequence[Incoming]) -> list[Placed]:
    """Settle whose events these are, making and merging contacts as the trust rules say, in the current transaction.

    A constant number of statements, plus those of each automatic merge (rare). Raises Raced; roll back and call again.
    """
    handles = Handles()
    shown = [handles.shown(event.handles) for event in batch]
    rows = _stored(handles.values)
    delicate = _delicate(batch, shown, rows)
    people = _load_people(delicate, rows)
    resolver = Resolver(rows, limit_of, _told_apart(people) if people else set())
    settled: list[tuple[Person | None, Row | None]] = []
    for n, event in enumerate(batch):
        if len(shown[n]) == 1 and event.contact_id is None:
            # By far the most: one handle, known with nothing new about it, or new.
            key, trust = shown[n][0]
            row = rows.get(key)
            if row is None:
                settled.append(resolver.newcomer(n, key, trust, event.occurred_at))
                continue
            if trust <= row.trust:
                settled.append((row.person.root(), row))
                continue
        if shown[n] or event.contact_id is not None:
            anchor = people.get(event.contact_id) if event.contact_id is not None else None
            if event.contact_id is not None and anchor is None:
                settled.append((None, None))
            else:
                settled.append(resolver.settle(n, shown[n], event.occurred_at, anchor))
        else:
            settled.append((None, None))
    _apply(resolver.plan, batch, shown, settled, handles)
    made = resolver.plan.made
    placed = []
    for n, (event, (person, row)) in enumerate(zip(batch, settled, strict=True)):
        if person is None:
            placed.append(Placed(event, None))
            continue
        person = person.root()
        if row is None or row.person.root() is not person:
            placed.append(Placed(event, person.id, created=made.get(person) == n))
        else:
            placed.append(Placed(event, person.id, row.id, row.seen_at, made.get(person) == n))
    return placed


def limit_of(kind: str) -> int:
    """Most identities of a kind that one contact may collect."""
    return settings.IDENTITY_LIMITS.get(kind, settings.IDENTITY_LIMITS["other"])


def _stored(values: dict[Key, str]) -> dict[Key, Row]:
    if not values:
        return {}
    groups: dict[tuple[str, int], list[str]] = {}
    for kind, scope, index in values:
        groups.setdefault((kind, scope), []).append(index)
    ordered = sorted(groups)
    # One walk along the unique index per kind and scope; a join would start at its root for every handle.
    walk = (
        "SELECT %s, i.index::text, i.id, i.contact_id, i.trust, i.last_seen_at FROM contacts_identity i"
        " WHERE i.kind = %s AND i.scope = %s AND i.index = ANY(%s::uuid[])"
    )
    told = [(n, *group, array(sorted(groups[group]))) for n, group in enumerate(ordered)]
    with connection.cursor() as cursor:
        # Else the planner may read the whole table; the settings must not leak into the caller's transaction.
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
            + " UNION ALL ".join([walk] * len(told)),
            [value for group in told for value in group],
        )
        found = cursor.fetchall()
        cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on")
    people: dict[int, Person] = {}
    rows: dict[Key, Row] = {}
    for n, index, identity_id, contact_id, trust, seen_at in found:
        key = (*ordered[n], index.replace("-", ""))
        if (person := people.get(contact_id)) is None:
            person = people[contact_id] = Person(contact_id, seen_at)
        rows[key] = Row(key, person, trust, identity_id, seen_at)
    return rows


def _delicate(batch: Sequence[Incoming], shown: list[list[Shown]], rows: dict[Key, Row]) -> set[int]:
    """Contacts whose facts decide something: more than one handle is shown, or a handle proves more than is stored."""
    wanted: set[int] = set()
    for n, event in enumerate(batch):
        if event.contact_id is not None:
            wanted.add(event.contact_id)
        if len(shown[n]) <= 1:
            for key, trust in shown[n]:
                if key in rows and trust > rows[key].trust:
                    wanted.add(rows[key].person.id)
            continue
        owned = [(rows[key], trust) for key, trust in shown[n] if key in rows]
        owners = {row.person.id for row, _trust in owned}
        if len(owned) < len(shown[n]) or len(owners) > 1 or any(trust > row.trust for row, trust in owned):
            wanted |= {owner for owner in owners if owner is not None}
    return wanted


def _load_people(contact_ids: set[int], rows: dict[Key, Row]) -> dict[int, Person]:
    """Facts of these contacts by id, kept from being merged until the commit. A tombstone is answered by its survivor when
    our own side named it, and is a race when an identity still led there."""
    if not contact_ids:
        return {}
    people = {row.person.id: row.person for row in rows.values() if row.person.id in contact_ids}
    led = set(people)
    aliases: dict[int, int] = {}
    wanted = set(contact_ids)
    with connection.cursor() as cursor:
        while wanted:
            cursor.execute(
                "SELECT id, known, first_seen_at, merged_into_id FROM contacts_contact WHERE id = ANY(%s::bigint[])"
                " ORDER BY id FOR KEY SHARE",
                [array(wanted)],
            )
            wanted = set()
            for contact_id, known, since, merged_into in cursor.fetchall():
                if merged_into is not None:
                    if contact_id in led:
                        raise Raced
                    aliases[contact_id] = merged_into
                    wanted.add(merged_into)
                    continue
                person = people.setdefault(contact_id, Person(contact_id, since))
                person.known, person.since = known, since
        cursor.execute(
            "SELECT contact_id, kind, count(*), max(trust) FROM contacts_identity"
            " WHERE contact_id = ANY(%s::bigint[]) GROUP BY contact_id, kind",
            [array(people)],
        )
        for contact_id, kind, number, trust in cursor.fetchall():
            person = people[contact_id]
            person.counts[kind] = number
            if kind != IdentityKind.ANONYMOUS and trust >= Trust.VERIFIED:
                person.verified = True
    for asked in aliases:
        end = asked
        while end in aliases:
            end = aliases[end]
        if end in people:
            people[asked] = people[end]
    return people


def _told_apart(people: dict[int, Person]) -> set[frozenset[int]]:
    """Pairs that a person rejected or that were merged and taken apart again."""
    ids = [person.id for person in people.values()]
    pairs = Merge.objects.filter(
        state__in=[MergeState.REJECTED, MergeState.UNDONE], survivor_id__in=ids, other_id__in=ids
    ).values_list("survivor_id", "other_id")
    return {frozenset(pair) for pair in pairs}


def _apply(
    plan: Plan,
    batch: Sequence[Incoming],
    shown: list[list[Shown]],
    settled: list[tuple[Person | None, Row | None]],
    handles: Handles,
) -> None:
    now = clock.now()
    told = traits.collect(batch, shown, [person for person, _row in settled])
    if plan.made:
        newcomers.make_contacts(plan.made, batch, told, now)
    if plan.attached and not newcomers.make_identities(plan.attached, batch, handles.values):
        raise Raced
    if plan.raised:
        newcomers.raise_identities([(row, batch[n]) for row, n in plan.raised.values()])
    if known := [person.id for person in plan.became_known if person not in plan.made and person.merged is None]:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE contacts_contact SET known = true WHERE id = ANY(%s::bigint[]) AND NOT known", [array(known)]
            )
    for survivor, other, n in plan.merges:
        merge_rows(survivor.root().id, other.id, evidence_of(batch[n], shown[n], handles))
    if plan.proposals:
        _propose(plan, batch, shown, handles, now)
    traits.apply({person: facts for person, facts in told.items() if person not in plan.made})


def _propose(plan: Plan, batch, shown, handles: Handles, now: datetime) -> None:
    """Record each pair once; a pair that is proposed or was rejected already stays as it is."""
    Merge.objects.bulk_create(
        [
            Merge(
                survivor_id=survivor.id,
                other_id=other.id,
                state=MergeState.PROPOSED,
                evidence=evidence_of(batch[n], shown[n], handles),
                created_at=now,
            )
            for survivor, other, n in plan.proposals.values()
            if survivor.merged is None and other.merged is None
        ],
        ignore_conflicts=True,
    )


def evidence_of(event: Incoming, shown: Sequence[Shown], handles: Handles) -> dict[str, Any]:
    """What links two people, without any contact point in clear."""
    return {
        "event": event.kind,
        "channel": event.channel,
        "account_id": event.account_id,
        "occurred_at": event.occurred_at.isoformat(),
        "handles": [
            {"kind": key[0], "hint": mask(key[0], handles.values[key]), "trust": Trust(trust).name.lower()}
            for key, trust in shown
        ],
    }
