"""What a condition compiles to. Every leaf is a set of contact ids, or a condition on the contact's own row."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from contacts.log.copying import array

Params = list[Any]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a rule. ``path`` is ``r`` for the root and ``r.0.2`` for the third child of its first child; ``not``
    adds no step. ``field`` is the key of the leaf that is wrong, when one is."""

    path: str
    message: str
    field: str = ""


class BrokenRule(Exception):
    """The rule cannot be evaluated: it names something that is gone, or itself. The text is for people."""


@dataclass(frozen=True)
class Cond:
    """A condition on the row of the contact, alias ``c``. All of one group share one WHERE."""

    sql: str
    params: Params = field(default_factory=list)


@dataclass(frozen=True)
class IdSet:
    """``sql`` selects contact_id. ``negated``: everybody who is not in it."""

    sql: str
    params: Params = field(default_factory=list)
    distinct: bool = True
    """No contact comes twice."""
    exists: Callable[[str], tuple[str, Params]] | None = None
    """The same as a correlated test, given the outer id's SQL; only for sets without grouping: it makes NOT cheap."""
    negated: bool = False

    def complement(self) -> "IdSet":
        return replace(self, negated=not self.negated)


Part = Cond | IdSet


@dataclass(frozen=True)
class Scope:
    """What a rule is evaluated against."""

    now: datetime
    zone: ZoneInfo
    ids: tuple[int, ...] | None = None
    """Only these contacts; repeated on every table, else the planner reads them whole."""
    inside: tuple[int, ...] = ()
    """Segments that are being compiled around this one."""

    def within(self, column: str) -> tuple[str, Params]:
        if self.ids is None:
            return "", []
        return f" AND {column} = ANY(%s::bigint[])", [array(self.ids)]

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def start_of(self, day: date) -> datetime:
        """First instant of a day of the company's zone."""
        return datetime.combine(day, time(), self.zone)


@dataclass(frozen=True)
class Leaf:
    """A kind of condition. ``check`` answers (field, message) pairs for a leaf that has its kind; ``compile`` may rely on a
    checked leaf; ``describe`` says it in the active language, as a part of a sentence."""

    kind: str
    check: Callable[[dict[str, Any]], list[tuple[str, str]]]
    compile: Callable[[dict[str, Any], Scope], Part]
    describe: Callable[[dict[str, Any]], str]
    timed: Callable[[dict[str, Any]], bool] = lambda leaf: False
    """May people enter or leave by the passing of time alone?"""


def everybody(scope: Scope) -> tuple[str, Params]:
    """SELECT of all living contacts, to which conditions may be added."""
    narrowed, params = scope.within("c.id")
    return f"SELECT c.id AS contact_id FROM contacts_contact c WHERE c.merged_into_id IS NULL{narrowed}", params
