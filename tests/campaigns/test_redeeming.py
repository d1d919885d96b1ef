"""Codes that come back with orders: used once, by their owner, in time; under races, replays and any order of events."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from campaigns import coupons, redeeming
from campaigns.consumers import redemption
from campaigns.models import Coupon, CouponBatch
from contacts import consumers, intake
from contacts.identity import merging
from contacts.models import Contact, Event, Order
from scrm.lib import clock
from tests.campaigns.world import person

CONSUMER = "campaigns.consumers.redemption.consume"


def issue(*people, prefix="k"):
    batch = CouponBatch.objects.get_or_create(name="20 off", value=20, stock=50)[0]
    given = coupons.issue(batch.pk, [p.pk for p in people], prefix, origin="journey", origin_id=6)
    return [given[p.pk] for p in people]


def tell(who, number, kind="order_paid", at=None, **properties):
    told = {"order_id": number, **({"total": "100"} if kind in {"order_paid", "order_placed"} else {}), **properties}
    event = intake.Incoming(kind, "shop", at or clock.now(), 3, f"{kind}-{number}", contact_id=who.pk, properties=told)
    intake.append([event])


def reasons(number):
    return {one["code"]: one["reason"] for one in Order.objects.get(external_id=number).coupon_problems}


def redeemed():
    return list(Event.objects.filter(kind="coupon_redeemed").order_by("id").values_list("properties", flat=True))


@pytest.mark.django_db
def test_a_paid_order_uses_its_coupon_once_however_often_it_is_read(company):
    lin = person()
    (code,) = issue(lin)
    tell(lin, "1", coupons=[f" {code.lower()} "])
    consumers.run(CONSUMER)
    consumers.rewind(CONSUMER)
    consumers.run(CONSUMER)
    (told,) = redeemed()
    order, coupon = Order.objects.get(), Coupon.objects.get()
    assert (coupon.state, coupon.order_id, order.problems) == ("redeemed", order.pk, [])
    expected = {"code": code, "value": "20.00", "currency": "CNY", "order": order.pk, "order_id": "1"}
    assert {**told, **expected, "origin": "journey", "origin_id": 6} == told
    issued = Event.objects.get(kind="coupon_issued").properties
    assert (issued["origin"], issued["origin_id"]) == ("journey", 6)


@pytest.mark.django_db
def test_what_is_not_accepted_is_listed_with_its_reason(company):
    lin, wu = person(), person()
    mine, hers, late, early = (*issue(lin), *issue(wu), *issue(lin, prefix="late"), *issue(lin, prefix="early"))
    Coupon.objects.filter(code__in=[late, early]).update(expires_at=clock.now() - timedelta(days=1))
    tell(lin, "1", coupons=[mine, hers, late, "NOSUCH"])
    tell(lin, "2", coupons=[mine])
    tell(lin, "3", coupons=[early], at=clock.now() - timedelta(days=2))  # told late, but paid in time
    consumers.run(CONSUMER)
    assert reasons("1") == {hers: "foreign", late: "expired", "NOSUCH": "unknown"}
    assert (reasons("2"), reasons("3")) == ({mine: "used"}, {})
    assert {told["code"] for told in redeemed()} == {mine, early}
    assert set(Order.objects.with_problems().values_list("external_id", flat=True)) == {"1", "2"}
    assert Order.objects.counted().count() == 3  # a wrong code takes no revenue away


@pytest.mark.django_db
def test_an_order_uses_nothing_before_it_is_paid_and_the_codes_may_come_with_the_placing(company):
    lin = person()
    (code,) = issue(lin)
    tell(lin, "1", "order_placed", coupons=[code])
    consumers.run(CONSUMER)
    assert not redeemed()
    tell(lin, "1", "order_paid")
    consumers.run(CONSUMER)
    assert [told["code"] for told in redeemed()] == [code]


@pytest.mark.django_db
def test_a_code_of_somebody_else_is_accepted_once_the_two_are_one(company):
    lin, browser = person(), person()
    (code,) = issue(lin)
    tell(browser, "1", coupons=[code])
    consumers.run(CONSUMER)
    assert reasons("1") == {code: "foreign"}
    merging.merge(lin, browser, {"staff": True})
    consumers.run(CONSUMER)
    assert (reasons("1"), len(redeemed()), Order.objects.get().problems) == ({}, 1, [])


@pytest.mark.django_db(transaction=True)
def test_racing_orders_share_one_code_once(company):
    lin = person()
    (code,) = issue(lin)
    for number in range(4):
        tell(lin, str(number), coupons=[code])
    ids, start = list(Order.objects.values_list("pk", flat=True)), threading.Barrier(4)

    def work(pk):
        start.wait()
        try:
            with transaction.atomic():
                intake.append_own(redeeming.redeem([pk]))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(pk,)) for pk in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(redeemed()) == 1
    assert sorted(len(order.coupon_problems) for order in Order.objects.all()) == [0, 1, 1, 1]
    assert Contact.objects.get().order_count == 4


@pytest.mark.django_db
def test_other_events_cost_no_query(company, django_assert_num_queries):
    with django_assert_num_queries(0):
        redemption.consume([])
