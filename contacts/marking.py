"""Tags, stages and consent for many people at once, in the current transaction. Each answers the events that tell what really
changed; the caller appends them last, since the log's order lock is held until the commit."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.enums import ChannelKind, ConsentState, EventKind, TagSource
from contacts.log.copying import array, json_text, stamps, text_array
from contacts.log.incoming import Incoming
from contacts.models import Tag

_CONSENT_KINDS = {
    ConsentState.GRANTED.value: EventKind.CONSENT_GRANTED,
    ConsentState.WITHDRAWN.value: EventKind.CONSENT_WITHDRAWN,
}


def add_tag(
    tag: Tag, contact_ids: Iterable[int], now: datetime, source: TagSource, by_id: int | None = None
) -> list[Incoming]:
    """Who has the tag keeps it and makes no event. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_tagging (contact_id, tag_id, source, confidence, by_id, created_at)"
            " SELECT id, %s, %s, 1.0, %s, %s FROM contacts_contact WHERE id = ANY(%s::bigint[]) AND merged_into_id IS NULL"
            " ORDER BY id ON CONFLICT (contact_id, tag_id) DO UPDATE SET expires_at = NULL,"
            "   created_at = excluded.created_at, source = excluded.source, by_id = excluded.by_id"
            "   WHERE contacts_tagging.expires_at <= excluded.created_at"
            " RETURNING contact_id",
            [tag.pk, source.value, by_id, now, array(set(contact_ids))],
        )
        added = [row[0] for row in cursor.fetchall()]
    return [_event(EventKind.TAG_ADDED, pk, now, {"tag": tag.name, "tag_id": tag.pk, "by": by_id}) for pk in added]


def remove_tag(tag: Tag, contact_ids: Iterable[int], now: datetime, by_id: int | None = None) -> list[Incoming]:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM contacts_tagging WHERE tag_id = %s AND contact_id = ANY(%s::bigint[]) RETURNING contact_id",
            [tag.pk, array(set(contact_ids))],
        )
        removed = [row[0] for row in cursor.fetchall()]
    return [_event(EventKind.TAG_REMOVED, pk, now, {"tag": tag.name, "tag_id": tag.pk, "by": by_id}) for pk in removed]


def set_stages(
    moves: Mapping[int, tuple[str, str]], now: datetime, more: Mapping[int, dict[str, Any]] | None = None
) -> list[Incoming]:
    """Contact id -> (stage, reason). With history; who is in the stage already is left alone. One statement, locks the
    contacts in id order. ``more`` adds properties to a contact's event."""
    if not moves:
        return []
    ordered = sorted(moves)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH asked AS (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS t(id, stage, reason)),"
            " before AS (SELECT c.id, c.stage AS old, asked.stage, asked.reason FROM contacts_contact c"
            "   JOIN asked ON asked.id = c.id AND asked.stage <> c.stage WHERE c.merged_into_id IS NULL"
            "   ORDER BY c.id FOR NO KEY UPDATE OF c),"
            " moved AS (UPDATE contacts_contact c SET stage = b.stage, stage_since = %s FROM before b WHERE c.id = b.id"
            "   RETURNING c.id, b.old, b.stage, b.reason)"
            " INSERT INTO contacts_stagechange (contact_id, from_stage, to_stage, reason, changed_at)"
            " SELECT id, old, stage, reason, %s FROM moved RETURNING contact_id, from_stage, to_stage, reason",
            [
                array(ordered),
                text_array(moves[pk][0] for pk in ordered),
                text_array(moves[pk][1][:200] for pk in ordered),
                now,
                now,
            ],
        )
        changed = cursor.fetchall()
    return [
        _event(
            EventKind.STAGE_CHANGED, pk, now, {"from": old, "to": new, "reason": reason, **((more or {}).get(pk) or {})}
        )
        for pk, old, new, reason in changed
    ]


def set_consents(rows: Sequence[tuple[int, str, str, str, dict[str, Any], datetime]]) -> list[Incoming]:
    """(contact id, channel, purpose, state, proof, when). A row older than what is stored changes nothing; a state that is
    held already makes no event. At most one row per contact, channel and purpose. One statement."""
    if not rows:
        return []
    rows = sorted(rows, key=lambda row: row[:3])
    contact, channel, purpose, state, proof, moment = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH asked AS (SELECT t.* FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],"
            "   %s::timestamptz[]) AS t(contact_id, channel, purpose, state, proof, changed_at)"
            "   JOIN contacts_contact c ON c.id = t.contact_id AND c.merged_into_id IS NULL),"
            " before AS (SELECT k.contact_id, k.channel, k.purpose, k.state FROM contacts_consent k"
            "   JOIN asked USING (contact_id, channel, purpose)),"
            " told AS (INSERT INTO contacts_consent AS k (contact_id, channel, purpose, state, proof, changed_at)"
            "   SELECT contact_id, channel, purpose, state, proof::jsonb, changed_at FROM asked"
            "   ON CONFLICT (contact_id, channel, purpose) DO UPDATE SET state = excluded.state, proof = excluded.proof,"
            "     changed_at = excluded.changed_at WHERE k.changed_at <= excluded.changed_at"
            "   RETURNING contact_id, channel, purpose, state, proof, changed_at)"
            " SELECT told.contact_id, told.channel, told.purpose, told.state, told.proof->>'how', told.changed_at FROM told"
            " LEFT JOIN before b USING (contact_id, channel, purpose) WHERE b.state IS DISTINCT FROM told.state"
            " ORDER BY told.contact_id",
            [
                array(contact),
                text_array(channel),
                text_array(purpose),
                text_array(state),
                text_array(json_text(value) for value in proof),
                stamps(moment),
            ],
        )
        changed = cursor.fetchall()
    return [
        _event(_CONSENT_KINDS[state], pk, moment, {"channel": channel, "purpose": purpose, "how": how}, channel)
        for pk, channel, purpose, state, how, moment in changed
        if state in _CONSENT_KINDS
    ]


def _event(
    kind: EventKind, contact_id: int, now: datetime, properties: dict[str, Any], channel: str = ChannelKind.SYS
) -> Incoming:
    return Incoming(kind=kind, channel=channel, occurred_at=now, contact_id=contact_id, properties=properties)
