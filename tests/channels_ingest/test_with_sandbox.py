"""Our door and the platform's double talk to each other: two implementations, real HTTP and SMTP, a real browser in the shop."""

import email
import email.policy
import time

import pytest
from django.db import connections

from channels_ingest import actions, ingest
from channels_ingest.connectors.base import ConnectorError, Rendered
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.enums import State
from channels_ingest.models import BadInput, Channel, Delivery
from contacts.models import Contact, Event, Identity
from tests.fixtures_sandbox import OA


@pytest.fixture
def product(live_server, settings):
    """The product on a real port; its threads give their connections back after every request."""
    held = connections.settings["default"]
    before, held["CONN_MAX_AGE"] = held["CONN_MAX_AGE"], 0
    settings.PUBLIC_URL = live_server.url
    yield live_server.url
    held["CONN_MAX_AGE"] = before


@pytest.fixture
def account(product, sandbox, settings):
    settings.WECHAT_API_URL = sandbox.url
    channel = actions.create_channel(
        kind="wechat_oa",
        name="Shanye",
        settings={"app_id": OA["appid"], "mode": "safe", "follow_reply": "欢迎！平时跑路跑还是越野？"},
        credentials={"app_secret": OA["secret"], "token": OA["token"], "aes_key": OA["aes_key"]},
        by=None,
    )
    told = sandbox.connect(channel.webhook_url, verify=True)
    assert told["verified"], told["problem"]
    return channel


def settle() -> None:
    while ingest.run_once():
        pass


def test_from_the_scan_to_the_answer(account, sandbox):
    code = actions.create_scene_code(account, label="橱窗", scene="shop-window", by=None)
    assert code.url and code.ticket
    who = sandbox.person()
    callback = sandbox.act(who, "scan", scene="shop-window")
    assert callback["state"] == "done" or callback["status"] == 200
    settle()
    contact = Contact.objects.get()
    assert (contact.source_kind, contact.source_label) == ("qr_scene", "橱窗")
    assert list(Event.objects.order_by("id").values_list("kind", flat=True)) == ["followed", "auto_replied"]
    assert any("平时跑路跑" in str(message) for message in sandbox.messages(who))

    sandbox.act(who, "text", text="越野")
    settle()
    identity = Identity.objects.get(kind="openid")
    assert identity.last_inbound_at and identity.reachable
    with CONNECTORS["wechat_oa"].open(account) as link:
        link.send(who, Rendered("text", text="收到，给你推荐越野鞋"), "k1")
        assert link.person(who)["subscribe"] == 1
    assert any("推荐越野鞋" in str(message) for message in sandbox.messages(who))

    sandbox.act(who, "unfollow")
    settle()
    identity.refresh_from_db()
    assert not identity.reachable
    with CONNECTORS["wechat_oa"].open(account) as link, pytest.raises(ConnectorError) as caught:
        link.send(who, Rendered("text", text="还在吗"), "k2")
    assert caught.value.permanent and not caught.value.unknown


def test_the_platforms_own_window(account, sandbox):
    who = sandbox.person()
    sandbox.act(who, "follow")
    with CONNECTORS["wechat_oa"].open(account) as link:
        for number in range(3):
            link.send(who, Rendered("text", text=f"{number}"), f"k{number}")
        with pytest.raises(ConnectorError) as caught:
            link.send(who, Rendered("text", text="one too many"), "k4")
    assert caught.value.window_closed and caught.value.code in {"45015", "45047"}


def test_check_and_a_token_that_is_refused_for_ever(account, sandbox, admin):
    assert actions.check_channel(account, by=admin)[0]
    who = sandbox.person()
    sandbox.act(who, "follow")
    sandbox.act(who, "text", text="hi")
    sandbox.post("/setup/faults", {"token_40001": True})
    for number in range(10):
        with pytest.raises(ConnectorError) as caught, CONNECTORS["wechat_oa"].open(account) as link:
            link.send(who, Rendered("text", text="x"), str(number))
        assert caught.value.channel_broken
        actions.mark_broken(account, caught.value.reason)
    assert Channel.objects.get().state == State.BROKEN
    calls = sandbox.get("/record/calls.json")["calls"]
    assert sum("stable_token" in call["path"] for call in calls) == 2
    sandbox.post("/setup/faults", {"token_40001": False})
    actions.resume_channel(account, by=admin)
    with CONNECTORS["wechat_oa"].open(Channel.objects.get()) as link:
        link.send(who, Rendered("text", text="back again"), "k")
    assert any("back again" in str(message) for message in sandbox.messages(who))


