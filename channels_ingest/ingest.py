"""From the inbox to the event log: claim a batch, parse all of it, append once, mark it done.

Events carry external ids, so a batch that a killed worker had already appended is appended again without effect: every
delivery takes effect exactly once, however often it is tried.
"""

import logging
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from channels_ingest import edge
from channels_ingest.connectors.base import Parsed, Raw
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.connectors.xml import NotXml
from channels_ingest.enums import DeliveryState
from channels_ingest.models import Channel, Delivery, SceneCode
from channels_ingest.models.delivery import KEPT_FOR, unpack
from contacts import catalogue
from contacts.intake import Incoming, append, uncollected
from scrm.core import live
from scrm.lib import clock

log = logging.getLogger(__name__)

BATCH = 1000
BATCH_BYTES = 4 * 1024 * 1024
"""Bytes of plain bodies that one batch may hold (one delivery always fits)."""
LEASE = timedelta(seconds=settings.LEASE_SECONDS)
ALONE_AFTER = 2
"""A delivery whose batch died so often is tried alone, so that it cannot take others along."""
DEAD_AFTER = 5
_EXPIRE_BATCH = 2000


@dataclass(slots=True)
class Claimed:
    id: int
    channel_id: int
    raw: bytes
    trustee: str
    notes: dict[str, Any]
    received_at: datetime
    business_at: datetime
    attempts: int
    parsed: Parsed | None = None
    error: str = ""


def run_once() -> bool:
    """One batch; True when there may be more."""
    fence = secrets.randbits(62)
    rows = _claim(fence, alone=True) or _claim(fence, alone=False)
    if not rows:
        return False
    with uncollected():
        _digest(rows, fence)
    return True


def lag() -> dict[str, float]:
    waiting = Delivery.objects.waiting()
    oldest = waiting.order_by("id").values_list("received_at", flat=True).first()
    return {"waiting": waiting.count(), "oldest_seconds": (clock.real_now() - oldest).total_seconds() if oldest else 0}


