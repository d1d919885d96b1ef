"""Tags and stages for many people at once. Each call answers the events that tell what really changed; the caller appends
them last in its transaction (the log's order lock)."""

import json
from datetime import datetime

from django.db import connection

from contacts.enums import ChannelKind, EventKind, TagSource
from contacts.intake import Incoming
from contacts.models import Tag


def add_tag(tag_id: int, contact_ids: list[int], now: datetime, expires_at: datetime | None = None) -> list[Incoming]:
    """Who has the tag already keeps it (a longer validity is taken over) and makes no event."""
    name = Tag.objects.values_list("name", flat=True).get(pk=tag_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_tagging (contact_id, tag_id, source, confidence, created_at, expires_at)"
            " SELECT id, %s, %s, 1.0, %s, %s FROM contacts_contact WHERE id = ANY(%s) ORDER BY id"
            " ON CONFLICT (contact_id, tag_id) DO UPDATE SET expires_at ="
            " CASE WHEN contacts_tagging.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL"
            " ELSE greatest(contacts_tagging.expires_at, excluded.expires_at) END"
            " RETURNING contact_id, (xmax = 0)",
            [tag_id, TagSource.JOURNEY.value, now, expires_at, sorted(set(contact_ids))],
        )
        added = [contact_id for contact_id, fresh in cursor.fetchall() if fresh]
    return [_event(EventKind.TAG_ADDED, contact_id, now, {"tag": name, "tag_id": tag_id}) for contact_id in added]


def remove_tag(tag_id: int, contact_ids: list[int], now: datetime) -> list[Incoming]:
    name = Tag.objects.values_list("name", flat=True).get(pk=tag_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM contacts_tagging WHERE tag_id = %s AND contact_id = ANY(%s) RETURNING contact_id",
            [tag_id, list(contact_ids)],
        )
        removed = [contact_id for (contact_id,) in cursor.fetchall()]
    return [_event(EventKind.TAG_REMOVED, contact_id, now, {"tag": name, "tag_id": tag_id}) for contact_id in removed]


def set_stage(stage: str, contact_ids: list[int], now: datetime, *, journey_id: int) -> list[Incoming]:
    """With history. Who is in the stage already is left alone."""
    reason = json.dumps({"journey": journey_id})
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH before AS (SELECT id, stage FROM contacts_contact WHERE id = ANY(%(ids)s) AND stage <> %(stage)s"
            " ORDER BY id FOR NO KEY UPDATE),"
            " moved AS (UPDATE contacts_contact c SET stage = %(stage)s, stage_since = %(now)s, version = c.version + 1"
            " FROM before b WHERE c.id = b.id RETURNING c.id, b.stage)"
            " INSERT INTO contacts_stagechange (contact_id, from_stage, to_stage, reason, changed_at)"
            " SELECT id, stage, %(stage)s, %(reason)s, %(now)s FROM moved RETURNING contact_id, from_stage",
            {"ids": sorted(set(contact_ids)), "stage": stage, "now": now, "reason": reason},
        )
        moved = cursor.fetchall()
    return [
        _event(EventKind.STAGE_CHANGED, contact_id, now, {"from": before, "to": stage, "journey": journey_id})
        for contact_id, before in moved
    ]


def _event(kind: EventKind, contact_id: int, now: datetime, properties: dict) -> Incoming:
    return Incoming(kind=kind, channel=ChannelKind.SYS, occurred_at=now, contact_id=contact_id, properties=properties)
