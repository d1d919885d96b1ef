"""The road as a user walks it: one story in a real browser, through the real stack. The tests run in order and build on each
other; the customer is played on the sandbox's phone, everybody else works in the product's pages."""

import re
import time

import pytest

from tests.road.eyes import log_in
from tests.road.stack import PASSWORD
from tests.road.walk import walk

pytestmark = [pytest.mark.browser, pytest.mark.road]
NAME, WELCOME, SEGMENT, MAIL = "小满", "欢迎新关注", "想跑步的人", "周末约跑"


class Phone:
    """The sandbox's page: the phone in the middle, the buttons around it."""

    def __init__(self, stack, eyes) -> None:
        self.stack, self.eyes = stack, eyes
        self.page = eyes.open(stack.box.url)
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.box = self.page.locator(".phone.big")
        self.shop = self.box.frame_locator("iframe[name=web]")
        self.first = self.openid

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

    def become(self, openid: str) -> None:
        """Hand the phone to a customer that there is already."""
        self.page.locator("[data-part=who] summary").click()
        self.page.locator(f"[data-do=change-person][data-openid='{openid}']").click()
        # The page loads anew, now and then twice: its own poll has seen the change too.
        self.page.wait_for_function("openid => document.querySelector('#sbx')?.dataset.openid === openid", arg=openid)
        self.page.wait_for_load_state("load")

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


def message_page(stack, openid: str, kind: str, which: int = -1) -> str:
    """The page of a message of the customer that was held, sent ...: the newest."""
    items = stack.until(
        lambda: [item for item in stack.told(openid)["items"] if item["kind"] == kind], 60, f"{kind} of {openid}"
    )
    return stack.url + items[which]["url"]


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
    # Two days after the answer the 48 hours of the Official Account are over, so it is the mail.
    assert phone.box.locator(".wx.in", has_text="元券").count() == 0
    phone.tab("mail")
    phone.box.locator(".mail-row", has_text="跑鞋券").click()
    phone.box.frame_locator("iframe[name=mail]").get_by_text("20 元券").first.wait_for()
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
    page.get_by_text("静默").first.wait_for()
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
    page.goto(message_page(stack, openid, "message_suppressed", 0))
    assert "回复窗口已关闭" in page.locator(".msg-steps").inner_text()
    eyes.look(page, "page of a message whose window is closed")
    stack.until(lambda: "tag_added" in stack.kinds(openid), 30, "the fall-back branch acts")
    page.goto(profile_of(stack, openid))
    page.get_by_text("错过窗口").first.wait_for()


def test_the_marketer_builds_a_segment_and_watches_its_count(stack, eyes, desk):
    page = desk("marketer")
    page.goto(f"{stack.url}/contacts/segments/new/")
    page.fill("#id_name", SEGMENT)

    def press(command: str) -> None:
        with page.expect_response(lambda answer: answer.url.endswith("/segments/build/")):
            page.locator(f"#tree button[name=do][value='{command}']").first.dispatch_event("click")
        page.wait_for_load_state("networkidle")

    press("add|r|consent")
    press("group|r")
    group = page.locator("#tree fieldset.grp fieldset.grp input[name$=':kind']").first.get_attribute("name")[
        : -len(":kind")
    ]
    press(f"add|{group}|event")
    press(f"add|{group}|identity")
    page.locator(f"#tree button[value^='remove|{group}.']").first.wait_for()
    page.locator("#tree .card-footer", has_text="浏览商品").wait_for()
    count = page.locator("#live .seg-n")
    stack.until(lambda: int(count.inner_text().replace(",", "")) >= 1, 30, "somebody meets the rule")
    eyes.look(page, "segment builder")
    page.click("[data-save]")
    page.wait_for_url(re.compile(r"/contacts/segments/\d+/"))
    eyes.look(page, "saved segment")


