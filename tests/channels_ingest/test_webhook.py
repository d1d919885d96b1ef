"""Signed webhooks of order systems; the signer is the package standardwebhooks, which the product does not use."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from standardwebhooks import Webhook

from channels_ingest import ingest
from channels_ingest.actions import create_channel, end_old_key, rotate_key
from channels_ingest.connectors.webhook.edge import new_key
from channels_ingest.connectors.webhook.inbound import examples
from channels_ingest.models import BadInput, Channel, Delivery
from contacts.models import Contact, Event, Identity, Order, Product
from scrm.lib import clock

pytestmark = pytest.mark.django_db
BUYER = {"id": "C-1", "email": "lin@example.com", "phone": "13800138000", "name": "Lin"}


@pytest.fixture
def shop(db) -> Channel:
    return create_channel(kind="webhook", name="Shop", settings={}, credentials={"key": new_key()}, by=None)


def post(shop, told, *, number="msg-1", key=None, at=None, body=None, signature=None):
    body = json.dumps(told) if body is None else body
    at = at or datetime.now(tz=UTC)
    signed = signature or Webhook(key or shop.secrets["key"]).sign(number, at, body)
    headers = {"webhook-id": number, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signed}
    url = f"/in/webhook/{shop.token}/"
    return Client().post(url, body, content_type="application/json", headers=headers)


def paid(**more):
    data = {"order_id": "SO-1", "customer": BUYER, "total": "679.00", "coupons": ["abc"], **more}
    return {"type": "order.paid", "timestamp": (clock.now() - timedelta(hours=1)).isoformat(), "data": data}


def refusals():
    return dict(BadInput.objects.values_list("reason", "count"))


def test_an_order_makes_a_verified_customer_once(shop):
    assert post(shop, paid()).status_code == post(shop, paid()).status_code == 204
    assert Delivery.objects.count() == 1
    assert post(shop, paid(total="1"), number="msg-2").status_code == 204  # the same payment under another id
    ingest.run_once()
    person = Contact.objects.get()
    assert (person.name, person.order_count, person.order_total, person.source_kind) == ("Lin", 1, 679, "order")
    assert set(Identity.objects.values_list("kind", "trust")) == {("customer", 2), ("email", 2), ("phone", 2)}
    assert Event.objects.get().properties["coupons"] == ["abc"]
    assert "lin@example.com" not in json.dumps(Event.objects.get().properties)
    assert Order.objects.get().coupons == ["ABC"]


def test_every_documented_shape_is_taken_and_told_to_the_right_place(shop):
    for number, (_kind, body) in enumerate(examples()):
        assert post(shop, None, body=body, number=f"m{number}").status_code == 204
    ingest.run_once()
    assert not Delivery.objects.dead().exists() and not BadInput.objects.exists()
    order, product = Order.objects.get(), Product.objects.get()
    assert (order.state, order.refunded, order.shipped_at is not None) == ("cancelled", 100, True)
    assert (product.name, product.stock, product.active) == ("RS-101", 11, False)
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert kinds >= {"cart_updated", "identified", "order_placed", "order_invoiced", "order_delivered"}
    weibo = {"type": "customer.updated", "data": {"id": "C-1001", "weibo_uid": "1234567890"}}
    post(shop, weibo, number="weibo")
    ingest.run_once()
    assert Identity.objects.get(kind="weibo_uid").scope == 0


def test_wrong_or_old_signatures_store_nothing_and_are_counted(shop):
    other = new_key()
    assert post(shop, paid(), key=other).status_code == 403
    assert post(shop, paid(), signature="v1,AAAA v1a,BBBB nonsense").status_code == 403
    assert post(shop, paid(), at=datetime.now(tz=UTC) - timedelta(seconds=400)).status_code == 403
    assert Client().post(f"/in/webhook/{shop.token}/", "{}", content_type="application/json").status_code == 403
    assert Client().get(f"/in/webhook/{shop.token}/").status_code == 405
    assert not Delivery.objects.exists() and refusals() == {"signature": 3, "stale": 1}
    fits = Webhook(shop.secrets["key"]).sign("msg-1", now := datetime.now(tz=UTC), json.dumps(told := paid()))
    several = f"{Webhook(other).sign('msg-1', now, json.dumps(told))} {fits}"
    assert post(shop, told, at=now, signature=several).status_code == 204


@pytest.mark.parametrize(
    "told,why",
    [
        ("[1]", "not an object"),
        ("{nonsense", ""),
        ('{"type": "order.paid"}', "data must be an object"),
        ('{"type": "order.paid", "data": {"order_id": "1", "total": 5}}', "data.customer needs"),
        ('{"type": "order.paid", "data": {"order_id": "1", "customer": {"id": "1"}}}', "data.total is needed"),
        ('{"type": "order.paid", "data": {"customer": {"id": "1"}, "total": "5"}}', "data.order_id is needed"),
        ('{"type": "order.refunded", "data": {"order_id": 1, "customer": {"id": 1}, "amount": "x"}}', "data.amount"),
        ('{"type": "product.stock_changed", "data": {"sku": "A", "stock": "many"}}', "data.stock"),
        ('{"type": "order.paid", "timestamp": "soon", "data": {}}', "timestamp"),
    ],
)
def test_what_makes_no_sense_is_400_with_the_reason(shop, told, why):
    answer = post(shop, None, body=told)
    assert (answer.status_code, Delivery.objects.count(), refusals()) == (400, 0, {"malformed": 1})
    assert why in answer.content.decode()


def test_unknown_types_are_kept_and_answered_with_success(shop):
    assert post(shop, {"type": "review.written", "data": {"stars": 5}}).status_code == 204
    ingest.run_once()
    assert (Delivery.objects.get().state, refusals(), Event.objects.count()) == ("done", {"unknown_event": 1}, 0)


def test_both_keys_are_good_while_one_replaces_the_other(shop, admin):
    old = shop.secrets["key"]
    rotate_key(shop, by=admin)
    shop.refresh_from_db()
    assert post(shop, paid(), key=old, number="a").status_code == 204
    assert post(shop, paid(), key=shop.secrets["key"], number="b").status_code == 204
    held = shop.secrets | {"old_until": (clock.real_now() - timedelta(seconds=1)).isoformat()}
    shop.keep_secrets(held)
    shop.save()
    assert post(shop, paid(), key=old, number="c").status_code == 403
    rotate_key(shop, by=admin)
    shop.refresh_from_db()
    before = shop.secrets["old_key"]
    end_old_key(shop, by=admin)
    shop.refresh_from_db()
    assert post(shop, paid(), key=before, number="d").status_code == 403


def test_the_page_rotates_and_shows_the_key(shop, admin, agent, client):
    client.force_login(admin)
    page = client.get(f"/channels/{shop.pk}/").content.decode()
    assert shop.webhook_url in page and "order.refunded" in page and shop.secrets["key"] not in page
    assert shop.secrets["key"] in client.post(f"/channels/{shop.pk}/secrets/").content.decode()
    client.post(f"/channels/{shop.pk}/new-key/")
    assert f"/channels/{shop.pk}/end-old-key/" in client.get(f"/channels/{shop.pk}/").content.decode()
    client.post(f"/channels/{shop.pk}/end-old-key/")
    shop.refresh_from_db()
    assert not shop.secrets["old_key"]
    assert client.post(f"/channels/{shop.pk + 1}/new-key/").status_code == 404
    client.force_login(agent)
    assert client.post(f"/channels/{shop.pk}/new-key/").status_code == 403


def test_connecting_by_form_and_command(admin, client, capsys):
    client.force_login(admin)
    refused = client.post("/channels/add/webhook/", {"name": "Shop", "key": "short"})
    assert (refused.status_code, Channel.objects.count()) == (422, 0)
    client.post("/channels/add/webhook/", {"name": "Shop"})
    assert Channel.objects.get().secrets["key"].startswith("whsec_")
    call_command("channel_add", "webhook", "name=ERP", "key=whsec_" + "A" * 32, "path=0123456789abcdef0")
    told = capsys.readouterr().out
    assert "/in/webhook/0123456789abcdef0/" in told and "whsec_" + "A" * 32 in told
