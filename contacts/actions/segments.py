"""Segments: saved, frozen, copied, deleted."""

from typing import Any

from django.db import connection, transaction

from contacts import queries
from contacts.actions.profile import StaleVersion
from contacts.models import Segment, SegmentMember
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock, hints


class SegmentInUse(Exception):
    """Something still needs the segment; ``users`` says what."""

    def __init__(self, users: list[str]):
        super().__init__(", ".join(users))
        self.users = users


@transaction.atomic
def save_segment(
    *, segment_id: int | None, name: str, description: str, rule: dict[str, Any] | None, version: int | None, by: User
) -> Segment:
    """Make a dynamic segment, or change one read at ``version``; ``rule`` None leaves the rule of a static one alone. The
    members follow with the next refresh. Raises StaleVersion. The rule must have been validated."""
    if segment_id is None:
        segment = Segment(created_by=by, rule=rule or {})
    else:
        segment = Segment.objects.select_for_update().get(pk=segment_id)
        if segment.version != version:
            raise StaleVersion
        segment.version += 1
    segment.name, segment.description = name, description
    if rule is not None and not segment.static and rule != segment.rule:
        # Refreshed next, and silently: nobody entered or left, the segment itself became another.
        segment.rule, segment.broken_reason, segment.refreshed_at = rule, "", None
    segment.save()
    audit.record(by, "segment.updated" if segment_id else "segment.created", segment, rule=segment.rule)
    hints.poke_on_commit("segments")
    return segment


@transaction.atomic
def freeze_segment(*, segment_id: int, name: str, people: Any, by: User) -> Segment:
    """A static segment with the people of a queryset of contacts as they are now. One statement for all members."""
    source = Segment.objects.get(pk=segment_id)
    now = clock.now()
    frozen = Segment.objects.create(
        name=name, description=source.description, static=True, created_by=by, refreshed_at=now, rule=source.rule
    )
    sql, parameters = people.filter(merged_into=None).order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {SegmentMember._meta.db_table} (segment_id, contact_id, entered_at)"
            f" SELECT %s, people.id, %s FROM ({sql}) AS people(id) ON CONFLICT DO NOTHING",
            [frozen.pk, now, *parameters],
        )
        frozen.member_count = cursor.rowcount
    frozen.save(update_fields=["member_count"])
    audit.record(by, "segment.created", frozen, source=segment_id, members=frozen.member_count)
    return frozen


@transaction.atomic
def copy_segment(*, segment_id: int, name: str, by: User) -> Segment:
    """The same rule under another name, to be changed."""
    source = Segment.objects.get(pk=segment_id)
    copy = Segment.objects.create(name=name, description=source.description, rule=source.rule, created_by=by)
    audit.record(by, "segment.created", copy, copied_from=segment_id)
    hints.poke_on_commit("segments")
    return copy


@transaction.atomic
def delete_segment(*, segment_id: int, by: User) -> None:
    """Delete a segment that nothing needs. Raises SegmentInUse."""
    segment = Segment.objects.select_for_update().get(pk=segment_id)
    if users := queries.segment_users(segment):
        raise SegmentInUse(users)
    audit.record(by, "segment.deleted", segment, name=segment.name, members=segment.member_count)
    segment.delete()
