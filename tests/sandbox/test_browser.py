"""The phone page in a real browser: what a visitor of the demo does with the mouse."""

import json
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import create_reply

from tests.fixtures_sandbox import OA
from tests.sandbox.doubles import RedirectedClient

pytestmark = pytest.mark.browser
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def stage(make_sandbox, developer):
    """A sandbox whose product is ``developer``: greets, serves an empty tracker and an empty log, forwards /l/ to the shop."""
    base = developer.url.removesuffix("/in/")
    sandbox = make_sandbox(PUBLIC_URL=base)
    crypto = WeChatCrypto(OA["token"], OA["aes_key"], OA["appid"])

    def answer(query, body):
        if "who" in query:
            return 200, json.dumps({"items": [], "contacts": []})
        if "msg_signature" not in query:
            return 200, ""
        message = parse_message(
            crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        )
        if not getattr(message, "event", "").startswith("subscribe"):
            return 200, "success"
        return 200, crypto.encrypt_message(create_reply("欢迎!", message).render(), query["nonce"], query["timestamp"])

    developer.answer = answer
    sandbox.connect(developer.url)
    sandbox.post("/setup/shop", {"write_key": "wk", "collector_url": base})
    return sandbox


def test_a_customer_is_played_with_the_mouse(stage, tab):
    page = tab(height=1000)
    page.set_default_timeout(10_000)
    page.goto(stage.url)
    phone = page.locator(".phone.big")

    page.locator(".acts [data-act=follow]").click()
    phone.get_by_text("欢迎!").wait_for()
    page.locator(".sbx-log").get_by_text("subscribe").wait_for()
    phone.locator("input[name=text]").fill("你好")
    phone.locator(".wx-input button").click()
    phone.locator(".wx.me").get_by_text("你好").wait_for()

    openid = page.locator("#sbx").get_attribute("data-openid")
    RedirectedClient(stage.url).message.send_text(openid, f"看鞋 {stage.url}/shop/p/dawn-racer/?zk=abc")
    phone.locator(".pane-chat a[data-open]").click()
    shop = phone.frame_locator("iframe[name=web]")
    shop.locator("[data-product]").wait_for()
    shop.locator("a.offer").click()
    shop.locator("#email").fill("me@mail.example")
    shop.locator("button[type=submit]").click()
    shop.locator(".thanks").wait_for()

    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@b.example", "me@mail.example", "请确认"
    letter.set_content("x")
    letter.add_alternative(f'<a href="{stage.url}/shop/c/clothing/">确认</a>', subtype="html")
    with smtplib.SMTP("127.0.0.1", stage.smtp_port, timeout=10) as smtp:
        smtp.send_message(letter)
    phone.locator(".phone-tabs [data-tab-to=mail]").click()
    phone.get_by_text("请确认").click()
    phone.frame_locator("iframe[name=mail]").get_by_text("确认").click()
    shop.get_by_role("heading", level=1).wait_for()
    assert "/shop/c/clothing/" in phone.locator(".web-bar").inner_text()

    page.locator("[data-clock='+1d']").click()
    page.locator(".badge.t-warn", has_text="1").first.wait_for()
    before = openid
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator(".page-head [data-do=start-over]").click()
    page.wait_for_function("before => document.querySelector('#sbx')?.dataset.openid !== before", arg=before)
    assert page.locator("#sbx").get_attribute("data-openid") != before
    acts = [act["kind"] for act in stage.get(f"/record/acts.json?openid={before}")["acts"]]
    assert acts == ["follow", "text", "open", "view", "email", "mail", "open", "clock"]


def test_pages_are_accessible_and_fit_a_phone(stage, tab):
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    page = tab(bypass_csp=True)
    for path in ("/", "/accounts", "/shop/", "/shop/p/dawn-racer/", "/shop/coupon/"):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(stage.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.set_viewport_size({"width": 1280, "height": 900})
        for theme in ("light", "dark"):
            page.context.add_cookies([{"name": "sandbox_theme", "value": theme, "url": stage.url}])
            page.goto(stage.url + path)
            page.add_script_tag(path=str(AXE))
            found = page.evaluate("axe.run(document, {iframes: false}).then(result => result.violations)")
            assert [(path, one["id"], [node["html"][:160] for node in one["nodes"]][:3]) for one in found] == []
