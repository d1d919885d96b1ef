"""The inbox under real hands: keys, drafts that survive, canned replies, two agents at once, three panes on a phone."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as site
from django.db import connections

from campaigns.models import Message
from campaigns.sending import dispatch, ways
from contacts.enums import IdentityKind
from contacts.models import Order, Tag, Tagging
from scrm.core.enums import Language
from scrm.lib import clock
from service_desk import actions
from service_desk.enums import EntryKind, TicketKind
from service_desk.models import CannedReply, Conversation, Entry, Ticket
from tests.campaigns.world import NOON, identity
from tests.service_desk.desk import comments, later, says, talk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

NOW = later(minutes=30)
SHOTS = os.environ.get("INBOX_SHOTS", "")
"""A folder for pictures, when somebody wants to look."""


@pytest.fixture
def desk(live_server, oa, weibo, platform, agent, admin, client_for, monkeypatch):
    """A desk with people on it at 12:30; answers open(page, path)."""
    monkeypatch.setitem(connections["default"].settings_dict, "CONN_MAX_AGE", 0)
    agent.name, agent.language = "周宁", Language.CHINESE
    admin.name, admin.language = "陈嘉禾", Language.CHINESE
    agent.save()
    admin.save()
    with clock.frozen(NOW):
        _people(oa, weibo, agent, admin)
        yield lambda page, user, path="/service/inbox/?folder=all": _open(page, live_server.url, client_for(user), path)


def _open(page, base, client, path):
    page.context.add_cookies(
        [{"name": site.SESSION_COOKIE_NAME, "value": client.cookies[site.SESSION_COOKIE_NAME].value, "url": base}]
    )
    page.goto(f"{base}{path}")
    return page


def _people(oa, weibo, agent, admin):
    lin = talk(oa, "你好，看到你们有半热风烘豆机", who="o-lin", name="林晓雯", at=later(minutes=2))
    contact = lin.contact
    identity(contact, IdentityKind.EMAIL, "lin.xiaowen@example.com")
    contact.order_count, contact.order_total, contact.city, contact.region = 2, 967, "上海", "上海"
    contact.save()
    for name in ("企业采购意向", "手冲爱好者", "高客单"):
        Tagging.objects.create(contact=contact, tag=Tag.objects.create(name=name), source="manual", created_at=NOON)
    for number, total, line in (("SO2511200736", 268, "耶加雪菲 250g"), ("SO2511090214", 699, "磨豆机 C3")):
        lines = [{"sku": "a", "name": line, "quantity": 2, "price": 134}]
        Order.objects.create(
            contact=contact,
            external_id=number,
            placed_at=NOON - timedelta(days=1),
            terms_at=NOON,
            total=total,
            lines=lines,
        )
    actions.assign_conversation(conversation=lin, to=agent, by=admin)
    _reply(lin, agent, "晓雯您好，我是顾问周宁。烘豆机您是公司用还是家用呢？", later(minutes=5))
    dispatch.run_once()
    actions.post_note(
        conversation=lin, text="@陈嘉禾 她就是周二通过电话的，茶水间 40 人。报价按企业 95 折走。", by=agent
    )
    says(oa, "烘豆机那台 1kg 的还有现货吗？公司想一次买两台，能不能开专票。", who="o-lin", at=later(minutes=20))
    says(oa, "", who="o-lin", at=later(minutes=21), type="image", media="m1")
    says(oa, "在吗？我的券怎么用不了，马上要过期了", who="o-zhao", name="赵启航", at=later(minutes=28))
    gu = comments(weibo, "@山野跑步 穿两次鞋底就掉了，什么时候给个说法", who="1792", at=later(minutes=8))
    gu.name = "顾文博"
    gu.save()
    ticket = Conversation.objects.get(contact=gu)
    Ticket.objects.create(
        contact=gu,
        conversation=ticket,
        kind=TicketKind.COMPLAINT,
        title="鞋底开胶，要求说法",
        priority=3,
        opened_at=NOON,
    )
    meng = talk(oa, "发票抬头要改一下", who="o-meng", name="孟思远", at=later(minutes=1))
    _reply(meng, admin, "好的，发票抬头我这边更新了", later(minutes=4))
    says(oa, "前天问的还没人回", who="o-old", name="唐一诺", at=NOON - timedelta(days=3))
    dispatch.run_once()
    body = "{{ contact.name }}您好，请提供公司名称、税号、地址电话、开户行，专票随 {{ order.number }} 寄出。"
    CannedReply.objects.create(title="开专票所需资料", shortcut="专票", category="发票", body=body, used=7)
    CannedReply.objects.create(title="发货时间", shortcut="发货", category="物流", body="今天 18 点前付款当天发出。")


def _reply(conversation, by, text, at=NOW):
    with clock.frozen(at):
        _answer(Conversation.objects.get(pk=conversation.pk), by, text)


def _answer(conversation, by, text):
    way = ways(conversation.contact_id, channel=conversation.channel, identity_id=conversation.identity_id)[0]
    actions.post_reply(conversation=conversation, text=text, way=way, version=conversation.version, by=by)


def shot(page, name):
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png")


def test_keys_canned_replies_and_drafts(desk, agent, tab):
    page = desk(tab(), agent)
    page.keyboard.press("j")
    page.wait_for_selector("#composer")
    assert page.locator(".conv.on b").inner_text() == "赵启航"
    page.keyboard.press("j")
    page.wait_for_function("document.querySelector('.conv.on b').textContent === '林晓雯'")
    page.keyboard.press("r")
    page.keyboard.type("稍等，/专")
    page.wait_for_selector("#canned [role=option]")
    shot(page, "canned")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#reply-form textarea').value.includes('SO2511200736')")
    typed = page.locator("#reply-form textarea").input_value()
    assert typed.startswith("稍等，林晓雯您好")
    page.reload()
    assert page.locator("#reply-form textarea").input_value() == typed
    page.keyboard.press("n")
    page.keyboard.type("@陈")
    page.wait_for_selector("#mentions [role=option]")
    page.keyboard.press("Enter")
    page.keyboard.type("请看")
    page.keyboard.press("Enter")
    page.wait_for_selector(".msg.memo:has-text('请看')")
    assert Entry.objects.filter(kind=EntryKind.NOTE, body="@陈嘉禾 请看").exists()
    assert page.locator("#reply-form textarea").input_value() == typed
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.wait_for_selector(".msg.out:has-text('SO2511200736')")
    page.wait_for_function("document.querySelector('#reply-form textarea').value === ''")
    page.reload()
    assert page.locator("#reply-form textarea").input_value() == ""
    assert CannedReply.objects.get(shortcut="专票").used == 8


def test_two_agents_at_once(desk, agent, admin, tab):
    """The conflict is an answer with status 422, which the browser notes on its console."""
    one = Conversation.objects.get(contact__name="赵启航")
    page = desk(tab(), agent, f"{one.get_absolute_url()}?folder=all")
    page.locator("#reply-form textarea").fill("我来处理您的券")
    _reply(one, admin, "您好，券已为您延期")
    page.wait_for_selector(".msg.out:has-text('券已为您延期')")
    page.wait_for_selector("#meanwhile:visible")
    page.keyboard.press("Enter")
    page.wait_for_selector("#reply-form button:has-text('仍然发送')")
    shot(page, "conflict")
    assert page.locator("#reply-form textarea").input_value() == "我来处理您的券"
    assert Message.objects.filter(body__text="我来处理您的券").count() == 0
    page.locator("#reply-form button[type=submit]").click()
    page.wait_for_selector(".msg.out:has-text('我来处理您的券')")
    assert Message.objects.filter(body__text="我来处理您的券").count() == 1
    tab.errors[:] = [error for error in tab.errors if "422" not in error]


def test_what_the_customer_writes_appears_by_itself(desk, agent, oa, tab):
    one = Conversation.objects.get(contact__name="赵启航")
    page = desk(tab(), agent, f"{one.get_absolute_url()}?folder=all")
    page.locator("#reply-form textarea").fill("草稿")
    says(oa, "还有人吗", who="o-zhao", at=later(minutes=29))
    page.wait_for_selector(".msg.in:has-text('还有人吗')")
    page.wait_for_selector(".conv.on:has-text('还有人吗')")
    assert page.locator("#reply-form textarea").input_value() == "草稿"
    page.keyboard.press("Enter")
    page.wait_for_selector(".msg.out:has-text('草稿')")


def test_three_panes_on_a_phone(desk, agent, tab):
    page = desk(tab(width=390, height=844), agent)
    shot(page, "390-list")
    page.locator(".conv a", has_text="林晓雯").click()
    page.wait_for_selector("#msgs")
    assert not page.locator(".ib-list").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shot(page, "390-thread")
    page.locator("[data-pane=info]").click()
    assert page.locator("#ib-info").is_visible()
    shot(page, "390-info")
    page.locator("#ib-info [data-pane=thread]").click()
    page.locator("[data-pane=list]").click()
    assert page.locator(".ib-list").is_visible()


@pytest.mark.skipif(not SHOTS, reason="pictures are for people")
def test_pictures(desk, agent, admin, tab):
    for language in ("zh-hans", "en"):
        agent.language = admin.language = language
        agent.save()
        admin.save()
        for theme in ("light", "dark"):
            agent.theme = admin.theme = theme
            agent.save()
            admin.save()
            name = f"{language[:2]}-{theme}"
            page = desk(tab(), agent)
            shot(page, f"{name}-none")
            for who, what in (
                ("林晓雯", "thread"),
                ("顾文博", "weibo"),
                ("唐一诺", "closed-window"),
                ("孟思远", "answered"),
            ):
                page.locator(".conv a", has_text=who).click()
                page.wait_for_selector("#msgs")
                shot(page, f"{name}-{what}")
            page.locator("#ib-head button[hx-get*=assign]").first.click()
            page.wait_for_selector("#modal .desk-row")
            shot(page, f"{name}-assign")
            page.keyboard.press("Escape")
            page.locator("#ib-head [aria-expanded]").click()
            shot(page, f"{name}-menu")
            page.locator("#ib-head button[hx-get*=snooze]").click()
            page.wait_for_selector("#modal .snooze-pick")
            shot(page, f"{name}-snooze")
            boss = desk(tab(), admin, "/service/canned/")
            shot(boss, f"{name}-canned-list")
            boss.goto(boss.url + f"{CannedReply.objects.first().pk}/")
            shot(boss, f"{name}-canned-edit")
            phone = desk(tab(width=390, height=844), agent)
            phone.locator(".conv a", has_text="林晓雯").click()
            phone.wait_for_selector("#msgs")
            shot(phone, f"{name}-390-thread")
            contact = Conversation.objects.get(contact__name="林晓雯").contact_id
            profile = desk(tab(), agent, f"/contacts/{contact}/")
            shot(profile, f"{name}-profile")
