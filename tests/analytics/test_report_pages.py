"""Funnel and cohorts: computed by a pump, exact, and with the lists behind the numbers."""

from datetime import timedelta

import pandas as pd
import pytest
from django.urls import reverse
from django.utils import timezone

from analytics import cohorts, funnel, queries, reports
from analytics.models import Report
from contacts.enums import EventKind, Trust
from contacts.intake import Handle, Incoming, append
from contacts.models import Contact, Order
from scrm.lib import clock
from tests.cdnow import cdnow


def act(kind, who, days, source=None, **properties):
    return Incoming(
        kind=kind,
        channel="oa",
        occurred_at=clock.now() - timedelta(days=days),
        handles=[Handle("customer", who, trust=Trust.VERIFIED)],
        properties=properties,
        source=source,
    )


WINDOW = {"kind": "qr_scene", "label": "橱窗"}


@pytest.fixture
def followers(db):
    append(
        [
            act(EventKind.FOLLOWED, "all", 20, WINDOW),
            act(EventKind.MESSAGE_IN, "all", 19, text="hi"),
            act(EventKind.ORDER_PAID, "all", 15, order_id="1", total="10"),
            act(EventKind.ORDER_PAID, "all", 10, order_id="2", total="10"),
            act(EventKind.FOLLOWED, "engaged", 20, WINDOW),
            act(EventKind.PRODUCT_VIEWED, "engaged", 19, name="鞋"),
            act(EventKind.FOLLOWED, "silent", 20, {"kind": "oa", "label": "OA"}),
            act(EventKind.ORDER_PAID, "silent", 15, order_id="3", total="10"),
            act(EventKind.FOLLOWED, "refunded", 20, {"kind": "oa", "label": "OA"}),
            act(EventKind.MESSAGE_IN, "refunded", 19, text="hi"),
            act(EventKind.ORDER_PAID, "refunded", 15, order_id="4", total="10"),
            act(EventKind.ORDER_REFUNDED, "refunded", 14, order_id="4", amount="10"),
            act(EventKind.FOLLOWED, "old", 200),
        ]
    )


def days(n=30):
    window = queries.period(n)
    return window.first.isoformat(), window.last.isoformat()


def test_the_funnel_counts_steps_in_order_and_the_lists_have_that_length(followers):
    first, last = days()
    found = funnel.compute(first=first, last=last)
    assert found["steps"] == [4, 3, 1, 1]
    by_source = {(row["kind"], row["label"]): row["steps"] for row in found["rows"]}
    assert by_source == {("qr_scene", "橱窗"): [2, 2, 1, 1], ("oa", "OA"): [2, 1, 0, 0]}
    for n, step in enumerate(funnel.STEPS):
        assert funnel.people(first, last, step, None).count() == found["steps"][n]
        for source, steps in by_source.items():
            assert funnel.people(first, last, step, source).count() == steps[n]


def test_the_page_asks_the_pump_computes_the_page_shows(followers, client_for, admin, sales):
    url = reverse("analytics:funnel")
    assert client_for(sales).get(url).status_code == 403
    client = client_for(admin)
    page = client.get(url + "?days=30")
    assert page.context["waiting"] and "rows" not in page.context
    assert reports.run() and not reports.run()
    page = client.get(url + "?days=30")
    assert not page.context["waiting"] and page.context["total"]["cells"][0]["n"] == 4
    cell = page.content.decode()
    first, last = days()
    people = client.get(
        reverse("analytics:funnel_people"),
        {"step": "engaged", "first": first, "last": last, "kind": "oa", "label": "OA"},
    )
    assert len(people.context["page"].rows) == 1 and "step=engaged" in cell
    assert (
        client.get(reverse("analytics:funnel_people"), {"step": "nobody", "first": first, "last": last}).status_code
        == 404
    )
    assert client.get(reverse("analytics:funnel_people"), {"step": "first", "first": "x"}).status_code == 404
    client.get(url + "?days=30&again=1")
    assert Report.objects.get().wanted_at


def test_a_report_whose_worker_was_killed_is_computed_by_another(followers):
    first, last = days()
    report = reports.get("funnel", first=first, last=last)
    Report.objects.filter(pk=report.pk).update(leased_until=timezone.now() + timedelta(minutes=1))
    assert not reports.run(), "somebody is at it"
    Report.objects.filter(pk=report.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert reports.run()
    report.refresh_from_db()
    assert report.data["steps"][0] == 4 and report.wanted_at is None


def test_an_error_is_shown_and_does_not_stop_the_others(db, monkeypatch, client_for, admin):
    monkeypatch.setattr(
        cohorts, "compute", lambda **given: 1 // 0 if False else (_ for _ in ()).throw(ValueError("odd"))
    )
    client = client_for(admin)
    client.get(reverse("analytics:cohorts"))
    assert reports.run()
    page = client.get(reverse("analytics:cohorts"))
    assert "odd" in page.content.decode() and not page.context["waiting"]


def test_cohorts_of_cdnow_equal_pandas(db):
    path = cdnow()
    names = ["customer", "date", "discs", "dollars"]
    table = pd.read_csv(path, sep=r"\s+", header=None, skiprows=1, names=names, dtype={"customer": str, "date": str})
    table["date"] = pd.to_datetime(table["date"], format="%Y%m%d")
    table["month"] = table["date"].dt.to_period("M")
    moment = timezone.now()
    people = [
        Contact(known=True, first_seen_at=moment, last_seen_at=moment, created_at=moment)
        for _c in table["customer"].unique()
    ]
    Contact.objects.bulk_create(people, batch_size=5000)
    of = dict(zip(table["customer"].unique(), people, strict=True))
    zone = timezone.get_current_timezone()
    noon = [stamp.to_pydatetime().replace(hour=12, tzinfo=zone) for stamp in table["date"]]
    Order.objects.bulk_create(
        [
            Order(
                contact=of[customer],
                external_id=str(n),
                total=1,
                placed_at=at,
                terms_at=at,
                paid_at=at,
                state="paid",
                counts=True,
            )
            for n, (customer, at) in enumerate(zip(table["customer"], noon, strict=True))
        ],
        batch_size=10_000,
    )
    found = cohorts.compute(months=18, until="1998-06-30")
    first = table.groupby("customer")["month"].transform("min")
    table["later"] = (table["month"] - first).map(lambda offset: offset.n)
    table["cohort"] = first
    assert found["customers"] == table["customer"].nunique() == 23_570
    assert found["repeat"] == int((table.groupby("customer").size() > 1).sum())
    assert {row["month"]: row["size"] for row in found["cohorts"]} == {
        str(month): int(n) for month, n in table.groupby("cohort")["customer"].nunique().items()
    }
    for row in found["cohorts"]:
        mine = table[table["cohort"] == row["month"]]
        for later, number in enumerate(row["back"]):
            if later == 0:
                own = mine[mine["later"] == 0].groupby("customer").size()
                assert number == int((own > 1).sum())
            elif number is not None:
                assert number == mine[mine["later"] == later]["customer"].nunique(), (row["month"], later)


def test_definitions_are_one_click_away(client_for, admin):
    page = client_for(admin).get(reverse("analytics:metric_list")).content.decode()
    assert 'id="roi"' in page and 'id="sent"' in page
