"""Keyset pages: "the rows after this one" instead of "skip 10,000 rows". Page n costs the same as page one, and rows that
come or go meanwhile neither repeat nor hide a row.

``order`` is a list of field names as for ``order_by`` ("-last_seen_at", "owner__name", an annotation); the primary key is
added as the last key, in the direction of the first. Nullable columns are allowed: NULL comes last in both directions.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID
from zlib import crc32

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy


@dataclass(frozen=True)
class Slice:
    """One page. ``next`` and ``previous`` are opaque cursors, None at the ends."""

    rows: list[Any]
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class _Key:
    name: str
    descending: bool
    nullable: bool

    def ordering(self, backwards: bool) -> OrderBy:
        descending = self.descending != backwards
        column = F(self.name)
        if not self.nullable:
            return column.desc() if descending else column.asc()
        if backwards:
            return column.desc(nulls_first=True) if descending else column.asc(nulls_first=True)
        return column.desc(nulls_last=True) if descending else column.asc(nulls_last=True)

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def beyond(self, value: Any, backwards: bool) -> Q | None:
        """Rows strictly further along this key; None when there cannot be any."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False}) if backwards else None
        further = Q(**{f"{self.name}__{'lt' if self.descending != backwards else 'gt'}": value})
        return further | Q(**{f"{self.name}__isnull": True}) if self.nullable and not backwards else further


def page(rows: QuerySet, order: Sequence[str], cursor: str | None = None, size: int = 50) -> Slice:
    """The page at the cursor, or the first one when there is none, it is damaged or it belongs to another order. One
    query of ``size + 1`` rows."""
    keys = _keys(rows.model, order)
    place = _decode(cursor, keys)
    backwards = place is not None and place[0]
    try:
        at_place = rows.filter(_beyond(keys, place[1], backwards)) if place else rows
        found = list(at_place.order_by(*(key.ordering(backwards) for key in keys))[: size + 1])
    except (ValueError, TypeError, ValidationError):  # values of other types than the columns
        return page(rows, order, None, size)
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    if not found:
        return Slice([], None, None)
    has_next = backwards or more
    has_previous = more if backwards else place is not None
    return Slice(
        found,
        _encode(False, found[-1], keys) if has_next else None,
        _encode(True, found[0], keys) if has_previous else None,
    )


def _keys(model: type[Model], order: Sequence[str]) -> list[_Key]:
    keys = [_Key(name.lstrip("-"), name.startswith("-"), _nullable(model, name.lstrip("-"))) for name in order]
    if not any(key.name in {"pk", "id"} for key in keys):
        keys.append(_Key("pk", keys[0].descending if keys else True, False))
    return keys


def _nullable(model: type[Model], name: str) -> bool:
    for part in name.split("__"):
        if part == "pk":
            return False
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            return True  # an annotation may be NULL
        if field.null:
            return True
        model = field.related_model or model
    return False


def _beyond(keys: list[_Key], values: list[Any], backwards: bool) -> Q:
    """Lexicographic "after": beyond the first key, or equal there and beyond the second, and so on."""
    after, same = Q(pk__in=[]), Q()
    for key, value in zip(keys, values, strict=True):
        further = key.beyond(value, backwards)
        if further is not None:
            after |= same & further
        same &= key.same(value)
    first, value = keys[0], values[0]
    if not first.nullable and len(keys) > 1:  # lets the index start at the value instead of filtering from the top
        after &= Q(**{f"{first.name}__{'lte' if first.descending != backwards else 'gte'}": value})
    return after


def _values(row: Any, keys: list[_Key]) -> list[Any]:
    values = []
    for key in keys:
        value = row
        for part in key.name.split("__"):
            value = None if value is None else getattr(value, part)
        values.append(value)
    return values


_TAGS: dict[str, Any] = {"t": datetime.fromisoformat, "d": date.fromisoformat, "n": Decimal, "u": UUID}


def _encode(backwards: bool, row: Any, keys: list[_Key]) -> str:
    plain: list[Any] = []
    for value in _values(row, keys):
        tag = {datetime: "t", date: "d", Decimal: "n", UUID: "u"}.get(type(value))
        plain.append({tag: value.isoformat() if tag in {"t", "d"} else str(value)} if tag else value)
    text = json.dumps([int(backwards), _sign(keys), *plain], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decode(cursor: str | None, keys: list[_Key]) -> tuple[bool, list[Any]] | None:
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        backwards, sign, *plain = json.loads(raw)
        values = [_plain(value) for value in plain]
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return None
    return (bool(backwards), values) if sign == _sign(keys) and len(values) == len(keys) else None


def _sign(keys: list[_Key]) -> int:
    """Tells cursors of different orders apart."""
    return crc32(",".join(f"{'-' if key.descending else ''}{key.name}" for key in keys).encode())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        ((tag, text),) = value.items()
        return _TAGS[tag](text)
    if isinstance(value, list):
        raise ValueError("a list is not a key")
    return value
