"""The road as a user walks it: one story in a real browser, through the real stack. The tests run in order and build on each
other; the customer is played on the sandbox's phone, everybody else works in the product's pages."""

import re

import pytest

from tests.road.eyes import log_in
from tests.road.stack import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.road]
NAME, WELCOME = "小满", "欢迎新关注"


class Phone:
    """The sandbox's page: the phone in the middle, the buttons around it."""

    def __init__(self, stack, eyes) -> None:
        self.stack, self.eyes = stack, eyes
        self.page = eyes.open(stack.box.url)
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.box = self.page.locator(".phone.big")
        self.shop = self.box.frame_locator("iframe[name=web]")

    @property
    def openid(self) -> str:
        return self.page.locator("#sbx").get_attribute("data-openid")

    def somebody_new(self) -> str:
        """Start over with a fresh customer, the clock goes on."""
        before = self.openid
        fresh = self.stack.box.post("/persona", {"current": True})["openid"]
        self.page.wait_for_function("before => document.querySelector('#sbx').dataset.openid !== before", arg=before)
        self.page.wait_for_load_state("load")
        return fresh

    def follow(self) -> None:
        self.page.locator(".acts [data-act=follow]").click()
        self.said("欢迎关注山野跑步")

    def say(self, text: str) -> None:
        self.tab("chat")
        self.box.locator("input[name=text]").fill(text)
        self.box.locator(".wx-input button").click()
        self.box.locator(".wx.me", has_text=text).wait_for()

    def said(self, text: str):
        """The bubble that we sent to the phone."""
        bubble = self.box.locator(".wx.in", has_text=text).last
        bubble.wait_for()
        return bubble

    def tab(self, name: str) -> None:
        self.box.locator(f".phone-tabs [data-tab-to={name}]").click()

    def clock(self, shift: str) -> None:
        label = self.page.locator("[data-part=clock] b").inner_text()
        with self.page.expect_response(lambda answer: answer.url.endswith("/turn-clock")):
            self.page.locator(f"[data-part=clock] [data-clock='{shift}']").click()
        self.page.wait_for_function(
            "before => document.querySelector('[data-part=clock] b').innerText !== before", arg=label
        )

    def log(self, text: str):
        """A line of the live log beside the phone."""
        line = self.page.locator(".sbx-log .ev", has_text=text).last
        line.wait_for()
        return line


@pytest.fixture(scope="module")
def phone(stack, eyes) -> Phone:
    playing = Phone(stack, eyes)
    playing.clock("08:00")
    return playing


@pytest.fixture(autouse=True)
def _nothing_wrong(eyes):
    yield
    eyes.expect_nothing_wrong()


@pytest.fixture(scope="module")
def desk(stack, eyes):
    """desk("marketer") -> that person's page, logged in once."""
    pages = {}

    def at(role: str):
        if role not in pages:
            pages[role] = log_in(eyes, stack, f"{role}@shanye.example", PASSWORD)
        return pages[role]

    return at


def profile_of(stack, openid: str) -> str:
    """The address of the customer's profile, once the product knows the person."""
    return stack.url + stack.until(lambda: stack.told(openid)["contacts"], 30, "the contact")[0]


def message_page(stack, openid: str, kind: str) -> str:
    """The page of the customer's newest message that was held, sent ..."""
    items = stack.until(
        lambda: [item for item in stack.told(openid)["items"] if item["kind"] == kind], 60, f"{kind} of {openid}"
    )
    return stack.url + items[-1]["url"]


def test_a_scan_makes_a_contact(phone, stack, eyes, desk):
    phone.follow()
    phone.log("进入旅程")
    eyes.look(phone.page, "sandbox after the follow")
    page = desk("marketer")
    page.goto(profile_of(stack, phone.openid))
    page.locator("#who", has_text="橱窗二维码").wait_for()
    page.locator("#who .badge", has_text="私域潜客").wait_for()
    for text in ("关注", "进入旅程", "自动回复"):
        page.locator("#timeline", has_text=text).wait_for()
    page.locator(".c360-r", has_text=WELCOME).wait_for()
    assert page.locator(".c360-l", has_text="服务号").count() or page.locator(".c360-l", has_text="公众号").count()
    eyes.look(page, "profile of a follower")


def test_half_an_hour_later_the_welcome_message_comes(phone, stack, eyes):
    phone.say(f"2 越野，叫我{NAME}就好")
    phone.log("发来消息")
    stack.until(lambda: "message_in" in stack.kinds(phone.openid), 30, "the answer")
    phone.clock("+30m")
    bubble = phone.said("欢迎来到山野跑步")
    text = bubble.inner_text()
    assert NAME in text and "退订" in text
    assert re.fullmatch(rf"{stack.url}/l/\S+", bubble.locator("a[data-open]").get_attribute("href"))
    eyes.look(phone.page, "sandbox with the welcome message")


