"""The daily consumer counts exactly what the log says, whatever the batches, and can be rebuilt."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from analytics import queries
from analytics.consumers import daily
from analytics.metrics import BY_EVENT, METRICS
from analytics.models import DailyCount, ProgrammeCount
from contacts.enums import EventKind

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


@dataclass
class Row:
    """Looks like contacts.consumers.EventRow."""

    kind: str
    occurred_at: datetime = NOON
    channel: str = "oa"
    properties: dict = field(default_factory=dict)


def totals() -> dict[tuple, int]:
    return {(str(row.day), row.metric, row.channel, row.detail): row.count for row in DailyCount.objects.all()}


def test_days_are_the_companys() -> None:
    daily.consume(
        [
            Row("followed", datetime(2026, 3, 9, 16, 30, tzinfo=UTC)),
            Row("followed", datetime(2026, 3, 9, 15, 59, tzinfo=UTC)),
        ]
    )
    assert totals() == {("2026-03-10", "followed", "oa", ""): 1, ("2026-03-09", "followed", "oa", ""): 1}


def test_a_message_opened_five_times_counts_once_over_batches_and_machines_never() -> None:
    opened = Row("message_opened", channel="email", properties={"message": 7, "origin": "campaign", "origin_id": 3})
    daily.consume([opened, opened])
    daily.consume([opened])
    daily.consume([Row("message_opened", channel="email", properties={"message": 8, "machine": True})])
    assert totals() == {("2026-03-10", "opened", "email", ""): 1}
    assert [(row.origin, row.origin_id, row.metric, row.count) for row in ProgrammeCount.objects.all()] == [
        ("campaign", 3, "opened", 1)
    ]


def test_reasons_and_stages_are_split() -> None:
    daily.consume(
        [
            Row("message_suppressed", properties={"message": 1, "reason": "no_consent"}),
            Row("message_suppressed", properties={"message": 2, "reason": "capped"}),
            Row("message_suppressed", properties={"message": 3, "reason": "capped"}),
            Row("stage_changed", channel="sys", properties={"to": "prospect", "from": "public"}),
            Row("something_else"),
        ]
    )
    assert totals() == {
        ("2026-03-10", "suppressed", "oa", "no_consent"): 1,
        ("2026-03-10", "suppressed", "oa", "capped"): 2,
        ("2026-03-10", "stage", "sys", "prospect"): 1,
    }


def test_a_batch_costs_a_constant_number_of_statements(django_assert_max_num_queries) -> None:
    rows = [
        Row(
            "message_clicked",
            NOON + timedelta(days=n % 5),
            properties={"message": n, "origin": "journey", "origin_id": n % 3},
        )
        for n in range(1000)
    ]
    with django_assert_max_num_queries(4):
        daily.consume(rows)
    assert sum(totals().values()) == 1000


def test_every_metric_has_events_of_its_own() -> None:
    claimed = Counter(kind for metric in METRICS.values() for kind in metric.events)
    assert all(times == 1 for times in claimed.values())
    assert set(BY_EVENT) <= set(EventKind.values)


def test_the_overview_shows_the_period_and_the_one_before(settings) -> None:
    from scrm.lib import clock

    with clock.frozen(NOON):
        daily.consume([Row("followed"), Row("followed"), Row("followed", NOON - timedelta(days=7)), Row("unfollowed")])
        data = queries.counts(queries.period(7))
        figure = queries.figures(data)[0]
        assert (figure.value, figure.before, figure.change) == (2, 1, 1.0)
        assert figure.days == [0, 0, 0, 0, 0, 0, 2]
        assert queries.followers_now() == 2


@pytest.mark.parametrize(("who", "status"), [("admin", 200), ("manager", 200), ("sales", 403), ("outsider", 403)])
def test_who_sees_the_overview(who: str, status: int, cast, client_for) -> None:
    assert client_for(cast[who]).get(reverse("analytics:overview")).status_code == status
    assert client_for(cast[who]).get(reverse("analytics:overview_export")).status_code == status


def test_the_overview_costs_few_queries_and_draws_what_was_counted(
    admin, client_for, django_assert_max_num_queries
) -> None:
    from scrm.lib import clock

    now = clock.now()
    daily.consume(
        [Row("message_sent", now, properties={"message": n, "origin": "campaign", "origin_id": 1}) for n in range(12)]
        + [Row("message_suppressed", now, properties={"message": 90 + n, "reason": "window_closed"}) for n in range(3)]
    )
    client = client_for(admin)
    client.get(reverse("analytics:overview"))
    with django_assert_max_num_queries(15):
        page = client.get(reverse("analytics:overview"), {"days": "7", "metric": "suppressed"})
    html = page.content.decode()
    assert "trend-option" in html and "window_closed" in html
    assert page.context["figures"][3].value == 12
    assert client.get(reverse("analytics:overview"), {"days": "x", "metric": "y"}).status_code == 200


def test_the_export_holds_the_counts(admin, client_for) -> None:
    from scrm.lib import clock

    daily.consume([Row("followed", clock.now())])
    lines = (
        client_for(admin)
        .get(reverse("analytics:overview_export"), {"days": "7"})
        .content.decode("utf-8-sig")
        .splitlines()
    )
    assert len(lines) == 2 and lines[1].endswith(",oa,,1")
