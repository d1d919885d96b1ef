"""The Segment HTTP API: what the official SDK sends, every way to send it, every way to get it wrong."""

import base64
import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connections

from channels_ingest import collector, ingest
from channels_ingest.enums import BadReason, DeliveryState, State
from channels_ingest.models import BadInput, Delivery
from contacts.models import Contact, Event, Identity, Order
from scrm.lib import clock, crypto

ANON = "0f0e8c1a-1111-4222-8333-444455556666"


def basic(key: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@pytest.fixture
def post(client):
    """post(channel, "track", {...}) with the public key in the body, as a browser does."""

    def send(channel, call, body, *, key=None, **extra):
        body = {"writeKey": channel.token if key is None else key, **body} if isinstance(body, dict) else body
        return client.post(f"/v1/{call}", data=json.dumps(body), content_type="text/plain", **extra)

    return send


def settle() -> None:
    while ingest.run_once():
        pass


@pytest.fixture
def short_connections():
    """Threads of the live server give their database connections back after every request."""
    held = connections.settings["default"]
    before, held["CONN_MAX_AGE"] = held["CONN_MAX_AGE"], 0
    yield
    held["CONN_MAX_AGE"] = before


def test_official_sdk_with_nothing_changed_but_the_host(short_connections, web, live_server):
    from segment.analytics.client import Client

    errors = []
    sdk = Client(collector.server_key(web), host=live_server.url, on_error=lambda e, items: errors.append(e), gzip=True)
    sdk.identify("user-9", {"email": "Lin.Xia@Example.com", "name": "林夏", "plan": "gold"})
    sdk.track("user-9", "Product Viewed", {"sku": "TR-7", "category": "running-shoes", "price": 899})
    sdk.track(
        "user-9",
        "Order Completed",
        {
            "order_id": "A-1",
            "revenue": 120.5,
            "currency": "CNY",
            "products": [{"sku": "S", "price": 120.5, "quantity": 1}],
        },
    )
    sdk.page("user-9", "Docs", "Home", {"url": "https://shop.example.com/"})
    sdk.screen("user-9", "App", "Start")
    sdk.group("user-9", "club-3", {"name": "Trail club"})
    sdk.alias(ANON, "user-9")
    sdk.track(None, "Size Guide Opened", anonymous_id=ANON)
    sdk.flush()
    sdk.join()
    assert not errors
    settle()
    kinds = sorted(Event.objects.values_list("kind", flat=True))
    assert kinds == sorted(
        [
            "identified",
            "product_viewed",
            "order_paid",
            "page_viewed",
            "page_viewed",
            "track:Group",
            "identified",
            "track:Size Guide Opened",
        ]
    )
    contact = Contact.objects.living().get()
    assert (contact.name, contact.attributes["plan"]) == ("林夏", "gold")
    assert set(contact.identities.values_list("kind", "trust")) == {("user_id", 2), ("email", 2), ("anonymous", 2)}
    assert Order.objects.get().total == Decimal("120.50")


def test_browser_key_is_only_believed_so_far(web, post):
    post(
        web,
        "identify",
        {"anonymousId": ANON, "userId": "u1", "traits": {"email": "a@example.com", "phone": "13800138000"}},
    )
    settle()
    trusts = dict(Identity.objects.values_list("kind", "trust"))
    assert trusts == {"anonymous": 0, "user_id": 1, "email": 1, "phone": 1}


def test_a_browser_cannot_pay(web, post):
    order = {"order_id": "X", "total": 999_999}
    post(web, "track", {"anonymousId": ANON, "event": "Order Completed", "properties": order})
    settle()
    assert Event.objects.get().kind == "track:Order Completed" and not Order.objects.exists()
    web.settings["browser_orders"] = True
    web.save()
    post(web, "track", {"anonymousId": ANON, "event": "Order Completed", "properties": order})
    settle()
    assert Order.objects.get().total == 999_999


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("identify", "identified"),
        ("i", "identified"),
        ("t", "track:X"),
        ("p", "page_viewed"),
        ("s", "page_viewed"),
        ("g", "track:Group"),
    ],
)
def test_calls_and_their_short_names(web, post, call, kind):
    body = {"anonymousId": ANON, "event": "X", "name": "N", "groupId": "g"}
    response = post(web, call, body)
    assert (response.status_code, response.json()) == (200, {"success": True})
    settle()
    assert Event.objects.get().kind == kind


@pytest.mark.parametrize("way", ["json", "text", "form field", "form raw", "gzip header", "gzip sniffed", "basic"])
def test_ways_to_carry_the_same_body(web, client, way):
    body = {"writeKey": web.token, "anonymousId": ANON, "event": "Product Viewed", "messageId": "m1"}
    extra, data, kind = {}, json.dumps(body).encode(), "application/json"
    if way == "text":
        kind = "text/plain;charset=UTF-8"
    elif way == "form field":
        from urllib.parse import urlencode

        data, kind = urlencode({"data": data.decode()}).encode(), "application/x-www-form-urlencoded"
    elif way == "form raw":
        kind = "application/x-www-form-urlencoded"
    elif way.startswith("gzip"):
        data = gzip.compress(data)
        extra = {"HTTP_CONTENT_ENCODING": "gzip"} if way == "gzip header" else {}
    elif way == "basic":
        body.pop("writeKey")
        data, extra = json.dumps(body).encode(), basic(web.token)
    response = client.post("/v1/track", data=data, content_type=kind, **extra)
    assert response.status_code == 200, response.content
    settle()
    assert Event.objects.get().kind == "product_viewed"


