"""The contact list: filters, search, sort, pages, bulk tags, and what each role sees of it."""

from datetime import timedelta

import pytest
from django.utils.timezone import localtime

from contacts import actions, counting, listing
from contacts.models import Contact, Identity, Segment, SegmentMember, Tag, Tagging
from scrm.core.models import AuditEntry
from scrm.lib import clock


def names(page: str, *wanted: str) -> set[str]:
    return {name for name in wanted if f">{name}<" in page}


def test_empty_one_and_many(person, marketer, html):
    assert "No contacts yet" in html(marketer, "/contacts/")
    person("Lin Xiaowen")
    page = html(marketer, "/contacts/")
    assert ">Lin Xiaowen<" in page and "1 person" in page
    for n in range(40):
        person(f"Many {n}")
    page = html(marketer, "/contacts/")
    assert "41 people" in page and page.count('name="contact"') == 30 and 'rel="next"' in page


def test_pages_by_keyset_show_everybody_once(person, marketer, client_for):
    made = {person(f"Person {n:02}", ago=n % 7).pk for n in range(65)}
    client, path, seen = client_for(marketer), "/contacts/", []
    while path:
        page = client.get(path).context["page"]
        seen += [contact.pk for contact in page.rows]
        path = page.next_url
    assert len(seen) == 65 and set(seen) == made


def test_visitors_have_their_own_tab(person, marketer, html):
    person("Lin")
    visitor = person(known=False)
    assert names(html(marketer, "/contacts/"), "Lin", f"Visitor {visitor.pk}") == {"Lin"}
    assert names(html(marketer, "/contacts/?pool=visitors"), "Lin", f"Visitor {visitor.pk}") == {
        f"Visitor {visitor.pk}"
    }


@pytest.fixture
def three(person, sales, marketer):
    one = person("林晓雯", owner=sales, email="lin@163.com", phone="13816048888", orders=[500, 200], ago=1)
    two = person("Gu Wenbo", ago=5, orders=[900])
    three = person("赵启航", ago=9)
    Contact.objects.filter(pk=three.pk).update(
        stage="lost", source_kind="web", created_at=clock.now() - timedelta(days=9)
    )
    actions.add_tag(contact_ids=[two.pk], name="runner", by=marketer)
    Identity.objects.filter(contact=three).update(reachable=False)
    segment = Segment.objects.create(name="Some", static=True)
    SegmentMember.objects.create(segment=segment, contact=one, entered_at=clock.now())
    return one, two, three


def test_each_filter_narrows(three, marketer, sales, html):
    day = f"{localtime(clock.now() - timedelta(days=9)):%Y-%m-%d}"
    filters = {
        "stage=lost": {"赵启航"},
        "source=web": {"赵启航"},
        "channel=email": {"林晓雯"},
        "channel=oa": {"林晓雯", "Gu Wenbo"},
        f"tag={Tag.objects.get().pk}": {"Gu Wenbo"},
        f"segment={Segment.objects.get().pk}": {"林晓雯"},
        f"owner={sales.pk}": {"林晓雯"},
        "owner=none": {"Gu Wenbo", "赵启航"},
        f"until={day}": {"赵启航"},
        "since=2100-01-01": set(),
        "stage=lost&channel=email": set(),
        "stage=nonsense&tag=abc&since=yesterday": {"林晓雯", "Gu Wenbo", "赵启航"},
    }
    for query, expected in filters.items():
        assert names(html(marketer, f"/contacts/?{query}"), "林晓雯", "Gu Wenbo", "赵启航") == expected, query


def test_search_by_part_of_the_name_and_by_whole_points(three, marketer, html):
    searches = {
        "晓雯": {"林晓雯"},
        "雯": {"林晓雯"},
        "wenbo": {"Gu Wenbo"},
        "LIN@163.com": {"林晓雯"},
        "138 1604 8888": {"林晓雯"},
        "＋8613816048888": {"林晓雯"},
        "lin@163": set(),
        "1604": set(),
        "%": set(),
        "没有": set(),
    }
    for text, expected in searches.items():
        page = html(marketer, "/contacts/?q=" + text.replace("%", "%25").replace("+", "%2B"))
        assert names(page, "林晓雯", "Gu Wenbo", "赵启航") == expected, text
    assert "Nobody fits these filters" in html(marketer, "/contacts/?q=没有")


def test_sorts(three, marketer, client_for):
    one, two, three_ = three
    client = client_for(marketer)

    def order(query: str) -> list[int]:
        return [contact.pk for contact in client.get(f"/contacts/?{query}").context["page"].rows]

    assert order("") == [one.pk, two.pk, three_.pk]
    assert order("sort=-seen") == [three_.pk, two.pk, one.pk]
    assert order("sort=value") == [two.pk, one.pk]  # buyers only, and the page says so
    assert order("sort=created")[-1] == three_.pk
    assert order("sort=password") == order("")