def expire() -> bool:
    """Remove what is older than 30 days, a bounded number at a time; True when there may be more. What still waits stays."""
    before = clock.real_now() - KEPT_FOR
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM channels_ingest_delivery WHERE id IN (
                SELECT id FROM channels_ingest_delivery WHERE received_at < %s AND state <> 'pending'
                ORDER BY received_at LIMIT %s)
            """,
            [before, _EXPIRE_BATCH],
        )
        removed = cursor.rowcount
    edge.forget_counts(before)
    return removed == _EXPIRE_BATCH


def _claim(fence: int, *, alone: bool) -> list[Claimed]:
    """Lease the oldest waiting deliveries that nobody holds. Real time."""
    now = clock.real_now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH picked AS MATERIALIZED (
                SELECT id, size FROM channels_ingest_delivery
                WHERE state = 'pending' AND attempts {">=" if alone else "<"} %s
                  AND (leased_until IS NULL OR leased_until < %s)
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
            ), fitting AS (
                SELECT id FROM (SELECT id, size, sum(size) OVER (ORDER BY id) AS upto FROM picked) p WHERE upto - size < %s
            )
            UPDATE channels_ingest_delivery d SET leased_until = %s, fence = %s, attempts = d.attempts + 1
            FROM fitting WHERE d.id = fitting.id
            RETURNING d.id, d.channel_id, d.raw, d.trustee, d.notes, d.received_at, d.business_at, d.attempts
            """,
            [ALONE_AFTER, now, 1 if alone else BATCH, BATCH_BYTES, now + LEASE, fence],
        )
        columns = [column[0] for column in cursor.description]
        rows = [Claimed(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]
    for row in rows:
        if isinstance(row.notes, str):
            row.notes = Delivery._meta.get_field("notes").from_db_value(row.notes, None, connection)
    return sorted(rows, key=lambda row: row.id)


def _digest(rows: list[Claimed], fence: int) -> None:
    """Parse, append, mark. A constant number of statements for any number of deliveries without errors."""
    channels = Channel.objects.in_bulk({row.channel_id for row in rows})
    for row in rows:
        _parse(row, channels)
    good = [row for row in rows if not row.error]
    _label_scenes([event for row in good for event in row.parsed.incoming])
    _append(good)
    _finish(rows, fence)
    _note_channels(rows)
    _count_odd(rows, channels)


def _parse(row: Claimed, channels: dict[int, Channel]) -> None:
    if row.attempts > DEAD_AFTER:
        row.error = f"the worker died {row.attempts - 1} times over this delivery"
        return
    channel = channels[row.channel_id]
    parse = CONNECTORS[channel.kind].parse
    try:
        if parse is None:
            raise ValueError(f"{channel.kind} takes no deliveries")
        raw = Raw(row.id, unpack(row.raw), row.trustee, row.notes, row.received_at, row.business_at)
        row.parsed = parse(channel, raw)
    except Exception as error:
        # Whatever a stranger's body makes a parser do concerns this delivery only.
        log.warning("delivery %s cannot be read: %s", row.id, type(error).__name__)
        row.error = _sentence(error)


def _label_scenes(events: list[Incoming]) -> None:
    """Scene strings get the label that our people gave to the code."""
    tagged = [event for event in events if event.properties.get("scene")]
    if not tagged:
        return
    wanted = {(event.account_id, event.properties["scene"]) for event in tagged}
    found = SceneCode.objects.filter(channel_id__in={a for a, _s in wanted}, scene__in={s for _a, s in wanted})
    labels = {(account, scene): label for account, scene, label in found.values_list("channel_id", "scene", "label")}
    for event in tagged:
        label = labels.get((event.account_id, event.properties["scene"]))
        if label:
            event.properties["label"] = label
            if event.source and event.source.get("kind") == "qr_scene":
                event.source["label"] = label


def _append(rows: list[Claimed]) -> None:
    """All at once; when that fails, by halves until the poison one stands alone. A database that is away is not poison."""
    events = [event for row in rows for event in row.parsed.incoming]
    products = [told for row in rows for told in row.parsed.products]
    if not events and not products:
        return
    try:
        catalogue.apply(products)
        append(events)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(rows) == 1:
            log.exception("delivery %s cannot be stored", rows[0].id)
            rows[0].error = _sentence(error)
            return
        middle = len(rows) // 2
        _append(rows[:middle])
        _append(rows[middle:])


def _finish(rows: list[Claimed], fence: int) -> None:
    """Only rows that are still ours: a worker whose lease ran out finds another fence and changes nothing."""
    states = [str(DeliveryState.DEAD if row.error else DeliveryState.DONE) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE channels_ingest_delivery d
            SET state = t.state, error = t.error, processed_at = %s, leased_until = NULL
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS t(id, state, error)
            WHERE d.id = t.id AND d.fence = %s AND d.state = 'pending'
            """,
            [clock.real_now(), [row.id for row in rows], states, [row.error for row in rows], fence],
        )


def _note_channels(rows: list[Claimed]) -> None:
    newest: dict[int, datetime] = {}
    for row in rows:
        newest[row.channel_id] = max(row.received_at, newest.get(row.channel_id, row.received_at))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE channels_ingest_channel c SET last_callback_at = greatest(c.last_callback_at, t.at)
            FROM unnest(%s::bigint[], %s::timestamptz[]) AS t(id, at) WHERE c.id = t.id
            """,
            [list(newest), list(newest.values())],
        )
    for channel_id in newest:
        live.touch_on_commit("channel", channel_id)


def _count_odd(rows: list[Claimed], channels: dict[int, Channel]) -> None:
    odd: Counter[tuple[int, str]] = Counter()
    first: dict[tuple[int, str], tuple[str, str]] = {}
    for row in rows:
        for reason, detail, sample in row.parsed.odd if row.parsed and not row.error else ():
            odd[row.channel_id, str(reason)] += 1
            first.setdefault((row.channel_id, str(reason)), (detail, sample))
    for (channel_id, reason), times in odd.items():
        detail, sample = first[channel_id, reason]
        edge.count(channels[channel_id], reason, detail=detail, sample=(sample or detail).encode(), times=times)


def _sentence(error: Exception) -> str:
    """What the page says. Only our own words and a parser's position: other messages may quote the body."""
    told = type(error) is ValueError or isinstance(error, (NotXml, orjson.JSONDecodeError))
    return f"{type(error).__name__}: {error}"[:500] if told else type(error).__name__