def test_a_mail_is_written_approved_and_sent_and_its_figures_move(phone, stack, eyes, desk):
    page = desk("marketer")
    page.goto(f"{stack.url}/content/new/")
    page.fill("#id_name", MAIL)
    with page.expect_response(re.compile("/content/variant/")):
        page.locator("button", has_text="邮件").and_(page.locator(".chip")).first.click()
    page.locator("#variant-email-zh-hans").wait_for()
    with page.expect_response(re.compile("/content/variant/")):
        page.locator("#variant-oa-zh-hans button[hx-vals*=remove]").click()
    page.locator("#variant-oa-zh-hans").wait_for(state="detached")
    mail = page.locator("#variant-email-zh-hans")
    mail.locator("input[name$=subject]").fill('{{ contact.first_name | default: "朋友" }}，周末一起跑')
    body = mail.locator("textarea")
    body.fill("你好，{{ contact.frist_name }}！")
    page.click(".page-head .btn-primary")
    refused = page.locator("#variant-email-zh-hans .invalid-feedback")
    refused.wait_for()
    assert "frist_name" in refused.inner_text() and "1" in refused.inner_text()
    eyes.forgive("422")
    shop = f"{stack.box.url}/shop/c/running-shoes/"
    body.fill("你好，")
    mail.locator(".chip[data-insert*='contact.first_name']").click()
    body.press("End")
    body.type(f"！\n\n[看看跑鞋]({shop})")
    page.click(".page-head .btn-primary")
    page.wait_for_url(re.compile(r"/content/\d+/"))
    eyes.look(page, "content editor")
    page.get_by_role("button", name="审核通过").click()
    page.locator(".page-head .badge", has_text="已审核").wait_for()

    page.goto(f"{stack.url}/campaigns/new/")
    page.fill("#id_name", MAIL)
    page.select_option("#id_segment", page.locator("#id_segment option", has_text=SEGMENT).get_attribute("value"))
    page.select_option("#id_content", page.locator("#id_content option", has_text=MAIL).get_attribute("value"))
    page.locator("input[name=channels][value=email]").check()
    eyes.look(page, "campaign settings")
    page.click(".page-head .btn-primary")
    page.locator(".invalid-feedback", has_text="公众号").wait_for()  # a mail has no variant for chats
    eyes.forgive("422")
    page.locator("input[name=channels][value=oa]").uncheck()
    page.click(".page-head .btn-primary")
    page.wait_for_url(re.compile(r"/campaigns/\d+/"))
    page.locator("#reach tbody tr").first.wait_for()
    assert "邮件" in page.locator("#reach tbody").inner_text()
    eyes.look(page, "campaign before sending")
    page.locator(".page-head").get_by_role("button", name="发送").click()
    page.locator("#sure [value=yes]").click()
    figures = page.locator(".campaign-result .f16")

    def reads(place: int) -> int:
        return int(figures.nth(place).inner_text().replace(",", "").replace("—", "0"))

    stack.until(lambda: reads(0) >= 1, 60, "sent")
    # The customer of the road opens it and follows its link; the figures move by themselves.
    phone.become(phone.first)
    phone.tab("mail")
    phone.box.locator(".mail-row", has_text="周末一起跑").click()
    phone.box.locator(".mail-one h2", has_text=f"{NAME}，周末一起跑").wait_for()
    stack.until(lambda: reads(2) >= 1, 60, "opened")
    phone.box.frame_locator("iframe[name=mail]").get_by_role("link", name="看看跑鞋").click()
    phone.shop.get_by_role("heading", level=1).wait_for()
    stack.until(lambda: reads(3) >= 1, 60, "clicked")
    eyes.look(page, "campaign result")


def test_version_2_of_the_journey_leaves_people_inside_on_version_1(phone, stack, eyes, desk):
    inside = phone.somebody_new()
    phone.follow()
    stack.until(lambda: "journey_entered" in stack.kinds(inside), 30)
    page = desk("marketer")
    page.goto(f"{stack.url}/journeys/")
    eyes.look(page, "journeys")
    page.get_by_role("link", name=WELCOME).first.click()
    page.locator("#canvas [data-step=trigger]").wait_for()
    eyes.look(page, "journey builder")
    page.locator(".jb-pal [data-kind=tag]").click()
    page.locator("#status .t-bad").wait_for()
    assert page.locator("#bar button.btn-primary[disabled]").count() == 1, "an error cannot be published"
    page.locator("#canvas .jf-card", has=page.locator(".jf-err")).click()
    tag = page.locator("#step-form select[name$=tag]")
    tag.select_option(index=1)
    page.locator("#status .t-ok").wait_for()
    eyes.look(page, "journey draft")

    page.locator("#bar").get_by_role("link", name="试运行").or_(page.locator("#bar a[hx-get*='dry-run']")).first.click()
    page.fill("#dry-q", NAME)
    page.locator("#dry-people .person", has_text=NAME).first.click()
    page.locator("#modal .way li").nth(2).wait_for()
    eyes.look(page, "dry run")
    page.locator("#modal [data-close]").first.click()

    page.locator("#bar a[hx-get*='publish']").click()
    page.locator("#modal form button.btn-primary").click()
    page.locator("#bar .badge", has_text="v2").first.wait_for()
    after = phone.somebody_new()
    phone.follow()
    stack.until(lambda: "journey_entered" in stack.kinds(after), 30)
    page.locator("#bar").get_by_role("link", name="版本").first.click()
    rows = page.locator("tbody tr")
    rows.nth(1).wait_for()
    counts = {row.locator("td").nth(0).inner_text(): row.locator("td").nth(2).inner_text() for row in rows.all()}
    assert counts["v1"] != "0" and counts["v2"] != "0"
    eyes.look(page, "versions")


