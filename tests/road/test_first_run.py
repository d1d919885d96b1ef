"""An empty installation, as its first administrator meets it: from the link on the console to a connected Official Account, a
follower on the timeline and a campaign on that person's phone. Everything is done in the pages; WeChat is its double."""

import re

import pytest

from tests.fixtures_sandbox import OA
from tests.road.eyes import Eyes
from tests.road.stack import Running

pytestmark = [pytest.mark.browser, pytest.mark.road]
GREETING, TEXT = "欢迎！平时跑路跑还是越野？", "周末一起去[越野跑](https://shop.example.com/trail)吗？"


@pytest.fixture
def wechat(make_sandbox):
    return make_sandbox()


@pytest.fixture
def empty(tmp_path, wechat):
    running = Running(tmp_path, DEMO="0", WECHAT_API_URL=wechat.url)
    yield running
    running.end()


@pytest.fixture
def watching(browser):
    eyes = Eyes(browser)
    yield eyes
    eyes.close()


def save(page) -> None:
    page.locator("main .btn-primary").first.click()


def make_the_administrator(page) -> None:
    page.fill("[name=company]", "山野跑步")
    page.fill("[name=name]", "王主管")
    page.fill("[name=email]", "boss@shanye.example")
    page.fill("[name=password]", "shanye run 2026!")
    save(page)
    page.locator("#steps").wait_for()


def type_the_account(page, eyes) -> None:
    """From the list of first steps: what is wrong is said beside the field, and then the account is there, not yet proven."""
    page.locator("#steps .btn-primary", has_text="接入").click()
    page.locator("a[href$='/wechat_oa/']").click()
    page.fill("[name=name]", "山野服务号")
    page.fill("[name=app_id]", "gh_0123456789")
    save(page)
    page.locator(".field", has_text="AppID").locator(".invalid-feedback", has_text="wx").wait_for()
    eyes.forgive("422")
    page.fill("[name=app_id]", OA["appid"])
    page.fill("[name=app_secret]", "not the secret of this account")
    page.fill("[name=token]", OA["token"])
    page.fill("[name=aes_key]", OA["aes_key"])
    page.fill("[name=follow_reply]", GREETING)
    save(page)
    page.locator("#channel-state", has_text="待接通").wait_for()
    eyes.look(page, "an account that is not connected yet")


def type_at_wechat(page, wechat) -> None:
    """What the page says is typed at the other side. WeChat calls the address at once, and the page follows by itself."""
    page.locator("#secrets button").click()
    token, key = page.locator("#copy-token").inner_text(), page.locator("#copy-aes").inner_text()
    assert (token, key) == (OA["token"], OA["aes_key"]) and OA["secret"] not in page.content()
    told = wechat.connect(page.locator("#copy-url").inner_text(), token=token, aes_key=key, verify=True)
    assert told["verified"], told["problem"]
    page.locator("#signs li", has=page.locator(".ti-circle-check"), has_text="微信已验证 URL").wait_for()


def mend_the_secret(page, eyes) -> None:
    """The wrong AppSecret breaks the account, with the reason and what to do; the right one mends it."""
    page.get_by_role("button", name="检查连接").click()
    alert = page.locator("#health [role=alert]", has_text="微信拒绝了 AppSecret")
    alert.get_by_text("在微信后台重置 AppSecret").wait_for()
    eyes.look(page, "a broken account")
    alert.get_by_role("link", name="编辑").click()
    assert page.input_value("[name=app_secret]") == "" and "已保存" in page.get_attribute("[name=token]", "placeholder")
    page.fill("[name=app_secret]", OA["secret"])
    save(page)
    page.get_by_role("button", name="检查连接").click()
    page.locator("#channel-state", has_text="正常").wait_for()


def write_a_content(page, url: str) -> None:
    page.goto(f"{url}/content/new/")
    page.fill("main [name=name]", "周末约跑")
    page.fill("[name=v-0-body]", TEXT)
    save(page)
    page.get_by_role("button", name="审核通过").click()
    page.get_by_role("link", name="用于活动").wait_for()


def send_a_campaign(page) -> None:
    """From the approved content on: the connected channel is ticked already."""
    page.get_by_role("link", name="用于活动").click()
    page.fill("main [name=name]", "周末约跑")
    page.select_option("main [name=segment]", index=1)
    assert page.is_checked("[name=channels][value=oa]") and not page.is_checked("[name=channels][value=email]")
    save(page)
    page.locator("#reach", has_text="立即收到").wait_for()
    page.locator(".page-head .btn-primary").click()
    page.locator("dialog[open] button", has_text="发送").click()


def test_from_nothing_to_a_message_on_the_phone(empty, wechat, watching):
    link = re.search(r"http\S+/first-run/\?token=\S+", empty.text)[0]
    page = watching.open(link)
    make_the_administrator(page)
    watching.look(page, "first steps")
    type_the_account(page, watching)
    type_at_wechat(page, wechat)
    mend_the_secret(page, watching)

    who = wechat.person()
    wechat.act(who, "follow")
    assert [row["body"]["content"] for row in wechat.messages(who)] == [GREETING]
    wechat.act(who, "text", text="越野")
    page.goto(f"{empty.url}/contacts/")
    empty.until(lambda: page.reload() and page.locator("tbody a").count(), 30, "the follower in the list")
    page.locator("tbody a").first.click()
    for text in ("关注", "自动回复", "越野"):
        page.locator("#timeline", has_text=text).wait_for()

    page.goto(f"{empty.url}/settings/company/")  # it may be night
    page.fill("[name=quiet_start]", "08:00")
    page.fill("[name=quiet_end]", "08:00")
    save(page)
    page.goto(f"{empty.url}/contacts/segments/new/")
    page.fill("main [name=name]", "所有人")
    save(page)
    write_a_content(page, empty.url)
    send_a_campaign(page)
    sent = empty.until(lambda: [row for row in wechat.messages(who) if row["via"] == "custom"], 60, "the campaign")
    assert len(sent) == 1 and "越野跑</a>" in sent[0]["body"]["content"]

    page.goto(f"{empty.url}/channels/1/")
    page.locator("#channel-state", has_text="正常").wait_for()
    assert not page.locator("#signs").count() and page.locator("#health", has_text="之后已恢复正常").count()
    watching.look(page, "a healthy account")
    page.goto(f"{empty.url}/first-run/next/")
    done = page.locator("#steps li", has_text="已完成").all_inner_texts()
    assert [line.split()[0] for line in done] == ["接入渠道", "写第一份内容", "发送第一个活动"]
    watching.expect_nothing_wrong()
