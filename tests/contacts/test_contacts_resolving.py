"""The trust rules, in memory: against a reference union-find, and what must never happen."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.enums import IdentityKind, Trust
from contacts.identity.resolving import Person, Resolver

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)
KINDS = [IdentityKind.OPENID, IdentityKind.USER_ID, IdentityKind.EMAIL, IdentityKind.PHONE]


def key(kind, number):
    return (str(kind), 0, f"{kind}-{number}")


proven = st.builds(lambda kind, n: (key(kind, n), int(Trust.VERIFIED)), st.sampled_from(KINDS), st.integers(0, 5))
weak = st.builds(
    lambda kind, n, trust: (key(kind, n), int(trust)),
    st.sampled_from([*KINDS, IdentityKind.ANONYMOUS]),
    st.integers(0, 5),
    st.sampled_from([Trust.OBSERVED, Trust.CLAIMED]),
)


def once(shown):
    """As an event shows them: every handle once, with its best trust."""
    best = {}
    for handle, trust in shown:
        best[handle] = max(best.get(handle, 0), trust)
    return list(best.items())


def settle_all(events, limit=1000, refused=()):
    resolver = Resolver({}, lambda kind: limit, set(refused))
    people = [resolver.settle(n, once(shown), MOMENT)[0] for n, shown in enumerate(events) if shown]
    return resolver, people


class UnionFind:
    def __init__(self):
        self.parent = {}

    def find(self, item):
        self.parent.setdefault(item, item)
        while self.parent[item] != item:
            item = self.parent[item]
        return item

    def union(self, one, two):
        self.parent[self.find(one)] = self.find(two)


def groups(pairs):
    found = {}
    for member, root in pairs:
        found.setdefault(root, set()).add(member)
    return {frozenset(group) for group in found.values()}


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(proven, min_size=1, max_size=4), max_size=25))
def test_proven_handles_equal_a_union_find(events):
    resolver, people = settle_all(events)
    reference = UnionFind()
    for shown in events:
        for handle, _trust in shown:
            reference.union(handle, shown[0][0])
    ours = groups((handle, id(row.person.root())) for handle, row in resolver.rows.items())
    assert ours == groups((handle, reference.find(handle)) for handle in reference.parent)
    for shown, person in zip(events, people, strict=True):
        assert person.root() is resolver.rows[shown[0][0]].person.root()


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(st.one_of(proven, weak), min_size=1, max_size=4), max_size=25))
def test_what_is_only_observed_or_claimed_never_joins_proven_people(events):
    """However handles are mixed: two proven handles stand with one contact only if proven events link them."""
    resolver, _people = settle_all(events)
    reference = UnionFind()
    for shown in events:
        strong = [handle for handle, trust in once(shown) if trust == Trust.VERIFIED]
        for handle in strong:
            reference.union(handle, strong[0])
    by_person = {}
    for handle, row in resolver.rows.items():
        if row.trust == Trust.VERIFIED and handle[0] != IdentityKind.ANONYMOUS:
            by_person.setdefault(id(row.person.root()), set()).add(reference.find(handle))
    assert all(len(linked) == 1 for linked in by_person.values())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.one_of(proven, weak), min_size=1, max_size=4), max_size=25), st.integers(1, 3))
def test_nobody_collects_more_than_the_limit(events, limit):
    resolver, people = settle_all(events, limit)
    held = {}
    for handle, row in resolver.rows.items():
        owner = (id(row.person.root()), handle[0])
        held[owner] = held.get(owner, 0) + 1
    assert all(number <= limit for number in held.values())
    assert all(person.root().id is None for person in people)


def test_a_browser_goes_with_whom_a_server_names():
    browser, user = key(IdentityKind.ANONYMOUS, 1), key(IdentityKind.USER_ID, 1)
    resolver, people = settle_all([[(browser, 0)], [(user, 2), (browser, 2)]])
    assert people[0].root() is people[1].root()
    assert not resolver.plan.proposals


def test_a_shared_browser_does_not_join_two_users():
    browser, one, two = key(IdentityKind.ANONYMOUS, 1), key(IdentityKind.USER_ID, 1), key(IdentityKind.USER_ID, 2)
    resolver, people = settle_all([[(one, 2), (browser, 2)], [(two, 2), (browser, 2)]])
    assert people[0].root() is not people[1].root()


def test_pairs_told_apart_stay_apart():
    one, two = Person(1, MOMENT, True, True), Person(2, MOMENT, True, True)
    resolver = Resolver({}, lambda kind: 5, {frozenset((1, 2))})
    first, second = key(IdentityKind.OPENID, 1), key(IdentityKind.EMAIL, 1)
    resolver.settle(0, [(first, 2)], MOMENT, one)
    resolver.settle(1, [(second, 2)], MOMENT, two)
    resolver.settle(2, [(first, 2), (second, 2)], MOMENT)
    assert not resolver.plan.merges
    assert not resolver.plan.proposals
