"""Pages of orders and products: who sees what, problems with their reasons, queries that do not grow."""

import pytest

from contacts import catalogue
from contacts.intake import Incoming, append
from contacts.models import Contact, Order, Product
from scrm.lib import clock


def tell(who, number, kind="order_paid", **properties):
    told = {"order_id": number, **properties}
    append([Incoming(kind, "shop", clock.now(), 3, f"{kind}-{number}", contact_id=who.pk, properties=told)])
    return Order.objects.get(account_id=3, external_id=number)


@pytest.fixture
def lin(person, sales):
    return person("Lin", owner=sales)


def test_orders_are_listed_by_state_problem_and_number(lin, person, marketer, html):
    assert "No orders yet" in html(marketer, "/orders/")
    tell(lin, "SO-good", total=100)
    tell(person("Gu"), "SO-alien", total=5, currency="USD")
    tell(lin, "SO-early", "order_shipped")
    page = html(marketer, "/orders/")
    assert all(number in page for number in ("SO-good", "SO-alien", "SO-early", "The order itself has not arrived"))
    assert "SO-good" not in html(marketer, "/orders/?problem=any")
    only = html(marketer, "/orders/?problem=incomplete")
    assert "SO-early" in only and "SO-alien" not in only
    assert "SO-early" not in html(marketer, "/orders/?parcel=waits")
    assert "SO-alien" not in html(marketer, "/orders/?q=SO-good")
    assert "SO-alien" not in html(marketer, f"/orders/?contact={lin.pk}")
    assert "No order fits" in html(marketer, "/orders/?q=nothing")


def test_one_order_shows_lines_refunds_codes_and_history(lin, marketer, html):
    catalogue.apply([catalogue.Told(3, "RS-1", clock.now(), name="Cloud Trail")])
    lines = [{"sku": "RS-1", "name": "Cloud Trail", "quantity": 2, "price": "40"}, {"sku": "X-9", "name": "Odd"}]
    order = tell(lin, "SO-1", total=100, lines=lines, coupons=["NOSUCH"])
    Order.objects.update(coupon_problems=[{"code": "NOSUCH", "reason": "unknown"}])
    tell(lin, "SO-1", "order_refunded", refund_id="R-1", amount=30)
    page = html(marketer, f"/orders/{order.pk}/")
    shoe = Product.objects.get()
    for text in (f"/products/{shoe.pk}/", "not in the catalogue", "R-1", "Unknown code", "¥70.00", "Partly refunded"):
        assert text in page, text
    assert "SO-1" in html(marketer, f"/products/{shoe.pk}/")
    profile = html(marketer, f"/contacts/{lin.pk}/")
    assert profile.count(f"/orders/{order.pk}/") == 3  # two lines of the timeline, one of the value panel


def test_scope_and_permission(lin, person, sales, agent, marketer, client_for, make_user, html):
    mine, other = tell(lin, "SO-mine", total=1), tell(person("Gu"), "SO-other", total=1)
    assert "SO-other" not in html(sales, "/orders/") and "SO-mine" in html(sales, "/orders/")
    client = client_for(sales)
    assert client.get(f"/orders/{mine.pk}/").status_code == 200
    assert client.get(f"/orders/{other.pk}/").status_code == 404
    assert client.get(f"/orders/?contact={other.contact_id}").status_code == 404
    role = agent.role
    role.permissions = [one for one in role.permissions if one != "orders.view"]
    role.save()
    client = client_for(agent)
    for path in ("/orders/", f"/orders/{mine.pk}/", "/products/", "/products/1/"):
        assert client.get(path).status_code == 403
    assert f"/orders/{mine.pk}/" not in html(agent, f"/contacts/{lin.pk}/")


def test_products_are_listed_and_found(marketer, html, client_for):
    assert "No products yet" in html(marketer, "/products/")
    now = clock.now()
    catalogue.apply(
        [
            catalogue.Told(3, "RS-1", now, name="Cloud Trail", category="shoes", price=699, stock=0),
            catalogue.Told(3, "CL-1", now, name="Wind Shell", category="clothing", active=False, url="https://x.test/"),
        ]
    )
    assert "Wind Shell" not in html(marketer, "/products/?category=shoes")
    assert "Cloud Trail" not in html(marketer, "/products/?sale=no")
    assert "Wind Shell" not in html(marketer, "/products/?stock=out")
    assert "Wind Shell" not in html(marketer, "/products/?q=RS-1")
    assert client_for(marketer).get("/products/999/").status_code == 404


def test_queries_do_not_grow_with_the_rows(lin, person, marketer, client_for, django_assert_max_num_queries):
    client, gu = client_for(marketer), person("Gu")

    def queries(path):
        with django_assert_max_num_queries(20) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    tell(lin, "SO-0", total=1)
    catalogue.apply([catalogue.Told(3, "P-0", clock.now(), name="P")])
    queries("/orders/")
    few = [queries("/orders/"), queries("/products/"), queries(f"/contacts/{lin.pk}/timeline/")]
    for n in range(1, 30):
        tell(lin if n < 20 else gu, f"SO-{n}", total=1)  # so many fit on one page of the timeline
    catalogue.apply([catalogue.Told(3, f"P-{n}", clock.now(), name="P") for n in range(30)])
    assert [queries("/orders/"), queries("/products/"), queries(f"/contacts/{lin.pk}/timeline/")] == few
    assert Contact.objects.get(pk=lin.pk).order_count == 20
