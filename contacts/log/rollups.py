"""What an append changes beside the log: contacts and identities (orders: contacts.log.orders). A constant number of statements
for any batch."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from contacts.enums import EventKind
from contacts.log.copying import array, stamps
from contacts.log.incoming import Placed

_REFRESH = timedelta(hours=1)
"""An identity's last_seen_at is kept to this precision, which spares most of its updates."""
_TOUCHES = {EventKind.FOLLOWED, EventKind.SCANNED, EventKind.MENU_CLICKED}
_TELLING = _TOUCHES | {EventKind.MESSAGE_IN, EventKind.UNFOLLOWED}
"""Kinds that may say more of an identity than that it was seen."""
_WITHOUT_WINDOW = {"view", "picture", "place"}
"""Menu items that open no reply window: a page, the camera, the map (WeChat, "Customer service messages")."""


def lock(contact_ids: Iterable[int]) -> dict[int, int]:
    """Lock contacts against merging, in id order, until the commit: asked id -> id of the living survivor (locked too)."""
    living: dict[int, int] = {}
    asked = {contact_id: {contact_id} for contact_id in contact_ids}
    while asked:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, merged_into_id FROM contacts_contact WHERE id = ANY(%s::bigint[])"
                " ORDER BY id FOR NO KEY UPDATE",
                [array(sorted(asked))],
            )
            found = cursor.fetchall()
        onwards: dict[int, set[int]] = {}
        for contact_id, merged_into in found:
            if merged_into is None:
                living.update(dict.fromkeys(asked[contact_id], contact_id))
            else:
                onwards.setdefault(merged_into, set()).update(asked[contact_id])
        asked = onwards
    return living


def survivors(contact_ids: Iterable[int]) -> dict[int, int]:
    """Tombstones among the contacts -> the living one at the end of the chain. One statement on an index of tombstones."""
    wanted = list(contact_ids)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE chain (asked, id, next) AS ("
            "  SELECT id, id, merged_into_id FROM contacts_contact"
            "  WHERE merged_into_id IS NOT NULL AND id = ANY(%s::bigint[])"
            "  UNION ALL"
            "  SELECT chain.asked, c.id, c.merged_into_id FROM chain JOIN contacts_contact c ON c.id = chain.next"
            ") SELECT asked, id FROM chain WHERE next IS NULL",
            [array(wanted)],
        )
        return dict(cursor.fetchall())


def people(acts: Sequence[tuple[int, datetime]]) -> dict[int, int]:
    """event_count, first_seen_at and last_seen_at; answers asked contact -> the living one that took the act, locked by it.

    The update is the lock: rows are touched in id order (hence the nested loop over a sorted list), and a contact that was
    merged meanwhile does not match, so that its survivor is looked up and takes its place.
    """
    sums: dict[int, list[Any]] = {}
    for contact_id, moment in acts:
        held = sums.get(contact_id)
        if held is None:
            sums[contact_id] = [1, moment, moment]
        else:
            held[0] += 1
            if moment < held[1]:
                held[1] = moment
            elif moment > held[2]:
                held[2] = moment
    if not sums:
        return {}
    done = _count_acts(sums)
    living = dict(zip(done, done, strict=True))
    if len(living) < len(sums):
        late = lock(sums.keys() - living.keys())
        living.update(late)
        joined: dict[int, list[Any]] = {}
        for asked, survivor in late.items():
            number, first, last = sums[asked]
            held = joined.setdefault(survivor, [0, first, last])
            joined[survivor] = [held[0] + number, min(held[1], first), max(held[2], last)]
        _count_acts(joined)
    return living


def _count_acts(sums: dict[int, list[Any]]) -> list[int]:
    if not sums:
        return []
    ordered = sorted(sums)
    numbers, firsts, lasts = zip(*[sums[pk] for pk in ordered], strict=True)
    # Most people act once in a chunk: what they did first is then not said again.
    firsts = [None if first is last else first for first, last in zip(firsts, lasts, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
            "UPDATE contacts_contact c SET event_count = c.event_count + t.n,"
            " first_seen_at = LEAST(c.first_seen_at, t.first, t.last),"
            # Kept to the minute: within a browsing session the row changes no indexed column and its update stays cheap.
            " last_seen_at = CASE WHEN t.last >= c.last_seen_at + interval '1 minute' THEN t.last ELSE c.last_seen_at END"
            " FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[], %s::timestamptz[]) AS t(id, n, first, last)"
            " WHERE c.id = t.id AND c.merged_into_id IS NULL RETURNING c.id",
            [array(ordered), array(numbers), stamps(firsts), stamps(lasts)],
        )
        done = [row[0] for row in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on")
    return done


def identities(acts: Sequence[tuple[Placed, datetime]]) -> None:
    """Messaging windows and reachability by kind, and last_seen_at (to the hour)."""
    rows: dict[int, list[Any]] = {}
    for item, moment in acts:
        identity_id, kind, seen_at = item.identity_id, item.event.kind, item.identity_seen_at
        recent = seen_at is not None and moment < seen_at + _REFRESH
        if identity_id is None or (recent and kind not in _TELLING):
            continue
        touched = kind in _TOUCHES and item.event.properties.get("type") not in _WITHOUT_WINDOW
        tells = touched or kind in {EventKind.MESSAGE_IN, EventKind.UNFOLLOWED}
        if not tells and recent:
            continue
        row = rows.setdefault(identity_id, [moment, None, None, None])
        row[0] = max(row[0], moment)
        if kind == EventKind.MESSAGE_IN:
            row[1] = max(row[1] or moment, moment)
        elif touched:
            row[2] = max(row[2] or moment, moment)
        if tells:
            row[3] = kind != EventKind.UNFOLLOWED
    if not rows:
        return
    ordered = sorted(rows)
    seen, inbound, touch, reachable = zip(*(rows[identity_id] for identity_id in ordered), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_identity i SET last_seen_at = GREATEST(i.last_seen_at, t.seen),"
            " last_inbound_at = GREATEST(i.last_inbound_at, t.inbound),"
            " last_touch_at = GREATEST(i.last_touch_at, t.touch), reachable = COALESCE(t.reachable, i.reachable)"
            " FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::boolean[])"
            " AS t(id, seen, inbound, touch, reachable) WHERE i.id = t.id",
            [array(ordered), stamps(seen), stamps(inbound), stamps(touch), array(reachable)],
        )
