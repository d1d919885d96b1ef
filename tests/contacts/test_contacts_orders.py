"""Orders in any order: a machine tells the events of three orders in random batches, with repetitions, and compares every row and
the customer's totals with a plain fold over the set of events told so far."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from contacts_worlds import NOON, act, ago, customer, paid, refunded
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from contacts import catalogue, segments
from contacts.actions import recount_orders
from contacts.intake import append
from contacts.models import Contact, Order, Product, Refund
from scrm.core.models import Company

pytestmark = pytest.mark.django_db
_worlds = count(1000)
KINDS = ["order_placed", "order_paid", "order_shipped", "order_delivered", "order_invoiced", "order_cancelled"]
TIMES = ["ordered_at", "paid_at", "shipped_at", "delivered_at", "invoiced_at", "cancelled_at"]

told = st.tuples(
    st.sampled_from("ABC"),
    st.sampled_from([*KINDS[:3], *KINDS, *["order_refunded"] * 4]),
    st.integers(0, 5),
    st.sampled_from(["100", "80.5", "0", "-20", None]),
    st.sampled_from(["CNY", "CNY", "USD"]),
    st.sampled_from(["r1", "r2", ""]),
)


class Model:
    """What the row must be, folded over a set of distinct events."""

    def __init__(self, events):
        self.times = {
            column: min((e[2] for e in events if e[1] == kind), default=None)
            for kind, column in zip(KINDS, TIMES, strict=True)
        }
        terms = [e for e in events if e[1] in KINDS[:2] and e[3] is not None]
        best = min(terms, key=lambda e: (-KINDS.index(e[1]), e[2], -Decimal(e[3]), e[4]), default=None)
        self.total, self.currency = (Decimal(best[3]), best[4]) if best else (Decimal(0), None)
        refunds, loose = {}, []
        for e in events:
            if e[1] != "order_refunded":
                continue
            amount = Decimal("Infinity") if e[3] is None else Decimal(e[3])
            if e[5]:
                refunds[e[5]] = max(refunds.get(e[5], (-1, Decimal(0))), (e[2], amount))
            else:
                loose.append(amount)
        amounts = [amount for _at, amount in refunds.values()] + loose
        back, payable = sum(max(a, 0) for a in amounts), max(self.total, Decimal(0))
        self.refunded = min(back, payable) if best else 0
        whole = Decimal("Infinity") in amounts
        paid_for = self.times["paid_at"] is not None
        self.state = (
            "incomplete" if best is None
            else "cancelled" if self.times["cancelled_at"] is not None
            else "placed" if not paid_for
            else "refunded" if whole or (back > 0 and back >= self.total)
            else "part_refunded" if back > 0
            else "paid"
        )  # fmt: skip
        self.counts = self.state in {"paid", "part_refunded"} and self.total >= 0 and self.currency == "CNY"


class Orders(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = next(_worlds)
        self.known: dict[str, list] = {"A": [], "B": [], "C": []}

    def _event(self, given):
        order, kind, hour, amount, currency, refund = given
        properties = {"order_id": order}
        if kind in KINDS[:2]:
            properties |= {"currency": currency} | ({"total": amount} if amount is not None else {})
        elif kind == "order_refunded":
            properties |= {"refund_id": refund} | ({"amount": amount} if amount is not None else {})
        at = NOON + timedelta(hours=hour)
        return act(
            kind, customer(self.world), at=at, account=self.world, key=repr((self.world, given)), properties=properties
        )

    @rule(batch=st.lists(told, min_size=1, max_size=6), again=st.lists(st.integers(0, 100), max_size=2))
    def tell(self, batch, again):
        """New events, with some of the old ones told again between them."""
        old = [event for events in self.known.values() for event in events]
        repeated = [old[n % len(old)] for n in again] if old else []
        append([self._event(given) for given in [*repeated, *batch]])
        for given in batch:
            if given not in self.known[given[0]]:
                self.known[given[0]].append(given)

    @invariant()
    def rows_equal_the_model(self):
        rows = {row.external_id: row for row in Order.objects.filter(account_id=self.world)}
        models = {name: Model(events) for name, events in self.known.items() if events}
        assert rows.keys() == models.keys()
        for name, model in models.items():
            row = rows[name]
            assert (row.state, row.total, row.refunded, row.counts) == (
                model.state, model.total, model.refunded, model.counts,
            ), name  # fmt: skip
            for column in TIMES:
                hour = model.times[column]
                assert getattr(row, column) == (None if hour is None else NOON + timedelta(hours=hour)), column
        counted = [model for model in models.values() if model.counts]
        contact = Contact.objects.filter(orders__account_id=self.world).first()
        if contact:
            worth = sum(model.total - model.refunded for model in counted)
            assert (contact.order_count, contact.order_total) == (len(counted), worth)


def test_any_order_any_split_any_repetition_gives_the_same_orders(transactional_db):
    Company.objects.create(pk=1, name="x", currency="CNY")
    quiet = list(HealthCheck)
    run_state_machine_as_test(
        Orders, settings=settings(max_examples=25, stateful_step_count=6, deadline=None, suppress_health_check=quiet)
    )


def test_what_is_odd_is_kept_and_listed_with_its_reason():
    Company.objects.create(pk=1, name="x", currency="CNY")
    who = customer(7)
    catalogue.apply([catalogue.Told(account_id=3, sku="RS-1", at=NOON, name="Shoe")])
    lines = [{"sku": f"L-{n}", "name": "x", "quantity": 1, "price": 1} for n in range(1000)]
    append(
        [
            act("order_shipped", who, account=3, properties={"order_id": "early"}),
            paid(who, "usd", 10, currency="usd"),
            paid(who, "minus", -5),
            paid(who, "over", 10),
            refunded(who, "over", "11"),
            paid(who, "thousand", 1000, lines=lines),
            paid(who, "known", 1, lines=[{"sku": "RS-1", "quantity": 2, "price": "0.5"}, "no line"]),
        ]
    )
    rows = {row.external_id: row for row in Order.objects.all()}
    assert {name: row.problems for name, row in rows.items()} == {
        "early": ["incomplete"],
        "usd": ["currency"],
        "minus": ["negative_total"],
        "over": ["over_refunded"],
        "thousand": ["unknown_product"],
        "known": [],
    }
    assert len(rows["thousand"].lines) == len(rows["thousand"].missing_skus) == 1000
    assert set(Order.objects.counted().values_list("external_id", flat=True)) == {"thousand", "known"}
    assert (Contact.objects.get().order_count, Contact.objects.get().order_total) == (2, 1001)
    append([paid(who, "early", 3, at=ago(days=1))])
    early = Order.objects.get(external_id="early")
    assert (early.problems, early.state, early.shipped_at, early.placed_at) == ([], "paid", NOON, ago(days=1))
    matching = segments.matching(
        {"kind": "order", "measure": "sum", "op": "eq", "value": 1004, "days": 9}, [rows["known"].contact_id], NOON
    )
    assert matching == {Contact.objects.get().pk}


def test_products_that_arrive_late_clear_the_orders_and_older_tellings_change_nothing():
    who = customer(7)
    new = catalogue.Told(3, "RS-2", NOON, name="Newer", price=Decimal(9), stock=4)
    catalogue.apply([catalogue.Told(3, "RS-1", NOON, name="One"), catalogue.Told(4, "RS-2", NOON, name="Other shop")])
    append([paid(who, 1, 10, lines=[{"sku": "RS-2"}])])
    assert Order.objects.get().problems == ["unknown_product"]
    catalogue.apply([new, catalogue.Told(3, "RS-2", ago(days=1), name="Older", stock=7)])
    catalogue.apply([catalogue.Told(3, "RS-2", ago(hours=1), whole=False, stock=9)])
    assert Order.objects.get().problems == []
    shoe = Product.objects.get(account_id=3, sku="RS-2")
    assert (shoe.name, shoe.price, shoe.stock) == ("Newer", 9, 4)
    catalogue.apply([catalogue.Told(3, "RS-2", ago(days=3), version=2, name="By version")])
    catalogue.apply([catalogue.Told(3, "RS-2", NOON, version=1, name="Late", whole=True)])
    shoe.refresh_from_db()
    assert shoe.name == "By version"


def test_another_currency_of_the_company_counts_anew():
    company = Company.objects.create(pk=1, name="x", currency="CNY")
    append([paid(customer(7), 1, 10, currency="USD"), paid(customer(8), 2, 10)])
    company.currency = "USD"
    company.save()
    recount_orders()
    assert set(Order.objects.counted().values_list("external_id", flat=True)) == {"1"}
    assert list(Contact.objects.order_by("pk").values_list("order_total", flat=True)) == [10, 0]


def test_a_refund_told_twice_under_two_event_ids_is_one():
    who = customer(7)
    for key in ("a", "b"):
        told = {"order_id": "1", "refund_id": "R1", "amount": "30"}
        append([act("order_refunded", who, account=3, key=key, properties=told)])
    append([paid(who, 1, 100)])
    assert (Refund.objects.count(), Order.objects.get().net) == (1, 70)
