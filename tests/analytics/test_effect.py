"""Credited orders, costs and ROI: windows, refunds, merges, late touches, and the lists behind the numbers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from analytics import effect
from analytics.actions import save_terms
from analytics.models import Credit, ProgrammeSent, Spend, Touch
from campaigns.enums import ContentState, CouponState, State
from campaigns.models import Campaign, Content, Coupon, CouponBatch, Message
from contacts import consumers, identity
from contacts.enums import EventKind, IdentityKind, Trust
from contacts.intake import Handle, Incoming, append, append_own
from contacts.models import Contact, Identity
from scrm.lib import clock

CONSUMER = "analytics.consumers.effect.consume"
NOW = clock.now()


def ago(**span):
    return NOW - timedelta(**span)


@pytest.fixture
def campaign(db) -> Campaign:
    content = Content.objects.create(name="夏季", state=ContentState.APPROVED)
    return Campaign.objects.create(name="夏季新品", state="done", content=content, created_at=NOW, updated_at=NOW)


def person(name="u1") -> Contact:
    handle = Handle(IdentityKind.EMAIL, f"{name}@mail.example", trust=Trust.VERIFIED)
    answer = append([Incoming(kind="identified", channel="web", occurred_at=ago(days=60), handles=[handle])])[0]
    return Contact.objects.get(pk=answer.contact_id)


def sent(campaign, contact, at=None, channel="email", origin="campaign") -> Message:
    """A message that left, and its event."""
    message = Message.objects.create(
        key=f"t:{Message.objects.count()}",
        contact=contact,
        identity=Identity.objects.get(contact=contact),
        channel=channel,
        content=campaign.content,
        purpose="marketing",
        origin=origin,
        origin_id=campaign.pk,
        state=State.SENT,
        planned_at=at or ago(days=3),
        next_at=at or ago(days=3),
        sent_at=at or ago(days=3),
    )
    told(message, EventKind.MESSAGE_SENT, message.sent_at)
    return message


def told(message, kind, at, **more):
    about = {"message": message.pk, "origin": message.origin, "origin_id": message.origin_id, **more}
    event = Incoming(
        kind=kind, channel=message.channel, occurred_at=at, contact_id=message.contact_id, properties=about
    )
    append_own([event])


def order(contact, number, at, total="100.00", kind=EventKind.ORDER_PAID, **more):
    event = Incoming(
        kind=kind,
        channel="shop",
        occurred_at=at,
        contact_id=contact.pk,
        properties={"order_id": number, "total": total, **more},
    )
    append([event])


def digest():
    while consumers.run(CONSUMER):
        pass


def numbers(campaign):
    row = effect.one("campaign", campaign)
    return row.orders, row.converted, row.revenue


def test_the_last_click_inside_five_days_gets_the_order_and_a_refund_takes_it_back(campaign):
    buyer = person()
    message = sent(campaign, buyer)
    told(message, EventKind.MESSAGE_CLICKED, ago(days=2))
    order(buyer, "A1", ago(days=1))
    order(buyer, "A2", ago(hours=1), total="50")
    digest()
    assert numbers(campaign) == (2, 1, Decimal("150.00"))
    order(buyer, "A2", ago(minutes=30), kind=EventKind.ORDER_REFUNDED, amount="20", refund_id="r1")
    digest()
    assert numbers(campaign) == (2, 1, Decimal("130.00"))
    order(buyer, "A2", ago(minutes=20), kind=EventKind.ORDER_REFUNDED, amount="30", refund_id="r2")
    digest()
    assert numbers(campaign) == (1, 1, Decimal("100.00")), "a wholly refunded order is no order"
    assert ProgrammeSent.objects.get().count == 1


@pytest.mark.parametrize(
    ("kind", "before", "credited"),
    [
        (EventKind.MESSAGE_CLICKED, {"days": 4, "hours": 23}, True),
        (EventKind.MESSAGE_CLICKED, {"days": 5, "minutes": 1}, False),
        (EventKind.MESSAGE_OPENED, {"hours": 1}, False),
        (EventKind.MESSAGE_DELIVERED, {"hours": 1}, False),
    ],
)
def test_windows(campaign, kind, before, credited):
    buyer = person()
    message = sent(campaign, buyer, at=ago(days=9))
    told(message, kind, ago(**before))
    order(buyer, "A1", NOW)
    digest()
    assert Credit.objects.get().origin == ("campaign" if credited else "")


def test_machine_opens_never_count_and_windows_can_be_changed(campaign, admin):
    buyer, other = person("a"), person("b")
    told(sent(campaign, buyer), EventKind.MESSAGE_OPENED, ago(hours=2), machine=True)
    told(sent(campaign, other), EventKind.MESSAGE_OPENED, ago(hours=2))
    order(buyer, "A1", ago(hours=1))
    order(other, "B1", ago(hours=1))
    digest()
    assert numbers(campaign)[0] == 0
    values = {"price": "0", "click_hours": 120, "reply_hours": 120, "open_hours": 24, "delivery_hours": 0}
    assert save_terms(rows={"email": values}, by=admin) == 2
    assert numbers(campaign) == (1, 1, Decimal("100.00"))


def test_a_reply_is_a_touch_of_the_last_message_before_it(campaign):
    buyer = person()
    sent(campaign, buyer, at=ago(days=2))
    append(
        [
            Incoming(
                kind=EventKind.MESSAGE_IN,
                channel="email",
                occurred_at=ago(days=1),
                contact_id=buyer.pk,
                properties={"text": "还有货吗"},
            )
        ]
    )
    order(buyer, "A1", ago(hours=3))
    digest()
    credit = Credit.objects.get()
    assert (credit.kind, credit.origin_id) == ("replied", campaign.pk)


def test_a_touch_that_is_told_after_the_order_is_credited_all_the_same(campaign):
    buyer = person()
    message = sent(campaign, buyer)
    order(buyer, "A1", ago(hours=1))
    digest()
    assert Credit.objects.get().origin == ""
    told(message, EventKind.MESSAGE_CLICKED, ago(hours=5))
    digest()
    assert numbers(campaign)[0] == 1
    told(message, EventKind.MESSAGE_CLICKED, NOW)
    digest()
    assert Credit.objects.get().touched_at == ago(hours=5), "a click after the order has no part in it"


def test_the_newest_programme_wins_and_an_order_is_credited_once(campaign):
    second = Campaign.objects.create(name="B", state="done", content=campaign.content, created_at=NOW, updated_at=NOW)
    buyer = person()
    told(sent(campaign, buyer), EventKind.MESSAGE_CLICKED, ago(days=2))
    told(sent(second, buyer), EventKind.MESSAGE_CLICKED, ago(days=1))
    order(buyer, "A1", ago(hours=1))
    digest()
    assert (numbers(campaign)[0], numbers(second)[0]) == (0, 1)
    consumers.rewind(CONSUMER)
    digest()
    assert (numbers(campaign)[0], numbers(second)[0], Touch.objects.count()) == (0, 1, 2)
    assert sum(ProgrammeSent.objects.values_list("count", flat=True)) == 2


def test_a_merge_brings_the_click_and_the_order_together(campaign, admin):
    clicker, buyer = person("a"), person("b")
    told(sent(campaign, clicker), EventKind.MESSAGE_CLICKED, ago(days=1))
    order(buyer, "A1", ago(hours=1))
    digest()
    assert numbers(campaign)[0] == 0
    merge = identity.merge(clicker, buyer, {"why": "staff"}, by=admin)
    digest()
    assert numbers(campaign)[0] == 1
    identity.unmerge(merge, by=admin)
    digest()
    assert numbers(campaign)[0] == 0


def test_costs_and_roi(campaign, admin):
    buyer = person()
    told(sent(campaign, buyer), EventKind.MESSAGE_CLICKED, ago(days=1))
    order(buyer, "A1", ago(hours=1), total="300")
    digest()
    row = effect.one("campaign", campaign)
    assert (row.cost.total, row.roi) == (0, None), "no cost, no ratio"
    values = {"price": "0.5", "click_hours": 120, "reply_hours": 120, "open_hours": 0, "delivery_hours": 0}
    assert save_terms(rows={"email": values}, by=admin) == 0, "a price alone credits nothing again"
    batch = CouponBatch.objects.create(name="20 元", value=20, stock=5)
    for state in (CouponState.REDEEMED, CouponState.ISSUED):
        Coupon.objects.create(
            batch=batch, contact=buyer, code=state, issue_key=state, state=state, issued_at=NOW, expires_at=NOW,
            origin="campaign", origin_id=campaign.pk,
        )  # fmt: skip
    Spend.objects.create(origin="campaign", origin_id=campaign.pk, day=NOW.date(), amount="79.5", note="海报")
    row = effect.one("campaign", campaign)
    assert (row.cost.messages, row.cost.coupons, row.cost.spend) == (Decimal("0.5"), 20, Decimal("79.5"))
    assert row.roi == pytest.approx((300 - 100) / 100)


@pytest.fixture
def played(campaign):
    for n in range(3):
        buyer = person(f"p{n}")
        message = sent(campaign, buyer)
        if n:
            told(message, EventKind.MESSAGE_CLICKED, ago(days=1))
            Message.objects.filter(pk=message.pk).update(clicked_at=ago(days=1), opened_at=ago(days=1))
            order(buyer, f"A{n}", ago(hours=2))
            order(buyer, f"B{n}", ago(hours=1))
    digest()
    return campaign


def test_every_number_opens_a_list_of_that_length(played, client_for, admin):
    client = client_for(admin)
    row = effect.one("campaign", played)
    assert (row.sent, row.opened, row.clicked, row.converted, row.orders) == (3, 2, 2, 2, 4)
    page = client.get(reverse("analytics:effect", args=["campaign", played.pk]))
    assert len(page.context["page"].rows) == row.orders
    people = client.get(reverse("analytics:effect_people", args=["campaign", played.pk]))
    assert len(people.context["page"].rows) == row.converted
    messages = reverse("campaigns:message_list")
    for query, number in (("went=1", row.sent), ("did=opened", row.opened), ("did=clicked", row.clicked)):
        listed = client.get(f"{messages}?campaign={played.pk}&{query}")
        assert len(listed.context["page"].rows) == number, query


def test_pages_by_role(played, client_for, cast, django_assert_max_num_queries):
    url = reverse("analytics:effect_list")
    for name, status in (("admin", 200), ("marketer", 200), ("manager", 200), ("sales", 403), ("agent", 403)):
        assert client_for(cast[name]).get(url).status_code == status, name
    admin = client_for(cast["admin"])
    admin.get(url)
    with django_assert_max_num_queries(14):
        page = admin.get(url)
    assert [row.pk for row in page.context["rows"]] == [played.pk]
    with django_assert_max_num_queries(16):
        admin.get(reverse("analytics:effect", args=["campaign", played.pk]))
    assert admin.get(reverse("analytics:effect", args=["campaign", 999999])).status_code == 404
    assert admin.get(reverse("analytics:effect", args=["coupon", 1])).status_code == 404
    assert "夏季新品" in admin.get(reverse("analytics:effect_export")).content.decode()


def test_spends_by_role_and_bad_input(played, client_for, cast):
    url = reverse("analytics:spend_add", args=["campaign", played.pk])
    good = {"day": "2026-11-01", "amount": "12.50", "note": "海报"}
    assert client_for(cast["sales"]).post(url, good).status_code == 403
    marketer = client_for(cast["marketer"])
    bad = marketer.post(url, {"day": "x", "amount": "0", "note": "海报"})
    assert bad.status_code == 422 and set(bad.context["form"].errors) == {"day", "amount"}
    assert bad.context["form"]["note"].value() == "海报"
    assert marketer.post(url, good).status_code == 302
    row = Spend.objects.get()
    assert client_for(cast["agent"]).post(reverse("analytics:spend_delete", args=[row.pk])).status_code == 403
    assert marketer.post(reverse("analytics:spend_delete", args=[row.pk])).status_code == 302
    assert marketer.post(reverse("analytics:spend_delete", args=[row.pk])).status_code == 404


def test_prices_page(client_for, cast):
    url = reverse("analytics:cost_edit")
    assert client_for(cast["agent"]).get(url).status_code == 403
    marketer = client_for(cast["marketer"])
    assert marketer.get(url).status_code == 200
    names = ("price", "click_hours", "reply_hours", "open_hours", "delivery_hours")
    data = {f"{c}-{name}": "1" for c in ("oa", "email", "weibo", "sms") for name in names}
    assert marketer.post(url, {**data, "sms-price": "-1"}).status_code == 422
    assert marketer.post(url, {**data, "sms-open_hours": "99999"}).status_code == 422
    assert marketer.post(url, data).status_code == 302