def test_the_manager_sees_figures_and_sales_only_their_own(phone, stack, eyes, desk):
    page = desk("manager")
    page.goto(f"{stack.url}/overview/?days=7")
    page.locator("[data-chart] :is(canvas, svg)").first.wait_for()
    words = page.locator("main").inner_text()
    for word in ("新增粉丝", "私域潜客", "已发送", "打开", "点击", "回复窗口已关闭"):
        assert word in words, word
    eyes.look(page, "overview")

    page = desk("sales")
    assert page.goto(profile_of(stack, phone.openid)).status == 404, "somebody else's customer"
    eyes.forgive("404")
    page.goto(f"{stack.url}/contacts/")
    page.locator("main [data-list]").wait_for()
    mine = page.locator("main tbody tr").count()
    eyes.look(page, "contacts of sales")
    everybody = desk("marketer")
    everybody.goto(f"{stack.url}/contacts/")
    everybody.locator("main tbody tr").first.wait_for()
    assert mine < everybody.locator("main tbody tr").count()
    eyes.look(everybody, "contacts of the marketer")
    assert page.goto(f"{stack.url}/overview/").status == 403
    eyes.forgive("403")


def test_the_admin_sees_channels_roles_and_the_audit_log(stack, eyes, desk):
    page = desk("admin")
    page.goto(f"{stack.url}/channels/")
    page.get_by_text("会员邮件").first.wait_for()
    eyes.look(page, "channels")
    page.locator("table").get_by_role("link", name="山野跑步").first.click()
    page.locator(".kpi").first.wait_for()
    eyes.look(page, "official account")
    for path, text in (
        ("/settings/roles/", "营销"),
        ("/settings/users/", "苏念"),
        ("/audit/", "发布"),
        ("/messages/", "欢迎新朋友"),
    ):
        page.goto(stack.url + path)
        page.locator("main tbody", has_text=text).first.wait_for()
        eyes.look(page, path)


def test_every_page_fits_a_phone_in_the_dark(stack, eyes):
    """Whatever an administrator can reach by links; the eyes see errors of the console and refused requests."""
    page = log_in(eyes, stack, "admin@shanye.example", PASSWORD, width=390, height=844)
    page.emulate_media(color_scheme="dark")
    seen, wide = walk(page, f"{stack.url}/overview/", width=390)
    assert page.get_attribute("html", "data-bs-theme") == "dark"
    assert not wide, "\n".join(wide)
    # Every room was reached, down to its details and forms.
    for view in (
        "analytics:overview", "campaigns:campaign_detail", "campaigns:content_edit", "campaigns:message_detail",
        "campaigns:batch_edit", "channels_ingest:channel_detail", "channels_ingest:channel_create", "contacts:contact_edit",
        "contacts:segment", "contacts:stage_rule", "core:audit_list", "core:role_edit", "core:user_edit",
        "journeys:dry_run", "journeys:enrolment_detail", "journeys:journey_detail", "journeys:version_list",
    ):  # fmt: skip
        assert view in seen, view


def test_how_long_a_customer_waits(stack, record_property):
    """No time is asserted: the figures are for who reads them (``pytest -s``)."""
    box = stack.box
    box.shift("10:00")
    box.shift("+1d")
    took = {"contact after the scan": [], "entered after the scan": [], "welcome after the half hour": []}
    people = []
    for _one in range(5):
        openid, begun = box.person(), time.monotonic()
        box.act(openid, "follow")
        stack.until(lambda: stack.told(openid)["contacts"], 60, "the contact")
        took["contact after the scan"].append(time.monotonic() - begun)
        stack.until(lambda: "journey_entered" in stack.kinds(openid), 60, "the journey")
        took["entered after the scan"].append(time.monotonic() - begun)
        box.act(openid, "text", text="1")
        people.append(openid)
    stack.until(lambda: all("message_in" in stack.kinds(openid) for openid in people), 60, "the answers")
    box.shift("+30m")
    begun = time.monotonic()
    for openid in people:
        stack.until(lambda: any(row["via"] == "custom" for row in box.messages(openid)), 60, "the welcome message")
        took["welcome after the half hour"].append(time.monotonic() - begun)
    for name, seconds in took.items():
        told = f"{min(seconds):.2f} to {max(seconds):.2f} s"
        record_property(name, told)
        print(f"{name}: {told}")


def test_the_same_pages_in_english(phone, stack, eyes, desk):
    page = desk("manager")
    page.locator("[name=language][value=en]").first.dispatch_event("click")
    page.locator("html[lang^=en]").wait_for(state="attached")
    for path, text in (("/overview/", "To do"), ("/contacts/", "Contacts")):
        page.goto(stack.url + path)
        page.get_by_text(text).first.wait_for()
        eyes.look(page, f"{path} in English")
    page = eyes.open(stack.box.url, locale="en-US")
    page.context.add_cookies([{"name": "sandbox_language", "value": "en", "url": stack.box.url}])
    eyes.look(page, "sandbox")
