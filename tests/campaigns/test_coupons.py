"""Coupons: idempotent, never over stock, also when threads race."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns import coupons
from campaigns.actions.coupon import BelowIssued, save_batch
from campaigns.enums import BatchState
from campaigns.models import Coupon, CouponBatch
from contacts.models import Event
from scrm.core.models import AuditEntry
from tests.campaigns.world import person


def batch(stock: int = 10, **fields) -> CouponBatch:
    return CouponBatch.objects.create(name="20 元券", value=20, stock=stock, **fields)


@pytest.mark.django_db
class TestIssue:
    def test_each_person_gets_one_code_and_the_event(self, company):
        people = [person() for _n in range(3)]
        codes = coupons.issue(batch().pk, [p.pk for p in people], "journey:1:coupon:1")
        assert len(set(codes.values())) == 3
        assert all(len(code) == coupons.CODE_LENGTH for code in codes.values())
        event = Event.objects.get(contact=people[0])
        assert (event.kind, event.properties["code"]) == ("coupon_issued", codes[people[0].pk])

    def test_asking_again_gives_the_same(self, company):
        made, someone = batch(), person()
        first = coupons.issue(made.pk, [someone.pk], "k")
        assert coupons.issue(made.pk, [someone.pk], "k") == first
        assert coupons.issue(made.pk, [someone.pk], "another") != first
        made.refresh_from_db()
        assert made.issued == 2

    def test_no_more_than_the_stock(self, company):
        made, people = batch(stock=2), [person() for _n in range(4)]
        codes = coupons.issue(made.pk, [p.pk for p in people], "k")
        assert sorted(codes) == sorted(p.pk for p in people)[:2]

    def test_a_paused_batch_gives_nothing_new(self, company):
        made, someone = batch(), person()
        held = coupons.issue(made.pk, [someone.pk], "k")
        CouponBatch.objects.filter(pk=made.pk).update(state=BatchState.PAUSED)
        assert coupons.issue(made.pk, [someone.pk, person().pk], "k") == held

    def test_the_database_itself_refuses_more(self):
        made = batch(stock=1)
        with pytest.raises(IntegrityError), transaction.atomic():
            CouponBatch.objects.filter(pk=made.pk).update(issued=2)

    def test_merge_fields(self, company):
        made, someone = batch(), person()
        code = coupons.issue(made.pk, [someone.pk], "k")[someone.pk]
        found = coupons.fields([code])[code]
        assert (found["value"], found["name"]) == ("20", "20 元券")

    def test_the_last_day_is_the_companys(self, company):
        made, someone = batch(), person()
        code = coupons.issue(made.pk, [someone.pk], "k")[someone.pk]
        Coupon.objects.update(
            expires_at=datetime(2025, 12, 19, 17, 0, tzinfo=UTC)
        )  # one at night on the 20th in Shanghai
        assert coupons.fields([code])[code]["ends_on"] == "2025-12-20"

    def test_the_terms_of_issued_coupons_stay(self, company, marketer):
        terms = {"name": "n", "min_spend": 0, "valid_days": 30, "state": "active", "by": marketer}
        made = save_batch(batch=None, value=10, stock=5, **terms)
        coupons.issue(made.pk, [person().pk], "k")
        assert save_batch(batch=made, value=30, stock=5, **terms).value == 10
        with pytest.raises(BelowIssued):
            save_batch(batch=made, value=10, stock=0, **terms)
        assert AuditEntry.objects.filter(verb="coupon_batch.saved", by=marketer).count() == 2


@pytest.mark.django_db(transaction=True)
def test_racing_threads_never_issue_more_than_there_are(company):
    made, people = batch(stock=25), [person() for _n in range(40)]
    start, failures = threading.Barrier(4), []

    def run(n: int) -> None:
        try:
            start.wait()
            for someone in people[n * 5 : n * 5 + 25]:
                coupons.issue(made.pk, [someone.pk], "race")
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.refresh_from_db()
    assert failures == []
    assert made.issued == Coupon.objects.filter(batch=made).count() == 25
    assert Coupon.objects.values("contact").distinct().count() == 25