def test_link_shop_form_and_mail_make_one_contact(phone, stack, eyes, desk):
    phone.said("欢迎来到山野跑步").locator("a[data-open]").click()
    phone.shop.get_by_role("heading", level=1).wait_for()
    stack.until(lambda: "message_clicked" in stack.kinds(phone.openid), 30, "the click")
    for day in range(3):
        if day:
            phone.clock("+1d")
            phone.page.locator("[data-script=shop]").click()
        else:
            phone.shop.locator("a.good").first.click()
        phone.shop.locator("[data-product]").wait_for()
        phone.page.locator(".script-now .badge", has_text=f"{day + 1} / 3").or_(
            phone.page.locator(".script-now [data-value='/shop/coupon/']")
        ).first.wait_for()
    before = profile_of(stack, phone.openid)
    phone.page.locator("[data-script=shop][data-value='/shop/coupon/']").click()
    address = phone.shop.locator("#email").input_value()
    phone.shop.locator("button[type=submit]").click()
    phone.shop.locator(".thanks").wait_for()
    visitor = stack.until(lambda: stack.told(address)["contacts"], 60, "the visitor is known by the address")[0]
    assert stack.url + visitor != before, "an address that was only typed merges nobody"

    phone.tab("mail")
    phone.box.locator(".mail-row", has_text="请确认").click()
    with phone.page.context.expect_page() as opened:
        phone.box.frame_locator("iframe[name=mail]").get_by_role("link", name="确认我的邮箱").click()
    beside = opened.value
    beside.locator("button[value=me]").wait_for()
    eyes.look(beside, "confirmation page")
    beside.locator("button[value=me]").click()
    beside.locator(".ico .ti-check").wait_for()
    eyes.look(beside, "confirmed")
    beside.close()
    stack.until(lambda: len(stack.told(phone.openid, address)["contacts"]) == 1, 30, "one contact")

    page = desk("marketer")
    page.goto(profile_of(stack, phone.openid))
    merges = page.locator("#merges .evidence")
    merges.first.wait_for()
    assert merges.first.locator("li").count() >= 2
    eyes.look(page, "profile after the merge")


def test_the_coupon_comes_by_the_first_channel_that_reaches(phone, stack, eyes, desk):
    kinds = stack.until(
        lambda: (found := stack.kinds(phone.openid)) and "coupon_issued" in found and found, 60, "the coupon is issued"
    )
    assert kinds.index("contact_merged") < kinds.index("coupon_issued")
    phone.tab("chat")
    assert re.search(r"20\s*元券", phone.said("元券").inner_text())
    page = desk("marketer")
    page.goto(message_page(stack, phone.openid, "message_sent"))
    page.get_by_text("20 元跑鞋券").first.wait_for()
    eyes.look(page, "page of the coupon message")


def test_at_night_the_message_waits_for_the_morning(phone, stack, eyes, desk):
    openid = phone.somebody_new()
    phone.follow()
    phone.say("1 日常慢跑")
    stack.until(lambda: "message_in" in stack.kinds(openid) and "journey_entered" in stack.kinds(openid), 30)
    phone.clock("22:30")
    page = desk("marketer")
    page.goto(message_page(stack, openid, "message_held"))
    page.get_by_text("安静时段").first.wait_for()
    assert "08:00" in page.locator(".msg-steps").inner_text()
    eyes.look(page, "page of a held message")
    phone.clock("08:00")
    phone.clock("+30m")
    phone.said("欢迎来到山野跑步")
    page.reload()
    page.locator(".msg-steps .ti-send, .page-head .badge", has_text="已发送").first.wait_for()


def test_who_never_wrote_takes_the_fall_back(phone, stack, eyes, desk):
    openid = phone.somebody_new()
    phone.follow()
    stack.until(lambda: "journey_entered" in stack.kinds(openid), 30)
    phone.clock("+30m")
    page = desk("marketer")
    page.goto(message_page(stack, openid, "message_suppressed"))
    assert "48 小时" in page.locator(".msg-steps").inner_text()
    eyes.look(page, "page of a message whose window is closed")
    stack.until(lambda: "tag_added" in stack.kinds(openid), 30, "the fall-back branch acts")
    page.goto(profile_of(stack, openid))
    page.get_by_text("错过窗口").first.wait_for()
