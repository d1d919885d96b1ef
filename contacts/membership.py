"""Materialised members of dynamic segments. Entering and leaving are events, written in the transaction that changes the row:
exactly once. A new segment is filled silently: its first people did not enter, the segment was made around them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import F

from contacts import segments, stages
from contacts.consumers.reading import last_id, since, waiting_after
from contacts.enums import ChannelKind, EventKind
from contacts.intake import append_own
from contacts.log.copying import array
from contacts.log.incoming import Incoming
from contacts.models import ConsumerCursor, Contact, Segment, SegmentMember
from scrm.lib import clock

CURSOR = "contacts.membership"
SWEEP = "contacts.stages.sweep"
BATCH = 5000
FULL_EVERY = timedelta(hours=6)
TIMED_EVERY = timedelta(minutes=5)
"""How often (business time) everybody is looked at again; the shorter one when the rule says something about time."""

_QUIET = {EventKind.SEGMENT_ENTERED, EventKind.SEGMENT_LEFT}


def run() -> bool:
    """One bounded piece: the contacts touched since the last time, else one segment or the stage sweep that is due."""
    return refresh_touched() or refresh_due() or sweep_stages()


def refresh_touched() -> bool:
    """Everybody with new events, in every filled segment; True if there is more to read."""
    with transaction.atomic():
        cursor = _lock_cursor()
        if cursor is None or cursor.position >= last_id():
            return False
        events = since(cursor.position, BATCH)
        if not events:
            return False
        touched = {event.contact_id for event in events if event.kind not in _QUIET}
        told: list[Incoming] = []
        for segment in Segment.objects.filter(static=False).exclude(refreshed_at=None).order_by("pk"):
            told += _guarded(segment, touched)
        append_own(told)
        cursor.position, cursor.moved_at = events[-1].id, clock.real_now()
        cursor.save()
    return events[-1].id < last_id()


def refresh_due() -> bool:
    """The next dynamic segment that was never filled or not looked at for long; False when there is none."""
    now = clock.now()
    for segment in Segment.objects.filter(static=False).order_by(F("refreshed_at").asc(nulls_first=True)):
        age = None if segment.refreshed_at is None else now - segment.refreshed_at
        every = TIMED_EVERY if segments.is_timed(segment.rule) else FULL_EVERY
        if age is None or age >= every or age < timedelta(0):
            refresh(segment)
            return True
    return False


def refresh(segment: Segment) -> None:
    """Bring one dynamic segment up to date for everybody; in pieces, each its own transaction unless the caller has one."""
    started = clock.now()
    silent = segment.refreshed_at is None
    try:
        if trouble := segments.validate(segment.rule):
            raise segments.BrokenRule(trouble[0].message)
        with transaction.atomic():
            wrong = _out_of_date(segment, started)
    except (segments.BrokenRule, KeyError, TypeError, DatabaseError) as error:
        _break(segment, error, started)
        return
    for start in range(0, len(wrong), BATCH):
        with transaction.atomic():
            _lock_cursor(wait=True)
            append_own(_reconcile(segment, wrong[start : start + BATCH], started, silent))
    members = SegmentMember.objects.filter(segment=segment).count()
    # Not when somebody saved another rule meanwhile: that one has not been looked at yet.
    Segment.objects.filter(pk=segment.pk, version=segment.version).update(
        refreshed_at=started, member_count=members, broken_reason=""
    )


def sweep_stages() -> bool:
    """Stage rules that depend on the passing of time, for everybody they may concern; once an hour of business time."""
    now = clock.now()
    with transaction.atomic():
        ConsumerCursor.objects.bulk_create([ConsumerCursor(name=SWEEP)], ignore_conflicts=True)
        cursor = ConsumerCursor.objects.select_for_update(skip_locked=True).filter(pk=SWEEP).first()
        if cursor is None or 0 <= now.timestamp() - cursor.position < 3600:
            return False
        told: list[Incoming] = []
        for ids in _buyers():
            told += stages.apply_rules(ids, now, timed_only=True)
        # Once and last: whoever holds the lock that orders the log must take no further row lock.
        append_own(told)
        cursor.position, cursor.moved_at = int(now.timestamp()), clock.real_now()
        cursor.save()
    return False


def lag() -> dict:
    """Events not looked at yet (see ``waiting_after``)."""
    return waiting_after(ConsumerCursor.objects.filter(pk=CURSOR).values_list("position", flat=True).first() or 0)


def _buyers() -> Iterable[list[int]]:
    """Contacts with orders in pieces; only they can be at risk, lost or won back by time."""
    last = 0
    while True:
        rows = (
            Contact.objects.living().filter(pk__gt=last, order_count__gt=0).order_by("pk").values_list("pk", flat=True)
        )
        ids = list(rows[: BATCH * 4])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _guarded(segment: Segment, touched: set[int]) -> list[Incoming]:
    """A segment that cannot be evaluated keeps its members and says why; the others go on."""
    now = clock.now()
    try:
        with transaction.atomic():
            return _reconcile(segment, touched, now, silent=False)
    except (segments.BrokenRule, KeyError, TypeError, DatabaseError) as error:
        _break(segment, error, None)
        return []


def _reconcile(segment: Segment, contact_ids: Iterable[int], now: datetime, silent: bool) -> list[Incoming]:
    """Make the membership of these contacts what the rule says now; answers the events of what changed."""
    asked = sorted(set(contact_ids))
    if not asked:
        return []
    fit = segments.matching(segment.rule, asked, now)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM contacts_segmentmember WHERE segment_id = %s AND contact_id = ANY(%s::bigint[])"
            " AND NOT (contact_id = ANY(%s::bigint[])) RETURNING contact_id",
            [segment.pk, array(asked), array(fit)],
        )
        left = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "INSERT INTO contacts_segmentmember (segment_id, contact_id, entered_at)"
            " SELECT %s, id, %s FROM unnest(%s::bigint[]) id ON CONFLICT DO NOTHING RETURNING contact_id",
            [segment.pk, now, array(sorted(fit))],
        )
        entered = [row[0] for row in cursor.fetchall()]
    if entered or left:
        Segment.objects.filter(pk=segment.pk).update(member_count=F("member_count") + len(entered) - len(left))
    if silent:
        return []
    told = {"segment": segment.pk, "name": segment.name}
    living = set(Contact.objects.living().filter(pk__in=left).values_list("pk", flat=True)) if left else set()
    return [
        Incoming(kind, ChannelKind.SYS, now, contact_id=pk, properties=told)
        for kind, ids in ((EventKind.SEGMENT_LEFT, left), (EventKind.SEGMENT_ENTERED, entered))
        for pk in ids
        if kind == EventKind.SEGMENT_ENTERED or pk in living
    ]


def _out_of_date(segment: Segment, now: datetime) -> list[int]:
    """Contacts whose membership is not what the rule says."""
    sql, params = segments.ids_sql(segment.rule, now)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found AS MATERIALIZED ({sql}),"
            " members AS (SELECT contact_id FROM contacts_segmentmember WHERE segment_id = %s)"
            " SELECT COALESCE(found.contact_id, members.contact_id) FROM found"
            " FULL JOIN members ON members.contact_id = found.contact_id"
            " WHERE found.contact_id IS NULL OR members.contact_id IS NULL ORDER BY 1",
            [*params, segment.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def _break(segment: Segment, error: Exception, refreshed_at: datetime | None) -> None:
    changes = {"broken_reason": str(error)[:200] or type(error).__name__}
    if refreshed_at is not None:
        changes["refreshed_at"] = refreshed_at
    Segment.objects.filter(pk=segment.pk, version=segment.version).update(**changes)


def _lock_cursor(wait: bool = False) -> ConsumerCursor | None:
    """The lock under which members change."""
    rows = ConsumerCursor.objects.select_for_update(skip_locked=not wait)
    cursor = rows.filter(pk=CURSOR).first()
    if cursor is None and not ConsumerCursor.objects.filter(pk=CURSOR).exists():
        ConsumerCursor.objects.bulk_create([ConsumerCursor(name=CURSOR)], ignore_conflicts=True)
        cursor = rows.filter(pk=CURSOR).first()
    return cursor