@pytest.mark.parametrize(
    ("call", "body", "status", "reason"),
    [
        ("track", b"{", 400, BadReason.MALFORMED),
        ("track", b"[1]", 400, BadReason.MALFORMED),
        ("track", b"\x1f\x8bnot gzip", 400, BadReason.MALFORMED),
        ("track", {"event": "X"}, 400, BadReason.REFUSED_EVENT),
        ("track", {"anonymousId": ANON}, 400, BadReason.REFUSED_EVENT),
        ("track", {"anonymousId": ANON, "event": "X", "properties": [1]}, 400, BadReason.REFUSED_EVENT),
        ("alias", {"userId": "u"}, 400, BadReason.REFUSED_EVENT),
        ("batch", {"batch": []}, 400, BadReason.MALFORMED),
        ("batch", {"batch": "x"}, 400, BadReason.MALFORMED),
        ("nothing", {"anonymousId": ANON}, 400, BadReason.MALFORMED),
        ("track", {"anonymousId": ANON, "event": "X", "properties": {"a": "x" * 33_000}}, 413, BadReason.OVERSIZED),
        (
            "batch",
            {"batch": [{"type": "track", "event": "X", "userId": "u", "properties": {"a": "x" * 33_000}}]},
            413,
            BadReason.OVERSIZED,
        ),
        ("batch", {"batch": [{"type": "track", "event": "x" * 1000, "userId": "u"}] * 510}, 413, BadReason.OVERSIZED),
    ],
)
def test_bad_bodies(web, client, call, body, status, reason):
    data = json.dumps({"writeKey": web.token, **body}).encode() if isinstance(body, dict) else body
    assert client.post(f"/v1/{call}", data=data, content_type="text/plain").status_code == status
    assert BadInput.objects.get().reason == reason
    assert not Delivery.objects.exists()


def test_a_gzip_bomb_stays_small(web, client):
    bomb = gzip.compress(b" " * 50_000_000)
    assert client.post("/v1/batch", data=bomb, content_type="application/json", **basic(web.token)).status_code == 413


@pytest.mark.parametrize("key", ["", "nonsense", "SERVER-WRONG", "paused"])
def test_keys(web, post, key):
    if key == "paused":
        web.state = State.PAUSED
        web.save()
        key = web.token
    elif key == "SERVER-WRONG":
        key = f"{web.token}.wrong"
    assert post(web, "track", {"anonymousId": ANON, "event": "X"}, key=key).status_code == 401
    assert BadInput.objects.get().reason == BadReason.KEY and not Delivery.objects.exists()


def test_one_bad_call_does_not_cost_the_batch(web, post):
    batch = [
        {"type": "track", "event": "A", "userId": "u"},
        {"type": "dance"},
        {"type": "track", "event": "B", "userId": "u"},
    ]
    assert post(web, "batch", {"batch": batch}).status_code == 200
    settle()
    assert sorted(Event.objects.values_list("kind", flat=True)) == ["track:A", "track:B"]
    assert BadInput.objects.get().reason == BadReason.REFUSED_EVENT


def test_an_odd_type_or_a_date_beyond_all_time_does_not_cost_the_batch(web, post):
    good = {"type": "track", "event": "Fine", "anonymousId": ANON}
    far = {**good, "event": "Far", "timestamp": "9999-12-31T23:59:59Z", "sentAt": "1970-01-01T00:00:00Z"}
    answer = post(
        web,
        "batch",
        {"batch": [{**good, "type": []}, {**good, "type": {}}, far, good], "sentAt": "1970-01-01T00:00:00Z"},
    )
    assert answer.status_code == 200
    settle()
    assert Delivery.objects.get().state == DeliveryState.DONE
    assert set(Event.objects.values_list("kind", flat=True)) == {"track:Fine", "track:Far"}
    assert Event.objects.get(kind="track:Far").occurred_at <= clock.now()
    assert BadInput.objects.get(reason=BadReason.REFUSED_EVENT).count == 2


@pytest.mark.parametrize("path", ["/in/wechat_oa/%00/", "/l/%00abc", "/t.js?k=%00", "/contacts/?q=%00"])
def test_nul_in_an_address_is_a_bad_request(client, path, db):
    assert client.get(path).status_code == 400


