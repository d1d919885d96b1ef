"""Segments: rules over everything we know of a contact.

A rule is ``{"all": [...]}``, ``{"any": [...]}``, ``{"not": rule}`` or a leaf. An empty ``{}`` or ``{"all": []}`` is everybody.
``op`` is one of eq, ne, gte, lte, gt, lt, in, contains, exists, missing where it says so. Days are counted back from ``now``.

=============  =================================================================================================================
kind           fields
=============  =================================================================================================================
attribute      ``name``: name, language, time_zone, region, city, source, source_label, owner, team, known, created_at,
               first_seen_at, last_seen_at, event_count, or ``attributes.<key>`` for a custom one; ``op``, ``value``. Dates take
               eq ne gte lte gt lt with an ISO day (company's zone), and ``last_days`` / ``before_days`` with a number of days
tag            ``tags`` [ids], ``op`` any (default) | all | none
stage          ``stages`` [keys], optional ``op`` gte | lte with ``days`` in the stage
event          ``event`` kind, ``where`` [{property, op, value}], ``measure`` count | sum | days | days_in_a_row, ``property`` of a
               sum, ``op`` gte lte gt lt eq, ``value``, ``days`` back or ``since`` / ``until`` (company's days, both included),
               optional ``channel``
order          ``measure`` count | sum | average | last_days_ago | first_days_ago, ``op``, ``value``, ``days`` back
consent        ``channel``, ``purpose`` (marketing), ``state`` granted | pending | withdrawn | none
identity       ``identity`` kind, ``state`` present (default) | reachable | verified
segment        ``segment`` id
contacts       ``ids`` of a fixed list
=============  =================================================================================================================

Rooms on the left add kinds through settings.SEGMENT_CONDITIONS (see ``leaves.base.Leaf``).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from contacts.models import Contact, Segment
from contacts.segments.base import BrokenRule, Cond, IdSet, Leaf, Problem, Scope
from contacts.segments.compiling import select_ids
from contacts.segments.walking import describe, is_timed, leaves_of, validate
from scrm.core.models import Company, User
from scrm.lib import clock

__all__ = [
    "BrokenRule",
    "Cond",
    "IdSet",
    "Leaf",
    "Problem",
    "Scope",
    "contacts",
    "count",
    "describe",
    "ids_sql",
    "is_timed",
    "leaves_of",
    "matching",
    "people",
    "validate",
]

Rule = dict[str, Any]


def contacts(rule: Rule, now: datetime | None = None) -> QuerySet[Contact]:
    """The living contacts in the rule, as of ``now`` (business time). Limit it with ``visible_to`` before showing it to
    anybody: ``contacts(rule) & Contact.objects.visible_to(user)``. Raises BrokenRule."""
    sql, params = ids_sql(rule, now)
    return Contact.objects.living().filter(pk__in=RawSQL(sql, params))


def people(segment: Segment, now: datetime | None = None) -> QuerySet[Contact]:
    """The living contacts of a stored segment: the rows of a static one, else those who meet its rule as of ``now``. Limit it with
    ``visible_to`` before showing it to anybody. Raises BrokenRule."""
    if segment.static:
        return Contact.objects.living().filter(segment_memberships__segment=segment)
    return contacts(segment.rule, now)


def ids_sql(rule: Rule, now: datetime | None = None, ids: Iterable[int] | None = None) -> tuple[str, list[Any]]:
    """SQL that selects ``contact_id`` of everybody in the rule, each once; for INSERT ... SELECT. Raises BrokenRule."""
    scope = Scope(now or clock.now(), ZoneInfo(Company.get().time_zone), None if ids is None else tuple(ids))
    return select_ids(rule, scope)


def matching(rule: Rule, contact_ids: Iterable[int], now: datetime | None = None) -> set[int]:
    """Those of the given contacts that are in the rule. One statement. Raises BrokenRule."""
    ids = set(contact_ids)
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(*ids_sql(rule, now, ids))
        return {row[0] for row in cursor.fetchall()}


def count(rule: Rule, user: User | None = None, now: datetime | None = None) -> int:
    """How many contacts are in the rule; of those the user may see, when one is given. Raises BrokenRule."""
    if user is not None and user.scope != "all":
        return Contact.objects.visible_to(user).filter(pk__in=RawSQL(*ids_sql(rule, now))).count()
    sql, params = ids_sql(rule, now)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) found", params)
        return cursor.fetchone()[0]
