"""Reads that several pages share."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, Max, Model, OuterRef, QuerySet, Sum, Value
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from contacts.enums import EventKind, kind_label
from contacts.models import (
    AssignRule,
    Contact,
    ScoreRule,
    Segment,
    SegmentMember,
    StageRule,
    TagCount,
    Tagging,
)
from contacts.segments import leaves_of
from scrm.core.enums import Scope
from scrm.core.models import User

MOST_NAMES = 200


def owners_for(user: User, *, everybody: bool = False) -> QuerySet[User]:
    """People who may own contacts: all, the team's, or nobody to choose from when the role sees only its own.
    ``everybody`` is for handing over, which may go to any colleague."""
    active = User.objects.active().select_related("team").order_by("name", "id")
    if everybody or user.scope == Scope.ALL:
        return active
    if user.scope == Scope.TEAM and user.team_id:
        return active.filter(team=user.team_id)
    return active.none()


def attribute_names() -> list[str]:
    """Keys of custom attributes among the contacts seen last; a key that only old contacts carry may be missing. One query
    on an index, however many contacts there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT jsonb_object_keys(recent.attributes) FROM (SELECT attributes FROM contacts_contact"
            " WHERE merged_into_id IS NULL ORDER BY last_seen_at DESC, id DESC LIMIT 2000) recent ORDER BY 1 LIMIT %s",
            [MOST_NAMES],
        )
        return [row[0] for row in cursor.fetchall()]


def tag_usage(user: User) -> dict[int, tuple[int, datetime | None]]:
    """Tag -> (number of contacts, when it was last put on one). A reader of everything gets the kept counts, also for tags that
    nobody carries any more; others what is on the contacts they may see. One query."""
    if user.scope == Scope.ALL:
        rows = TagCount.objects.values_list("tag").annotate(total=Sum("n"), newest=Max("last_at"))
    else:
        seen = Exists(Contact.objects.visible_to(user).filter(pk=OuterRef("contact")))
        rows = Tagging.objects.filter(seen).values_list("tag").annotate(total=Count("id"), newest=Max("created_at"))
    return {tag: (n, last_at) for tag, n, last_at in rows.order_by()}


def event_choices() -> list[tuple[str, str]]:
    """Event kinds to choose from: the product's own, then the names that tracking brought in. A loose index scan over
    (kind, ...): one step per distinct kind."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE kinds AS ("
            " (SELECT kind FROM contacts_event WHERE kind >= 'track:' AND kind < 'track;' ORDER BY kind LIMIT 1)"
            " UNION ALL SELECT (SELECT e.kind FROM contacts_event e WHERE e.kind > k.kind AND e.kind < 'track;'"
            " ORDER BY e.kind LIMIT 1) FROM kinds k WHERE k.kind IS NOT NULL)"
            " SELECT kind FROM kinds WHERE kind IS NOT NULL LIMIT %s",
            [MOST_NAMES],
        )
        tracked = [(row[0], kind_label(row[0])) for row in cursor.fetchall()]
    return [*EventKind.choices, *tracked]


def tag_users(tag_id: int) -> list[str]:
    """What names the tag in a rule. Two queries."""
    return [
        str(name) for name, leaf in _named_leaves() if leaf.get("kind") == "tag" and tag_id in (leaf.get("tags") or [])
    ]


def segment_users(segment: Segment) -> list[str]:
    """What needs the segment: rules of other segments and of stages, and rows of any room with a foreign key to it."""
    users = [
        str(name)
        for name, leaf in _named_leaves(without_segment=segment.pk)
        if leaf.get("kind") == "segment" and leaf.get("segment") == segment.pk
    ]
    for model, field in _pointing_at_segments():
        users += [
            f"{model._meta.verbose_name} “{row}”" for row in model._default_manager.filter(**{field: segment})[:20]
        ]
    return list(dict.fromkeys(users))


def segment_uses(ids: Iterable[int]) -> Counter[int]:
    """How many things need each of these segments; a fixed number of queries."""
    wanted = set(ids)
    uses: Counter[int] = Counter()
    for _name, leaf in _named_leaves():
        if leaf.get("kind") == "segment" and leaf.get("segment") in wanted:
            uses[leaf["segment"]] += 1
    for model, field in _pointing_at_segments():
        rows = model._default_manager.filter(**{f"{field}__in": wanted}).order_by()
        for segment_id, number in rows.values_list(field).annotate(n=Count("pk")):
            uses[segment_id] += number
    return uses


def _named_leaves(without_segment: int | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    for segment in (
        Segment.objects.filter(static=False).exclude(pk=without_segment).only("name", "rule").order_by("name")
    ):
        for _path, leaf in leaves_of(segment.rule):
            yield _("segment “%(name)s”") % {"name": segment.name}, leaf
    for what, name, rule in _own_rules():
        for _path, leaf in leaves_of(rule):
            yield what % {"name": _(name)}, leaf
    for path in settings.RULE_HOLDERS:
        yield from import_string(path)()


def _own_rules() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(words for what it is, name, rule) of the rules that this room itself holds. One query."""
    kinds = [
        (StageRule, _("stage rule “%(name)s”")),
        (ScoreRule, _("score “%(name)s”")),
        (AssignRule, _("lead assignment “%(name)s”")),
    ]
    parts = [model.objects.order_by().values_list(Value(n), "name", "rule") for n, (model, _w) in enumerate(kinds)]
    for n, name, rule in parts[0].union(*parts[1:], all=True):
        yield kinds[n][1], name, rule


def _pointing_at_segments() -> list[tuple[type[Model], str]]:
    """Models of any room that point at a segment, without a room to the left having to be known here."""
    return [
        (relation.related_model, relation.field.name)
        for relation in Segment._meta.related_objects
        if relation.related_model is not SegmentMember and relation.related_model._meta.managed
    ]