def test_a_callback_told_twice_counts_once(account, sandbox):
    sandbox.post("/setup/faults", {"callback_twice": True})
    sandbox.act(sandbox.person(), "follow")
    time.sleep(0.5)
    settle()
    assert Event.objects.filter(kind="followed").count() == 1 and not BadInput.objects.exists()


def test_mail(product, sandbox):
    settings = {
        "host": "127.0.0.1",
        "port": sandbox.smtp_port,
        "security": "none",
        "from_address": "hello@shanye.example",
        "from_name": "山野跑步",
    }
    channel = actions.create_channel(kind="email", name="Mail", settings=settings, credentials={}, by=None)
    rendered = Rendered("email", subject="你好，小雨", text="正文", html="<p>正文</p>")
    with CONNECTORS["email"].open(channel) as link:
        receipt = link.send("rain@example.com", rendered, "k")
        with pytest.raises(ConnectorError) as gone:
            link.send("bounce@example.com", rendered, "k2")
        with pytest.raises(ConnectorError) as later:
            link.send("later@example.com", rendered, "k3")
        link.send("snow@example.com", rendered, "k4")
    assert gone.value.permanent and later.value.retry_at and not later.value.permanent
    (mail,) = sandbox.mails("rain@example.com")
    message = email.message_from_bytes(sandbox.raw_mail(mail["id"]), policy=email.policy.default)
    assert message["Subject"] == "你好，小雨" and message["Message-ID"] == receipt.platform_id
    assert len(sandbox.mails("snow@example.com")) == 1


@pytest.mark.browser
def test_a_visit_to_the_shop(product, make_sandbox, tab):
    sandbox = make_sandbox(PUBLIC_URL=product)  # the shop's own policy lets in scripts of the product only
    web = actions.create_channel(
        kind="web", name="Shop", settings={"site_url": sandbox.url, "origins": [sandbox.url]}, credentials={}, by=None
    )
    sandbox.post("/setup/shop", {"write_key": web.token, "collector_url": product, "name": "Shanye"})
    page = tab()
    page.goto(f"{sandbox.url}/shop/?zk=personal-token-1&utm_source=oa", wait_until="networkidle")
    href = page.locator("a[href*='/shop/p/']").first.get_attribute("href")
    page.goto(f"{sandbox.url}{href}", wait_until="networkidle")
    page.goto(f"{sandbox.url}/shop/coupon/", wait_until="networkidle")
    page.fill("form#coupon [name=email]", "runner.new@example.com")
    page.check("form#coupon [name=agree]")
    page.click("form#coupon button")
    page.wait_for_timeout(300)
    page.goto("about:blank")
    deadline = time.monotonic() + 10
    while Delivery.objects.count() < 6 and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    settle()
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds.count("page_viewed") == 3 and kinds.count("product_viewed") == 1 and kinds.count("form_submitted") == 1
    contact = Contact.objects.get()
    assert set(contact.identities.values_list("kind", "trust")) == {("anonymous", 0), ("email", 1)}
    form = Event.objects.get(kind="form_submitted")
    assert (
        form.properties["link"] == "personal-token-1" and form.properties["form"] and form.properties["consent"] is True
    )
    assert Identity.objects.get(index=form.properties["email_index"]).contact_id == contact.pk
    first = Event.objects.filter(kind="page_viewed").order_by("id").first()
    assert "personal-token-1" not in first.properties["url"] and first.properties["utm"] == {"source": "oa"}
    assert not BadInput.objects.exists()
