"""Whose act was it? The trust rules, in memory, over what the database knew when the chunk was read. Pure.

The rules in words are in docs/decisions (identity trust). In short: handles that an event *proves* (verified) and that are
proven property of different people merge them; everything else never merges two people, with one exception: a browser
that no proven person uses follows whom a server names together with it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from contacts.enums import IdentityKind, Trust

Key = tuple[str, int, str]
"""kind, scope, blind index (32 hex digits)."""


class Person:
    """A contact in memory. ``id`` is None until it is stored; a merged one points at its survivor."""

    __slots__ = ("counts", "id", "known", "merged", "since", "verified")

    def __init__(self, id_: int | None, since: datetime, known: bool = False, verified: bool = False) -> None:
        self.id = id_
        self.since = since
        self.known = known
        self.verified = verified
        """Owns a verified identity other than a browser."""
        self.counts: dict[str, int] = {}
        self.merged: Person | None = None

    def root(self) -> "Person":
        person = self
        while person.merged is not None:
            person = person.merged
        return person


class Row:
    """An identity in memory."""

    __slots__ = ("id", "key", "moved", "person", "seen_at", "trust")

    def __init__(self, key: Key, person: Person, trust: int, id_: int | None = None, seen_at: datetime | None = None):
        self.key = key
        self.person = person
        self.trust = trust
        self.id = id_
        self.seen_at = seen_at
        self.moved = False


Shown = tuple[Key, int]
"""A handle as an event shows it: key, trust that this event proves."""


@dataclass
class Plan:
    """What the chunk changes, in order."""

    made: dict[Person, int] = field(default_factory=dict)
    """New contact, position of the event that made it."""
    attached: list[tuple[Row, int]] = field(default_factory=list)
    """New identity, position of the event that showed it first."""
    raised: dict[int, tuple[Row, int]] = field(default_factory=dict)
    """By identity id: stored identities with a higher trust or another owner, and the event that did it."""
    merges: list[tuple[Person, Person, int]] = field(default_factory=list)
    """Survivor, other, event: both stored."""
    proposals: dict[tuple[int, int], tuple[Person, Person, int]] = field(default_factory=dict)
    became_known: set[Person] = field(default_factory=set)


class Resolver:
    """Settles the events of one chunk one after the other; each sees what the ones before it changed."""

    def __init__(
        self,
        rows: dict[Key, Row],
        limit: Callable[[str], int],
        refused: set[frozenset[int]],
    ) -> None:
        self.rows = rows
        self.limit = limit
        self.refused = refused
        """Pairs of contacts that a person has told apart: never merged or proposed again."""
        self.plan = Plan()

    def settle(
        self, n: int, shown: list[Shown], moment: datetime, anchor: Person | None = None
    ) -> tuple[Person, Row | None]:
        """The person of event ``n`` and the identity that is its evidence. ``anchor``: the person our own side named."""
        proven = [(key, trust) for key, trust in shown if trust >= Trust.VERIFIED and key[0] != IdentityKind.ANONYMOUS]
        browsers = [(key, trust) for key, trust in shown if key[0] == IdentityKind.ANONYMOUS]
        claims = [(key, trust) for key, trust in shown if trust < Trust.VERIFIED and key[0] != IdentityKind.ANONYMOUS]
        person = self._owner(n, proven, anchor) or self._fallback_owner(proven, browsers, claims)
        if person is None:
            person = Person(None, moment)
            self.plan.made[person] = n
        for key, _trust in proven:
            self._prove(n, key, person)
        for key, trust in browsers:
            self._browser(n, key, trust, person, bool(proven or anchor))
        for key, trust in claims:
            self._claim(n, key, trust, person)
        person = person.root()
        return person, self._evidence(person, (*proven, *browsers, *claims))

    def newcomer(self, n: int, key: Key, trust: int, moment: datetime) -> tuple[Person, Row | None]:
        """``settle`` for an event with one handle that nobody has yet."""
        person = Person(None, moment)
        self.plan.made[person] = n
        self._attach(n, key, person, trust)
        return person, self.rows.get(key)

    def _owner(self, n: int, proven: Iterable[Shown], anchor: Person | None) -> Person | None:
        """The owner by proof: several proven owners are one person and are merged."""
        owner = anchor.root() if anchor else None
        for key, _trust in proven:
            row = self.rows.get(key)
            if row is None or row.trust < Trust.VERIFIED:
                continue
            other = row.person.root()
            if owner is None:
                owner = other
            elif other is not owner:
                owner = self._merge(n, owner, other)
        return owner

    def _fallback_owner(self, proven: list[Shown], browsers: list[Shown], claims: list[Shown]) -> Person | None:
        """Without an owner by proof: who claimed a handle that is proven now, or uses the browser that a server names with
        it, if nothing else is proven of that person. When nothing is proven at all: the owner of the browser (a new browser
        is a new visitor, whatever is claimed in it); without any browser the owner of the claim."""
        if proven:
            named = [key for key, _trust in proven] + [key for key, trust in browsers if trust >= Trust.VERIFIED]
            owners = (self.rows[key].person.root() for key in named if key in self.rows)
            return next((person for person in owners if not person.verified), None)
        for key, _trust in browsers or claims:
            if key in self.rows:
                return self.rows[key].person.root()
        return None

    def _prove(self, n: int, key: Key, person: Person) -> None:
        row = self.rows.get(key)
        if row is None:
            self._attach(n, key, person, Trust.VERIFIED)
            return
        former = row.person.root()
        if former is person.root():
            self._raise(n, row, Trust.VERIFIED)
        elif row.trust < Trust.VERIFIED and self._room(person.root(), key[0]):
            # It was only claimed over there: proof takes it over, and a person decides whether the two are one.
            former.counts[key[0]] = former.counts.get(key[0], 1) - 1
            row.person, row.moved = person.root(), True
            person.root().counts[key[0]] = person.root().counts.get(key[0], 0) + 1
            self._raise(n, row, Trust.VERIFIED)
            self._propose(n, person, former)

    def _browser(self, n: int, key: Key, trust: int, person: Person, named: bool) -> None:
        row = self.rows.get(key)
        if row is None:
            self._attach(n, key, person, trust)
            return
        visitor = row.person.root()
        if visitor is person.root():
            self._raise(n, row, trust)
        elif named and trust >= Trust.VERIFIED and not visitor.verified:
            self._merge(n, person.root(), visitor)

    def _claim(self, n: int, key: Key, trust: int, person: Person) -> None:
        row = self.rows.get(key)
        if row is None:
            self._attach(n, key, person, trust)
        elif row.person.root() is person.root():
            self._raise(n, row, trust)
        elif trust >= Trust.CLAIMED:
            self._propose(n, row.person, person)

    def _attach(self, n: int, key: Key, person: Person, trust: int) -> None:
        person = person.root()
        if not self._room(person, key[0]):
            return
        row = self.rows[key] = Row(key, person, trust)
        person.counts[key[0]] = person.counts.get(key[0], 0) + 1
        self.plan.attached.append((row, n))
        self._learn(person, key[0], trust)

    def _raise(self, n: int, row: Row, trust: int) -> None:
        if trust <= row.trust and not row.moved:
            return
        row.trust = max(trust, row.trust)
        if row.id is not None:
            self.plan.raised[row.id] = (row, n)
        self._learn(row.person.root(), row.key[0], row.trust)

    def _learn(self, person: Person, kind: str, trust: int) -> None:
        if kind == IdentityKind.ANONYMOUS:
            return
        if not person.known:
            person.known = True
            self.plan.became_known.add(person)
        if trust >= Trust.VERIFIED:
            person.verified = True

    def _room(self, person: Person, kind: str) -> bool:
        """A person with too many identities of a kind is a shared device or a default value, not a person: stop."""
        return person.counts.get(kind, 0) < self.limit(kind)

    def _merge(self, n: int, one: Person, two: Person) -> Person:
        """The two become one; answers who goes on. Stops at the limits and at pairs that were told apart."""
        if self._told_apart(one, two):
            return one
        kinds = one.counts.keys() & two.counts.keys()
        if any(one.counts[kind] + two.counts[kind] > self.limit(kind) for kind in kinds):
            self._propose(n, one, two)
            return one
        survivor, other = older(one, two)
        for kind, number in other.counts.items():
            survivor.counts[kind] = survivor.counts.get(kind, 0) + number
        if other.id is not None:
            self.plan.merges.append((survivor, other, n))
        else:
            self.plan.made.pop(other, None)
        other.merged = survivor
        survivor.verified = survivor.verified or other.verified
        if other.known and not survivor.known:
            survivor.known = True
            self.plan.became_known.add(survivor)
        return survivor

    def _propose(self, n: int, one: Person, two: Person) -> None:
        one, two = one.root(), two.root()
        if one is two or self._told_apart(one, two):
            return
        survivor, other = older(one, two)
        self.plan.proposals.setdefault((id(survivor), id(other)), (survivor, other, n))

    def _told_apart(self, one: Person, two: Person) -> bool:
        return one.id is not None and two.id is not None and frozenset((one.id, two.id)) in self.refused

    def _evidence(self, person: Person, shown: Iterable[Shown]) -> Row | None:
        for key, _trust in shown:
            row = self.rows.get(key)
            if row is not None and row.person.root() is person:
                return row
        return None


def older(one: Person, two: Person) -> tuple[Person, Person]:
    """Survivor and other: known before unknown, stored before new, then the older, then the smaller number."""

    def rank(person: Person) -> tuple:
        return (not person.known, person.id is None, person.since, person.id or 0)

    return (one, two) if rank(one) <= rank(two) else (two, one)
