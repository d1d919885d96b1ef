"""The double of a shop and our door for order systems: catalogue, cart, order, parcel, refund over real HTTP; killed in between."""

import time
import urllib.request

import pytest
from django.db import connections

from channels_ingest import actions, ingest
from channels_ingest.connectors.webhook.edge import new_key
from channels_ingest.models import Delivery
from contacts.models import Contact, Event, Order, Product
from tests.fixtures_sandbox import OA

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(live_server, settings, make_sandbox):
    """A sandbox of its own that tells the product of its shop."""
    held = connections.settings["default"]
    before, held["CONN_MAX_AGE"] = held["CONN_MAX_AGE"], 0
    settings.PUBLIC_URL = live_server.url
    sandbox = make_sandbox()
    channel = actions.create_channel(kind="webhook", name="Shop", settings={}, credentials={"key": new_key()}, by=None)
    sandbox.post("/setup/oa", {**OA, "callback_url": "", "verify": False})
    sandbox.channel = channel
    connect(sandbox)
    yield sandbox
    held["CONN_MAX_AGE"] = before


def connect(sandbox):
    hook = {"hook_url": sandbox.channel.webhook_url, "hook_key": sandbox.channel.secrets["key"]}
    sandbox.post("/setup/shop", {"write_key": "k", "collector_url": "http://127.0.0.1:1", **hook})


def settle(sandbox, done):
    """Until the shop's outbox is empty and so many webhooks were answered; then everything that was taken is digested."""
    deadline = time.monotonic() + 20
    while sandbox.get("/record/summary.json")["hooks"] != {"done": done}:
        assert time.monotonic() < deadline, sandbox.get("/record/summary.json")["hooks"]
        time.sleep(0.05)
    while ingest.run_once():
        pass


def deal(sandbox, **told):
    return sandbox.post("/shop/deal", told)


def test_from_the_catalogue_to_the_refund_also_when_the_shop_is_killed(shop):
    who = shop.post("/persona", {"name": "Lin", "current": True})["openid"]
    deal(shop, openid=who, step="cart", sku="RS-101", quantity=2)
    order = deal(shop, openid=who, step="place", email="Lin@mail.example", coupon="ABCD2345EF")["order"]
    number = order["number"]
    assert (order["total"], order["discount"]) == (1378, 20)
    deal(shop, number=number, step="pay")
    deal(shop, number=number, step="ship")
    shop.kill()
    shop.start()
    deal(shop, number=number, step="refund", amount="378")
    settle(shop, 16)  # eleven products, one stock, order placed, paid, shipped, refunded
    assert Product.objects.count() == 11 and Product.objects.get(sku="RS-101").stock == 48
    row = Order.objects.get()
    assert (row.external_id, row.state, row.net, row.coupons) == (number, "part_refunded", 1000, ["ABCD2345EF"])
    assert row.shipped_at is not None and row.problems == []
    person = Contact.objects.get()
    assert (person.name, person.order_total, person.order_count) == ("Lin", 1000, 1)
    deal(shop, openid=who, step="cart", sku="AC-301")
    settle(shop, 17)
    cart = Event.objects.get(kind="cart_updated").properties
    assert (cart["total"], cart["lines"][0]["sku"]) == ("79.00", "AC-301")


def test_every_webhook_twice_and_a_key_changed_meanwhile(shop, admin):
    shop.post("/setup/faults", {"callback_twice": True, "callback_hold": True})
    who = shop.post("/persona", {"current": True})["openid"]
    deal(shop, openid=who, step="cart", sku="RS-105", quantity=1)
    number = deal(shop, openid=who, step="place", email="a@mail.example")["order"]["number"]
    deal(shop, number=number, step="pay")
    actions.rotate_key(shop.channel, by=admin)  # the shop still signs with the key before
    shop.post("/setup/faults", {"callback_hold": False})
    settle(shop, 14)
    assert Delivery.objects.count() == 14
    assert (Order.objects.get().total, Contact.objects.get().order_total) == (389, 389)


def test_the_pages_of_the_shop(shop):
    shop.post("/persona", {"current": True})

    def page(path, form=None):
        data = form.encode() if form is not None else None
        with urllib.request.urlopen(shop.url + path, data, timeout=40) as answer:
            return answer.geturl(), answer.read().decode()

    assert "RS-101" in page("/shop/p/cloud-trail-3/")[1]
    address, cart = page("/shop/cart/put/", "sku=RS-101")
    assert address.endswith("/shop/cart/") and 'id="cart-told"' in cart and "699" in cart
    with pytest.raises(urllib.error.HTTPError, match="422"):
        page("/shop/checkout/", "email=none&coupon=")
    address, order = page("/shop/checkout/", "email=a%40mail.example&coupon=")
    assert 'value="pay"' in order and 'value="ship"' not in order
    path = address.removeprefix(shop.url)
    page(path, "step=pay")
    assert 'value="ship"' in page(path, "step=invoice")[1]
    assert "order.invoiced" in page(path)[1]
    assert path.split("/")[-2] in page("/shop/orders/?keeper")[1]
