"""Every kind of condition against a plain Python evaluation of the same world."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import identity, segments
from contacts.enums import ConsentState, IdentityKind, Stage, Trust
from contacts.intake import append
from contacts.models import Consent, Contact, Identity, Segment, SegmentMember, Tag, Tagging
from contacts.segments.operators import holds
from contacts.segments.registry import leaves
from scrm.lib import clock
from tests.contacts.contacts_worlds import NOON, act, ago, browser, email, followed, paid, refunded, user

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
CITIES = ["杭州", "上海", ""]
STAGES = ["public", "lead", "new"]


class World:
    """Ten people with everything a condition can ask for, small enough to be evaluated by hand."""

    def __init__(self, admin):
        self.people = []
        self.read = {}
        with clock.frozen(NOON):
            for n in range(10):
                answer = append(
                    [followed(n, at=ago(days=40 + n)) if n % 2 else act("identified", user(n), at=ago(days=40 + n))]
                )[0]
                self.people.append(answer.contact_id)
            self._events()
            self._orders()
            self.tags = [Tag.objects.create(name=f"tag {n}") for n in range(3)]
            for n, pk in enumerate(self.people):
                Contact.objects.filter(pk=pk).update(
                    city=CITIES[n % 3],
                    stage=STAGES[n % 3],
                    stage_since=ago(days=n * 3) if n != 4 else None,
                    attributes={"size": 38 + n, "vip": n % 2 == 0, "note": f"N{n}"}
                    if n < 8
                    else {"size": "40", "deep": {"a": n}},
                    created_at=ago(days=n * 10),
                    owner=admin if n in {2, 3} else None,
                    known=n != 9,
                )
                for position, tag in enumerate(self.tags):
                    if n >> position & 1:
                        Tagging.objects.create(
                            contact_id=pk, tag=tag, created_at=NOON, expires_at=ago(days=1) if n == 7 else None
                        )
                state = [None, ConsentState.GRANTED, ConsentState.WITHDRAWN, ConsentState.PENDING][n % 4]
                if state:
                    Consent.objects.create(
                        contact_id=pk, channel="email", purpose="marketing", state=state, changed_at=NOON
                    )
            Identity.objects.filter(contact_id__in=self.people[:4]).update(reachable=False)
            append([act("form_submitted", browser(f"b{n}"), email(n)) for n in (1, 2)])
            self.static = Segment.objects.create(name="static", static=True)
            SegmentMember.objects.bulk_create(
                [SegmentMember(segment=self.static, contact_id=pk, entered_at=NOON) for pk in self.people[2:6]]
            )
            self.dynamic = Segment.objects.create(
                name="dynamic", rule={"kind": "attribute", "name": "city", "op": "eq", "value": "杭州"}
            )
            append([followed("gone"), act("identified", user("gone"))])
            merged, gone = Contact.objects.order_by("-pk")[:2]
            identity.merge(merged, gone, {})

    def contact(self, pk):
        """With everything that belongs to it, read once."""
        if pk not in self.read:
            rows = Contact.objects.prefetch_related("taggings", "consents", "identities", "orders", "events")
            self.read = {contact.pk: contact for contact in rows}
        return self.read[pk]

    def _events(self):
        days = [[1, 2, 3], [1, 3, 5], [2], [], [20, 21], [1], [1, 2, 3, 4, 5], [6, 7], [29, 30, 31], [0]]
        events = []
        for n, offsets in enumerate(days):
            who = followed(n).handles[0] if n % 2 else user(n)
            for offset in offsets:
                for turn in range(1 + offset % 2):
                    told = {
                        "category": ["shoes", "shirts"][(n + turn) % 2],
                        "price": 100 * (offset + 1),
                        "text": str(offset),
                    }
                    if offset == 3:
                        told.pop("price")
                    events.append(act("product_viewed", who, at=ago(days=offset, hours=turn), properties=told))
        append(events)

    def _orders(self):
        who = [followed(n).handles[0] if n % 2 else user(n) for n in range(10)]
        append(
            [paid(who[n], f"{n}-{k}", 10 * (n + 1), at=ago(days=5 * k + n)) for n in range(1, 7) for k in range(n % 4)]
        )
        append([refunded(who[2], "2-0"), refunded(who[3], "3-1", "5")])


@pytest.fixture
def world(admin):
    return World(admin)


def truth(rule, pk, world):
    """The rule for one contact, in plain Python over its rows."""
    if not rule:
        return True
    if "not" in rule:
        return not truth(rule["not"], pk, world)
    if "all" in rule:
        return all(truth(part, pk, world) for part in rule["all"])
    if "any" in rule:
        return any(truth(part, pk, world) for part in rule["any"])
    return TRUTHS[rule["kind"]](rule, world.contact(pk), world)


def _compared(op, held, value):
    """One value of a contact or an event with one of a rule."""
    if op == "exists":
        return held is not None
    if op == "missing":
        return held is None
    text = ("true" if held else "false") if isinstance(held, bool) else None if held is None else str(held)
    if op == "in":
        return text in [str(item) for item in value]
    if op == "contains":
        return text is not None and str(value).lower() in text.lower()
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        try:
            number = Decimal(text)
        except (TypeError, ArithmeticError):
            return op == "ne"
        return holds(op, number, Decimal(str(value)))
    if text is None:
        return op == "ne"
    return holds(op, text, value)


def _attribute(rule, contact, world):
    name, op, value = rule["name"], rule.get("op", "eq"), rule.get("value")
    if name.startswith("attributes."):
        held = contact.attributes
        for step in name.removeprefix("attributes.").split("."):
            held = held.get(step) if isinstance(held, dict) else None
        return _compared(op, held, value)
    if name in {"created_at", "last_seen_at", "first_order_at", "last_order_at"}:
        held = getattr(contact, name)
        if op in {"exists", "missing"}:
            return (held is None) == (op == "missing")
        if held is None:
            return op == "ne"
        if op == "last_days":
            return ago(days=value) <= held <= NOON
        if op == "before_days":
            return held < ago(days=value)
        return holds(op, held.astimezone(ZONE).date().isoformat(), value)
    if name == "owner":
        held = contact.owner_id
    else:
        held = getattr(contact, {"source": "source_kind"}.get(name, name))
        if op in {"exists", "missing"}:
            held = held or None
    if name == "known":
        return (held == value) == (op == "eq")
    return _compared(op, held, str(value) if name == "owner" and op in {"eq", "ne"} else value)


def _event(rule, contact, world):
    rows = [row for row in contact.events.all() if row.kind == rule["event"] and row.occurred_at <= NOON]
    found = [
        row
        for row in rows
        if ("days" not in rule or row.occurred_at >= ago(days=rule["days"]))
        and (not rule.get("since") or row.local_date.isoformat() >= rule["since"])
        and (not rule.get("until") or row.local_date.isoformat() <= rule["until"])
        and all(
            _compared(w.get("op", "eq"), row.properties.get(w["property"]), w.get("value"))
            for w in rule.get("where", [])
        )
    ]
    measure = rule.get("measure", "count")
    days = sorted({row.local_date for row in found})
    if measure == "count":
        number = len(found)
    elif measure == "days":
        number = len(days)
    elif measure == "sum":
        values = [row.properties.get(rule["property"]) for row in found]
        number = sum(
            float(value)
            for value in values
            if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit())
        )
    else:
        number = run = 0
        for position, day in enumerate(days):
            run = run + 1 if position and days[position - 1] == day - timedelta(days=1) else 1
            number = max(number, run)
    return holds(rule.get("op", "gte"), number, rule.get("value", 1))


def _order(rule, contact, world):
    rows = [order for order in contact.orders.all() if order.state != "refunded"]
    measure, op, value = rule.get("measure", "count"), rule.get("op", "gte"), rule["value"]
    if measure.endswith("_days_ago"):
        if not rows:
            return False
        moment = (max if measure.startswith("last") else min)(row.placed_at for row in rows)
        return holds(op, (NOON - moment).days, value)
    if "days" in rule:
        rows = [row for row in rows if ago(days=rule["days"]) <= row.placed_at <= NOON]
    amount = sum(row.total - row.refunded for row in rows)
    if measure == "average":
        return bool(rows) and holds(op, amount / len(rows), value)
    return holds(op, len(rows) if measure == "count" else amount, value)


def _tag(rule, contact, world):
    held = {
        tagging.tag_id for tagging in contact.taggings.all() if tagging.expires_at is None or tagging.expires_at > NOON
    }
    asked = set(rule["tags"])
    return {"any": bool(held & asked), "all": asked <= held, "none": not held & asked}[rule.get("op", "any")]


def _stage(rule, contact, world):
    since = contact.stage_since or contact.first_seen_at
    if contact.stage not in rule["stages"]:
        return False
    if rule.get("days") is None:
        return True
    return since <= ago(days=rule["days"]) if rule.get("op", "gte") == "gte" else since >= ago(days=rule["days"])


def _consent(rule, contact, world):
    held = next((row for row in contact.consents.all() if row.channel == rule["channel"]), None)
    return (held.state if held else "none") == rule.get("state", "granted")


def _identity(rule, contact, world):
    held = [row for row in contact.identities.all() if row.kind == rule["identity"]]
    tests = {
        "present": lambda i: True,
        "reachable": lambda i: i.reachable,
        "verified": lambda i: i.trust == Trust.VERIFIED,
    }
    return any(tests[rule.get("state", "present")](row) for row in held)


TRUTHS = {
    "attribute": _attribute,
    "tag": _tag,
    "stage": _stage,
    "event": _event,
    "order": _order,
    "consent": _consent,
    "identity": _identity,
    "segment": lambda rule, contact, world: (
        contact.pk in world.people[2:6] if rule["segment"] == world.static.pk else contact.city == "杭州"
    ),
    "contacts": lambda rule, contact, world: contact.pk in rule["ids"],
}

compare = st.sampled_from(["eq", "gte", "lte", "gt", "lt"])


def rules(world):
    """Random rules over the world, of every kind."""
    days = st.integers(1, 45)
    where = st.lists(
        st.sampled_from(
            [
                {"property": "category", "op": "eq", "value": "shoes"},
                {"property": "category", "op": "ne", "value": "shoes"},
                {"property": "category", "op": "in", "value": ["shoes", "hats"]},
                {"property": "category", "op": "contains", "value": "SHIR"},
                {"property": "price", "op": "gte", "value": 300},
                {"property": "price", "op": "ne", "value": 300},
                {"property": "price", "op": "missing"},
                {"property": "text", "op": "lt", "value": 3},
                {"property": "text", "op": "eq", "value": "3"},
            ]
        ),
        max_size=2,
    )
    event = st.fixed_dictionaries(
        {
            "kind": st.just("event"),
            "event": st.just("product_viewed"),
            "where": where,
            "op": compare,
            "value": st.integers(0, 4),
        },
        optional={
            "measure": st.sampled_from(["count", "days", "days_in_a_row"]),
            "days": days,
            "since": st.just("2026-05-10"),
            "until": st.just("2026-05-18"),
        },
    )
    total = st.fixed_dictionaries(
        {
            "kind": st.just("event"),
            "event": st.just("product_viewed"),
            "measure": st.just("sum"),
            "property": st.sampled_from(["price", "text", "none"]),
            "op": compare,
            "value": st.integers(0, 1500),
        },
        optional={"days": days},
    )
    order = st.fixed_dictionaries(
        {
            "kind": st.just("order"),
            "measure": st.sampled_from(["count", "sum", "average"]),
            "op": compare,
            "value": st.integers(0, 100),
        },
        optional={"days": days},
    )
    order_ago = st.fixed_dictionaries(
        {
            "kind": st.just("order"),
            "measure": st.sampled_from(["last_days_ago", "first_days_ago"]),
            "op": compare,
            "value": st.integers(0, 20),
        }
    )
    day = st.sampled_from(["2026-05-20", "2026-05-10", "2026-04-30", "2026-03-01"])
    ops = st.sampled_from(["eq", "ne", "gte", "lte", "gt", "lt"])
    names = st.sampled_from(["created_at", "last_order_at"])
    attribute = st.one_of(
        st.builds(
            lambda op, v: {"kind": "attribute", "name": "city", "op": op, "value": v},
            st.sampled_from(["eq", "ne", "contains"]),
            st.sampled_from(["杭州", "上", "x"]),
        ),
        st.sampled_from([{"kind": "attribute", "name": "city", "op": op} for op in ("exists", "missing")]),
        st.just({"kind": "attribute", "name": "city", "op": "in", "value": ["上海", "北京"]}),
        st.builds(
            lambda op, v: {"kind": "attribute", "name": "attributes.size", "op": op, "value": v},
            ops,
            st.integers(38, 46),
        ),
        st.sampled_from(
            [
                {"kind": "attribute", "name": "attributes.vip", "op": "eq", "value": True},
                {"kind": "attribute", "name": "attributes.vip", "op": "missing"},
                {"kind": "attribute", "name": "attributes.note", "op": "contains", "value": "n3"},
                {"kind": "attribute", "name": "attributes.deep.a", "op": "gte", "value": 9},
                {"kind": "attribute", "name": "known", "op": "eq", "value": False},
                {"kind": "attribute", "name": "owner", "op": "exists"},
                {
                    "kind": "attribute",
                    "name": "owner",
                    "op": "eq",
                    "value": Contact.objects.get(pk=world.people[2]).owner_id,
                },
                {
                    "kind": "attribute",
                    "name": "owner",
                    "op": "ne",
                    "value": Contact.objects.get(pk=world.people[2]).owner_id,
                },
                {"kind": "attribute", "name": "source", "op": "eq", "value": "oa"},
            ]
        ),
        st.builds(lambda n, op, v: {"kind": "attribute", "name": n, "op": op, "value": v}, names, ops, day),
        st.builds(
            lambda n, op, v: {"kind": "attribute", "name": n, "op": op, "value": v},
            names,
            st.sampled_from(["last_days", "before_days"]),
            days,
        ),
        st.builds(
            lambda n, op: {"kind": "attribute", "name": n, "op": op}, names, st.sampled_from(["exists", "missing"])
        ),
    )
    tag = st.builds(
        lambda op, tags: {"kind": "tag", "op": op, "tags": [world.tags[n].pk for n in tags]},
        st.sampled_from(["any", "all", "none"]),
        st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
    )
    stage = st.fixed_dictionaries(
        {"kind": st.just("stage"), "stages": st.lists(st.sampled_from(STAGES), min_size=1, max_size=2, unique=True)},
        optional={"days": st.integers(1, 30), "op": st.sampled_from(["gte", "lte"])},
    )
    consent = st.builds(
        lambda channel, state: {"kind": "consent", "channel": channel, "state": state},
        st.sampled_from(["email", "sms"]),
        st.sampled_from(["granted", "pending", "withdrawn", "none"]),
    )
    handle = st.builds(
        lambda kind, state: {"kind": "identity", "identity": kind, "state": state},
        st.sampled_from([kind.value for kind in (IdentityKind.OPENID, IdentityKind.EMAIL, IdentityKind.ANONYMOUS)]),
        st.sampled_from(["present", "reachable", "verified"]),
    )
    other = st.sampled_from(
        [
            {"kind": "segment", "segment": world.static.pk},
            {"kind": "segment", "segment": world.dynamic.pk},
            {"kind": "contacts", "ids": world.people[3:5]},
        ]
    )
    leaf = st.one_of(event, total, order, order_ago, attribute, tag, stage, consent, handle, other)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=4)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=4)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=6,
    )


def test_every_rule_equals_the_plain_evaluation(world, admin):
    everybody = list(Contact.objects.living().values_list("pk", flat=True))
    some = everybody[::2]

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rules(world))
    def check(rule):
        assert segments.validate(rule) == []
        expected = {pk for pk in everybody if truth(rule, pk, world)}
        assert set(segments.contacts(rule, NOON).values_list("pk", flat=True)) == expected
        assert segments.matching(rule, some, NOON) == expected & set(some)
        assert segments.count(rule, admin, NOON) == len(expected)
        assert segments.describe(rule, "en")

    check()


def test_every_kind_is_tried():
    assert {kind for kind, leaf in leaves().items() if leaf.compile.__module__.startswith("contacts.")} == set(TRUTHS)


def test_counts_are_limited_to_what_the_user_sees(world, sales, outsider):
    Contact.objects.filter(pk__in=world.people[:3]).update(owner=sales)
    assert segments.count({}, sales) == 3
    assert segments.count({"kind": "contacts", "ids": world.people[2:5]}, sales) == 1
    assert segments.count({}, outsider) == 0


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"all": [{"kind": "nothing"}]}, [("r.0", "kind")]),
        (
            {"any": [{"kind": "stage", "stages": ["public"]}, {"not": {"kind": "stage", "stages": []}}]},
            [("r.1", "stages")],
        ),
        ({"all": [{"all": []}]}, [("r.0", "")]),
        ({"all": "x"}, [("r", "")]),
        ([], [("r", "")]),
        ({"kind": "event", "event": "page_viewed", "value": "many"}, [("r", "value")]),
        ({"kind": "event", "event": "x", "value": 1, "measure": "sum"}, [("r", "property")]),
        ({"kind": "event", "event": "x", "value": 1, "days": 0}, [("r", "days")]),
        ({"kind": "event", "event": "x", "value": 1, "where": [{"property": "", "value": 1}]}, [("r", "where")]),
        ({"kind": "attribute", "name": "password", "op": "eq", "value": "x"}, [("r", "name")]),
        ({"kind": "attribute", "name": "created_at", "op": "gte", "value": "soon"}, [("r", "value")]),
        ({"kind": "tag", "tags": [10**9]}, [("r", "tags")]),
        ({"kind": "segment", "segment": 10**9}, [("r", "segment")]),
        ({"kind": "order", "measure": "count", "op": "ne", "value": 1}, [("r", "op")]),
        ({"kind": "consent", "channel": "pigeon"}, [("r", "channel")]),
        ({"kind": "identity", "identity": "soul"}, [("r", "identity")]),
        ({"kind": "contacts", "ids": ["1"]}, [("r", "ids")]),
    ],
)
def test_problems_point_at_their_condition(rule, where):
    assert [(problem.path, problem.field) for problem in segments.validate(rule)] == where
    assert all(problem.message for problem in segments.validate(rule))


def test_segments_in_a_circle_are_refused():
    one = Segment.objects.create(name="one")
    two = Segment.objects.create(name="two", rule={"all": [{"kind": "segment", "segment": one.pk}]})
    rule = {"any": [{"kind": "stage", "stages": ["new"]}, {"kind": "segment", "segment": two.pk}]}
    assert [problem.path for problem in segments.validate(rule, one.pk)] == ["r.1"]
    assert segments.validate(rule, Segment.objects.create(name="three").pk) == []
    Segment.objects.filter(pk=one.pk).update(rule=rule)  # stored anyway, say by two people at once
    with pytest.raises(segments.BrokenRule):
        segments.count(rule)


def test_values_of_users_are_never_sql(world):
    for text in ("'; DROP TABLE contacts_contact; --", "%s", "100%", "\\", '"', "{a,b}", "a.b.c"):
        for rule in (
            {"kind": "attribute", "name": "city", "op": "contains", "value": text},
            {"kind": "attribute", "name": f"attributes.{text}", "op": "eq", "value": text},
            {"kind": "event", "event": text, "op": "gte", "value": 1, "where": [{"property": text, "value": text}]},
        ):
            assert segments.count(rule, now=NOON) == 0


def test_sentences_in_both_languages(world):
    rule = {
        "all": [
            {"kind": "tag", "tags": [world.tags[0].pk]},
            {"any": [{"kind": "stage", "stages": [Stage.LEAD]}, {"kind": "order", "measure": "sum", "value": 300}]},
        ]
    }
    assert (
        segments.describe(rule, "en")
        == "has the tag “tag 0” and (is in the stage “Lead” or amount of the orders is at least 300)"
    )
    assert segments.describe({}, "en") == "everybody"