def test_sales_see_their_own_in_list_count_search_and_filters(three, person, sales, other_sales, manager, html):
    person("Foreign", owner=other_sales, email="f@example.cn")
    page = html(sales, "/contacts/")
    assert names(page, "林晓雯", "Gu Wenbo", "赵启航", "Foreign") == {"林晓雯"} and "1 person" in page
    assert names(html(sales, "/contacts/?q=f@example.cn"), "Foreign") == set()
    assert names(html(sales, "/contacts/?owner=none"), "Gu Wenbo") == set()
    assert names(html(manager, "/contacts/"), "林晓雯", "Foreign") == {"林晓雯"}
    assert "Foreign" not in html(sales, "/search/?q=Foreign")
    assert "Foreign" in html(other_sales, "/search/?q=f@example.cn")
    assert "林晓雯" in html(sales, "/search/?q=晓雯")


def test_search_finds_an_order_number_and_segments(three, marketer, sales, html):
    number = three[1].orders.get().external_id
    assert "Gu Wenbo" in html(marketer, f"/search/?q={number}")
    assert "Gu Wenbo" not in html(sales, f"/search/?q={number}")
    assert "/contacts/segments/" in html(marketer, "/search/?q=Some")


def test_bulk_tag_touches_only_what_the_user_may_see(person, sales, other_sales, client_for):
    mine, theirs = person("Mine", owner=sales), person("Theirs", owner=other_sales)
    answer = client_for(sales).post(
        "/contacts/tag/", {"contact": [mine.pk, theirs.pk, "x"], "name": " vip ", "back": "q=M"}
    )
    assert answer.status_code == 302 and answer.url == "/contacts/?q=M"
    assert list(Tagging.objects.values_list("contact", "tag__name")) == [(mine.pk, "vip")]
    assert AuditEntry.objects.filter(verb="contact.tagged", by=sales).exists()


def test_bulk_tag_without_ticks_or_name_changes_nothing(person, marketer, client_for):
    one = person("One")
    client_for(marketer).post("/contacts/tag/", {"name": "vip"})
    client_for(marketer).post("/contacts/tag/", {"contact": one.pk, "name": "x" * 61})
    assert not Tagging.objects.exists()


def test_the_way_back_after_a_bulk_tag_stays_on_this_site(person, marketer, client_for):
    one = person("One")
    answer = client_for(marketer).post("/contacts/tag/", {"contact": one.pk, "name": "vip", "back": "//evil.example"})
    assert answer.url.startswith("/contacts/?")


def test_the_number_of_queries_does_not_grow_with_the_rows(person, marketer, sales, statements):
    person("First", owner=sales, email="a@example.cn", orders=[1])
    paths = ("/contacts/", "/contacts/?q=First", "/contacts/?sort=value", "/contacts/?pool=visitors")
    few = {path: statements(marketer, path) for path in paths}
    for n in range(35):
        contact = person(f"First {n}", owner=sales, email=f"a{n}@example.cn", orders=[n + 1])
        actions.add_tag(contact_ids=[contact.pk], name=f"t{n % 5}", by=marketer)
    many = {path: statements(marketer, path) for path in paths}
    assert many == few
    assert max(len(read) for read in many.values()) <= 15


def test_htmx_gets_the_rows_only(person, marketer, client_for):
    person("Lin")
    body = client_for(marketer).get("/contacts/?q=Lin", headers={"HX-Request": "true"}).content.decode()
    assert "Lin" in body and "<html" not in body and 'id="contacts"' in body


def test_a_count_past_the_limit_is_an_estimate_and_says_so(person, marketer):
    for n in range(12):
        person(f"P{n}")
    rows = listing.rows(listing.read({}), marketer)
    assert counting.count(rows) == counting.Count(12, True)
    found = counting.count(rows, up_to=5)
    assert not found.exact and found.number >= 6


def test_a_count_gives_up_after_its_patience(db):
    slow = Contact.objects.extra(where=["pg_sleep(0.3)::text = ''"])
    Contact.objects.create(name="x", first_seen_at=clock.now(), last_seen_at=clock.now(), created_at=clock.now())
    found = counting.count(slow, patience_ms=20)
    assert not found.exact
    assert Contact.objects.count() == 1  # the transaction goes on


@pytest.mark.django_db(transaction=True)
def test_giving_up_leaves_a_connection_that_works():
    """Outside of a transaction too, where a canceled COMMIT or ROLLBACK would poison the connection for the next page."""
    from django.db import connection

    now = clock.now()
    Contact.objects.create(name="x", first_seen_at=now, last_seen_at=now, created_at=now)
    slow = Contact.objects.extra(where=["pg_sleep(0.2)::text = ''"])
    assert not counting.count(slow, patience_ms=20).exact
    assert not connection.in_atomic_block and Contact.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"
