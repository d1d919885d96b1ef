"""Storing what resolution decided: new contacts, new identities, raised trust. One statement each for the whole chunk."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection

from contacts.enums import ChannelKind, EventKind, Stage, Trust
from contacts.identity.normalise import mask
from contacts.log.copying import array, copy_rows, copy_text, json_text, stamps, text_array
from contacts.log.incoming import Incoming
from contacts.log.writing import plausible
from scrm.lib import cjk, clock, crypto

if TYPE_CHECKING:
    from contacts.identity.resolving import Key, Person, Row
    from contacts.identity.traits import Facts

_PUBLIC = Stage.PUBLIC.value
_CONTACT_COLUMNS = (
    "id, name, name_grams, known, stage, time_zone, language, region, city, attributes, source_kind, source_label,"
    " source_account_id, first_seen_at, last_seen_at, event_count, order_count, order_total, version, created_at"
)


def make_contacts(
    made: dict["Person", int], batch: Sequence[Incoming], told: dict["Person", "Facts"], now: datetime
) -> None:
    """Store new contacts with their first touch and first traits; gives the persons their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('contacts_contact', 'id')) FROM generate_series(1, %s)", [len(made)]
        )
        ids = [row[0] for row in cursor.fetchall()]
    # What most newcomers share is written once.
    no_facts = "\t\t\t\t\t{}"
    end = f"0\t0\t0\t1\t{now.isoformat()}"
    lines = []
    for contact_id, (person, n) in zip(ids, made.items(), strict=True):
        person.id = contact_id
        event = batch[n]
        facts = told.get(person)
        name = facts.text.get("name", "") if facts else ""
        head = f"{contact_id}\t{copy_text(name)}\t{copy_text(text_array(cjk.grams(name))) if name else '{}'}"
        middle = _facts(facts) if facts else no_facts
        seen = plausible(event.occurred_at, now).isoformat()
        known = "t" if person.known else "f"
        lines.append(f"{head}\t{known}\t{_PUBLIC}{middle}\t{_source_of(event)}\t{seen}\t{seen}\t{end}")
    copy_rows("contacts_contact", _CONTACT_COLUMNS, lines)


def _facts(facts: "Facts") -> str:
    columns = "".join(
        f"\t{copy_text(facts.text.get(name, ''))}" for name in ("time_zone", "language", "region", "city")
    )
    return f"{columns}\t{copy_text(json_text(facts.attributes))}"


def _source_of(event: Incoming) -> str:
    """The first touch: what the event says, else its channel."""
    if not event.source:
        return f"{copy_text(event.channel)}\t\t{event.account_id}"
    kind = str(event.source.get("kind") or event.channel).replace("\0", "")[:24]
    label = str(event.source.get("label") or "").replace("\0", "")[:120]
    return f"{copy_text(kind)}\t{copy_text(label)}\t{int(event.source.get('account_id') or event.account_id)}"


def make_identities(attached: list[tuple["Row", int]], batch: Sequence[Incoming], values: dict["Key", str]) -> bool:
    """Store new identities; False when another transaction was first with one of them."""
    attached = sorted(
        attached, key=lambda entry: entry[0].key
    )  # one order for all writers, so that none wait in a circle
    index_key = crypto.index_key_id()
    keys = [row.key for row, _n in attached]
    seal = crypto.sealer("identity")
    proofs = [_proof(row.trust, batch[n]) for row, n in attached]
    now = clock.now()
    moments = [plausible(batch[n].occurred_at, now) for _row, n in attached]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_identity (contact_id, kind, scope, index, index_key, value, hint, trust, evidence,"
            " reachable, first_seen_at, last_seen_at)"
            " SELECT t.contact_id, t.kind, t.scope, t.index, %s, t.value, t.hint, t.trust, t.evidence::jsonb, true, t.seen, t.seen"
            " FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::uuid[], %s::bytea[], %s::text[], %s::smallint[],"
            " %s::text[], %s::timestamptz[]) AS t(contact_id, kind, scope, index, value, hint, trust, evidence, seen)"
            " ON CONFLICT DO NOTHING RETURNING id, kind, scope, encode(uuid_send(index), 'hex')",
            [
                index_key,
                array(row.person.root().id for row, _n in attached),
                text_array(key[0] for key in keys),
                array(key[1] for key in keys),
                array(key[2] for key in keys),
                text_array(["\\x" + seal(values[key]).hex() for key in keys]),
                text_array(mask(key[0], values[key]) for key in keys),
                array(row.trust for row, _n in attached),
                text_array(proofs),
                stamps(moments),
            ],
        )
        stored = {(kind, scope, index): identity_id for identity_id, kind, scope, index in cursor.fetchall()}
    for (row, _n), moment in zip(attached, moments, strict=True):
        row.id, row.seen_at = stored.get(row.key), moment
    return len(stored) == len(attached)


def raise_identities(raised: Sequence[tuple["Row", Incoming]]) -> None:
    """Higher trust, and the new owner of identities that proof took over."""
    raised = sorted(raised, key=lambda entry: entry[0].id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_identity i SET trust = GREATEST(i.trust, t.trust), contact_id = t.contact_id,"
            " evidence = t.evidence::jsonb"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::text[]) AS t(id, contact_id, trust, evidence)"
            " WHERE i.id = t.id",
            [
                array(row.id for row, _event in raised),
                array(row.person.root().id for row, _event in raised),
                array(row.trust for row, _event in raised),
                text_array(_proof(row.trust, event) for row, event in raised),
            ],
        )


def _proof(trust: int, event: Incoming) -> str:
    if trust == Trust.OBSERVED:
        return "{}"
    return json_text(
        {"by": _source(trust, event), "event": event.kind, "channel": event.channel, "account_id": event.account_id}
    )


def _source(trust: int, event: Incoming) -> str:
    """What vouches for the identity, as the profile page says it."""
    if trust < Trust.VERIFIED:
        return "form"
    if event.kind == EventKind.EMAIL_CONFIRMED:
        return "confirmed link"
    if event.channel in {ChannelKind.WEB, ChannelKind.SHOP}:
        return "server key" if event.account_id else "import"
    return "platform callback"