def test_cors(web, client, post):
    response = client.options("/v1/track", HTTP_ORIGIN="https://shop.example.com")
    assert response.status_code == 204 and response["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in response["Access-Control-Allow-Headers"]
    body = {"anonymousId": ANON, "event": "X"}
    assert post(web, "track", body, HTTP_ORIGIN="https://shop.example.com")["Access-Control-Allow-Origin"] == "*"
    web.settings["origins"] = ["https://shop.example.com"]
    web.save()
    collector.forget()
    assert post(web, "track", body, HTTP_ORIGIN="https://shop.example.com").status_code == 200
    response = post(web, "track", body, HTTP_ORIGIN="https://evil.example.com")
    assert response.status_code == 403 and BadInput.objects.get().reason == BadReason.ORIGIN


def test_postgres_down_is_503(web, post, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr("channels_ingest.edge.accept", away)
    assert post(web, "track", {"anonymousId": ANON, "event": "X"}).status_code == 503


def test_redelivery_by_message_id(web, post):
    for _time in range(2):
        post(web, "track", {"anonymousId": ANON, "event": "X", "messageId": "same"})
    settle()
    assert Event.objects.count() == 1


def test_contact_points_never_stay_in_properties(web, post):
    post(
        web,
        "track",
        {
            "anonymousId": ANON,
            "event": "Asked",
            "properties": {
                "Email": "leak@example.com",
                "mobile": "13800138000",
                "note": "write to other.person@example.com",
                "n": 1,
            },
            "context": {"page": {"url": "https://shop.example.com/?e=who%40example.com"}},
        },
    )
    settle()
    told = json.dumps(Event.objects.get().properties)
    for secret in (
        "leak@example.com",
        "13800138000",
        "other.person@example.com",
        "who%40example.com",
        "who@example.com",
    ):
        assert secret not in told
    assert set(Identity.objects.values_list("kind", flat=True)) == {"anonymous", "email", "phone"}


def test_form_leads_to_the_claimed_address(web, post):
    form = {"form": "coupon", "email": "New.Runner@example.com", "consent": True, "size": "42"}
    context = {"link": "tok123", "page": {"url": "https://shop.example.com/p/7", "title": "P7"}}
    post(web, "track", {"anonymousId": ANON, "event": "Form Submitted", "properties": form, "context": context})
    settle()
    event = Event.objects.get()
    told = event.properties
    assert event.kind == "form_submitted" and told["form"] == "coupon" and told["consent"] is True
    assert told["answers"] == {"size": "42"} and told["link"] == "tok123"
    identity = Identity.objects.get(kind="email", index=told["email_index"])
    assert identity.contact_id == event.contact_id and identity.hint == told["email_hint"]
    assert str(crypto.blind_index("email", "new.runner@example.com")) == told["email_index"]


def at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def occurred(web, post, **times) -> datetime:
    post(web, "track", {"userId": "u", "event": "X", **times}, key=collector.server_key(web))
    settle()
    return Event.objects.order_by("-id").first().occurred_at


def close(one: datetime, two: datetime) -> bool:
    return abs(one - two) < timedelta(seconds=20)


def test_clock_of_the_sender_is_taken_out(web, post):
    now = datetime.now(UTC)
    wrong = now - timedelta(hours=5)  # its clock is 5 hours behind; it happened 2 minutes before sending
    assert close(
        occurred(web, post, sentAt=at(wrong), timestamp=at(wrong - timedelta(minutes=2))), now - timedelta(minutes=2)
    )
    assert close(occurred(web, post), now)
    assert close(occurred(web, post, timestamp="nonsense"), now)
    assert close(occurred(web, post, timestamp="2019-03-01T10:00:00Z"), datetime(2019, 3, 1, 10, tzinfo=UTC))
    assert close(occurred(web, post, timestamp=at(now + timedelta(days=400))), now)
    assert close(occurred(web, post, timestamp=int(time.time() * 1000) - 60_000), now - timedelta(minutes=1))


def test_a_browser_writes_no_history(web, post):
    post(web, "track", {"anonymousId": ANON, "event": "X", "timestamp": "1999-01-01T00:00:00Z"})
    settle()
    assert close(Event.objects.get().occurred_at, datetime.now(UTC))


def test_demo_lives_by_the_business_clock(web, post, settings, monkeypatch):
    settings.DEMO = True
    monkeypatch.setattr(clock, "offset", lambda: timedelta(days=3))
    now = datetime.now(UTC)
    business = now + timedelta(days=3)
    live = occurred(web, post, sentAt=at(now), timestamp=at(now - timedelta(seconds=30)))
    assert close(live, business - timedelta(seconds=30))
    assert close(occurred(web, post), business)
    assert close(occurred(web, post, timestamp="2019-03-01T10:00:00Z"), datetime(2019, 3, 1, 10, tzinfo=UTC))
    assert close(occurred(web, post, sentAt=at(now), timestamp=at(business)), business)


def test_tracker_script(web, client):
    response = client.get(f"/t.js?k={web.token}")
    assert response.status_code == 200 and response["Content-Type"].startswith("text/javascript")
    assert web.token in response.content.decode()[:200] and "max-age" in response["Cache-Control"]
    assert client.get("/t.js").status_code == 400
    assert client.get("/t.js?k=';alert(1);'").status_code == 400
