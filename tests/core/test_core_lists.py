"""Keyset pages: joined together they are the full order, forwards and backwards, with ties and NULLs."""

from datetime import timedelta

import pytest
from django.db.models.functions import Length
from django.http import QueryDict
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as some

from scrm.core.lists import Facet, Search, listing
from scrm.core.models import AuditEntry, Notification, Team, User
from scrm.lib import keyset
from scrm.lib.clock import real_now

START = real_now() - timedelta(days=3)


def fill(admin, times: list[int | None]) -> None:
    Notification.objects.bulk_create(
        [
            Notification(
                user=admin,
                text=f"n{abs(hash(at)) % 3}",
                created_at=START + timedelta(minutes=(at or 0) % 2),
                read_at=None if at is None else START + timedelta(minutes=at),
            )
            for at in times
        ]
    )


def walk(rows, order, size) -> tuple[list[int], list[int]]:
    """Ids going forward to the end, then going back to the start."""
    there, cursor = [], None
    while True:
        page = keyset.page(rows, order, cursor, size)
        there.append([row.pk for row in page.rows])
        if page.next is None:
            break
        cursor = page.next
    back = [there[-1]]
    while page.previous:
        page = keyset.page(rows, order, page.previous, size)
        back.insert(0, [row.pk for row in page.rows])
    return [pk for part in there for pk in part], [pk for part in back for pk in part]


ORDERS = [
    (["-id"], lambda n: (-n.pk,)),
    (["text"], lambda n: (n.text, n.pk)),
    (["-created_at"], lambda n: (-n.created_at.timestamp(), -n.pk)),
    (["read_at"], lambda n: (n.read_at is None, n.read_at or START, n.pk)),
    (["-read_at"], lambda n: (n.read_at is None, -(n.read_at or START).timestamp(), -n.pk)),
    (["text", "-read_at"], lambda n: (n.text, n.read_at is None, -(n.read_at or START).timestamp(), n.pk)),
    (["-user__name", "created_at"], lambda n: (n.created_at, -n.pk)),
]


@pytest.mark.parametrize(("order", "key"), ORDERS, ids=lambda value: "+".join(value) if isinstance(value, list) else "")
@effort(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=some.lists(some.one_of(some.none(), some.integers(0, 4)), max_size=25), size=some.integers(1, 7))
def test_pages_joined_are_the_whole_order(order, key, times, size, admin):
    Notification.objects.all().delete()
    fill(admin, times)
    rows = Notification.objects.select_related("user")
    there, back = walk(rows, order, size)
    assert there == [n.pk for n in sorted(rows, key=key)]
    assert back == there


def test_rows_that_come_meanwhile_neither_repeat_nor_hide(admin):
    fill(admin, [1] * 10)
    first = keyset.page(Notification.objects.all(), ["-id"], None, 4)
    fill(admin, [1] * 5)
    Notification.objects.filter(pk=first.rows[-1].pk).delete()
    second = keyset.page(Notification.objects.all(), ["-id"], first.next, 4)
    assert [row.pk for row in second.rows] == [first.rows[-1].pk - n for n in range(1, 5)]


def test_an_annotation_can_be_the_key(db):
    for name in ("a", "bbb", "cc", "dd", "e"):
        Team.objects.create(name=name)
    rows = Team.objects.annotate(size=Length("name"))
    there, back = walk(rows, ["-size"], 2)
    assert there == back == [t.pk for t in rows.order_by("-size", "-pk")]


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", "W10", "bnVsbA", "WzAsMSwyLDNd", "WzAsW11d", "WzAseyJ6IjoxfV0", "é"]
)
def test_a_damaged_cursor_is_the_first_page(cursor, admin):
    fill(admin, [1, 2, 3])
    assert len(keyset.page(Notification.objects.all(), ["-created_at"], cursor, 2).rows) == 2


def test_a_cursor_of_another_sort_does_not_break(admin):
    fill(admin, [1, 2, 3])
    cursor = keyset.page(Notification.objects.all(), ["text"], None, 1).next
    assert keyset.page(Notification.objects.all(), ["-created_at"], cursor, 2).rows is not None


def test_the_index_is_used_from_the_cursor_on(admin):
    rows = AuditEntry.objects.all()
    AuditEntry.objects.bulk_create([AuditEntry(at=START, by=admin, verb="x") for _ in range(3)])
    page = keyset.page(rows, ["-at"], None, 1)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        keyset.page(rows, ["-at"], page.next, 1)
    assert '"at" <= ' in queries.captured_queries[0]["sql"]


class TestListing:
    def ask(self, rf, admin, query="", **options):
        request = rf.get("/x/", QueryDict(query))
        request.user = admin
        return listing(request, User.objects.all(), sorts={"name": "name", "mail": "-email"}, **options)

    def test_urls_keep_the_filters_and_forget_the_place(self, rf, admin):
        page = self.ask(rf, admin, "q=a&sort=mail&at=abc", search=Search("n", lambda rows, text: rows))
        assert page.sort_url("mail") == "/x/?q=a&sort=-mail"
        assert page.sort_url("name") == "/x/?q=a&sort=name"
        assert page.direction("mail") == "descending" and page.direction("name") == ""
        assert page.is_filtered and page.kept == [("sort", "mail")]

    def test_facets_add_and_take_away(self, rf, admin):
        facet = Facet("role", "Role", [("a", "A"), ("b", "B")], lambda rows, values: rows)
        shown = self.ask(rf, admin, "role=a", facets=[facet]).facets[0].options
        assert [(o.on, o.url) for o in shown] == [(True, "/x/"), (False, "/x/?role=a&role=b")]
        one = Facet("role", "Role", [("a", "A"), ("b", "B")], lambda rows, values: rows, many=False)
        assert self.ask(rf, admin, "role=a", facets=[one]).facets[0].options[1].url == "/x/?role=b"

    def test_count_stops_at_its_limit(self, rf, admin, monkeypatch):
        monkeypatch.setattr("scrm.core.lists.COUNT_LIMIT", 2)
        User.objects.bulk_create([User(email=f"m{n}@example.com", name="m", role=admin.role) for n in range(4)])
        page = self.ask(rf, admin)
        assert page.count == 3 and page.count_text in {"More than 2", "超过 2 条"}
