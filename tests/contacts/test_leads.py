"""Leads: scores with reasons, opening at the threshold, assignment, alerts, what sales does with them."""

from datetime import timedelta

import pytest
from django.urls import reverse

from contacts import consumers, identity, leads
from contacts.actions import StaleVersion, assign_lead, close_lead, note_lead, open_lead, plan_follow_up
from contacts.enums import EventKind, LeadState, Stage, Trust
from contacts.intake import Handle, Incoming, append
from contacts.models import AssignRule, Contact, Event, Lead, LeadAct, ScoreRule
from scrm.core.models import Notification
from scrm.lib import clock

CONSUMER = "contacts.consumers.leads.consume"


@pytest.fixture
def rules(db):
    leads.scoring.seed()
    AssignRule.objects.get_or_create(name="Everybody", defaults={"rule": {}})


def event(kind, who="u1", minutes=0, **properties):
    return Incoming(
        kind=kind,
        channel="web",
        occurred_at=clock.now() - timedelta(minutes=minutes),
        handles=[Handle("customer", who, trust=Trust.VERIFIED)],
        properties=properties,
    )


def prices(who="u1", times=3):
    return [
        event(EventKind.PAGE_VIEWED, who, minutes=10 * n, url="https://shop.example/price/", title="价格")
        for n in range(times)
    ]


def digest() -> None:
    while consumers.run(CONSUMER):
        pass


def test_the_price_page_three_times_makes_a_lead_with_reasons_for_the_freest(rules, sales, other_sales, manager):
    busy = Contact.objects.create(
        known=True, first_seen_at=clock.now(), last_seen_at=clock.now(), created_at=clock.now()
    )
    open_lead(contact=busy, owner=sales, by=manager)
    append(prices(times=2))
    digest()
    assert Lead.objects.count() == 1, "two looks are not enough"
    append(prices()[:1])
    digest()
    lead = Lead.objects.latest("pk")
    assert (lead.score, lead.state, lead.owner) == (50, LeadState.NEW, other_sales)
    assert [reason["points"] for reason in lead.reasons] == [50] and "prices" in lead.reasons[0]["name"]
    assert lead.contact.owner == other_sales, "who works a lead sees the person"
    told = Notification.objects.get(user=other_sales)
    assert "50" in told.text and told.url == reverse("contacts:lead", args=[lead.pk])
    digest()
    kinds = list(
        Event.objects.filter(contact=lead.contact, kind__startswith="lead")
        .order_by("id")
        .values_list("kind", flat=True)
    )
    assert kinds == ["lead_opened", "lead_assigned"]


def test_unknown_visitors_and_old_looks_make_none(rules, sales):
    append([event(EventKind.PAGE_VIEWED, minutes=60 * 24 * 9, url="/price/") for _n in range(5)])
    strange = [
        Incoming(
            kind=EventKind.PAGE_VIEWED,
            channel="web",
            occurred_at=clock.now(),
            handles=[Handle("anonymous", "b1")],
            properties={"url": "/price"},
        )
        for _n in range(4)
    ]
    append(strange)
    digest()
    assert Lead.objects.count() == 0


def test_rewinding_makes_no_second_lead(rules, sales):
    append(prices())
    digest()
    consumers.rewind(CONSUMER)
    digest()
    assert Lead.objects.count() == 1 and LeadAct.objects.filter(kind="opened").count() == 1


def test_a_new_reason_warms_the_lead_and_tells_its_owner(rules, sales):
    append(prices())
    digest()
    Notification.objects.all().delete()
    append([event(EventKind.FORM_SUBMITTED, form="团购")])
    digest()
    lead = Lead.objects.get()
    assert lead.score == 70
    assert "70" in Notification.objects.get(user=sales).text
    append([event(EventKind.FORM_SUBMITTED, form="团购")])
    digest()
    assert Notification.objects.count() == 1, "the same reason is told once"


def test_scores_cool_down_with_time_and_an_order_wins(rules, sales, monkeypatch):
    append(prices())
    digest()
    later = clock.now() + timedelta(days=8)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        while leads.run():
            pass
    assert Lead.objects.get().score == 0
    append([event(EventKind.ORDER_PAID, order_id="1", total="99")])
    digest()
    lead = Lead.objects.get()
    assert lead.state == LeadState.WON and lead.closed_at
    append(prices("u1"))
    digest()
    assert Lead.objects.open().count() == 0, "a closed lead rests for a month"


def test_the_limit_holds_and_the_rest_waits_for_a_manager(rules, sales, manager):
    AssignRule.objects.update(most_open=2)
    append([one for who in ("a", "b", "c") for one in prices(who)])
    digest()
    assert Lead.objects.filter(owner=sales).count() == 2 and Lead.objects.filter(owner=None).count() == 1
    assert "owner=none" in Notification.objects.get(user=manager).url


def test_rules_by_region_and_team(rules, sales, other_sales):
    rule = {"kind": "attribute", "name": "region", "op": "eq", "value": "浙江"}
    AssignRule.objects.create(name="浙江", position=-1, rule=rule, team=other_sales.team)
    append([*prices("a"), *prices("b")])
    Contact.objects.filter(pk=Contact.objects.order_by("pk")[0].pk).update(region="浙江")
    digest()
    owner = dict(Lead.objects.values_list("contact__region", "owner"))
    assert owner == {"浙江": other_sales.pk, "": sales.pk}


def test_a_broken_rule_gives_no_points_and_stops_nobody(rules, sales):
    ScoreRule.objects.create(name="broken", points=90, rule={"kind": "segment", "segment": 99999})
    append(prices())
    digest()
    assert Lead.objects.get().score == 50


def test_reminders_come_once(rules, sales):
    append(prices())
    digest()
    lead = Lead.objects.get()
    Notification.objects.all().delete()
    plan_follow_up(lead_id=lead.pk, at=clock.now() - timedelta(minutes=1), by=sales)
    for _n in range(3):
        leads.run()
    assert Notification.objects.filter(user=sales).count() == 1


def test_merging_keeps_one_open_lead_and_unmerging_gives_back(rules, sales, admin):
    append([*prices("a"), *prices("b")])
    digest()
    one, other = Contact.objects.order_by("pk")
    merge = identity.merge(one, other, {"why": "staff"}, by=admin)
    assert Lead.objects.open().count() == 1 and Lead.objects.filter(contact_id=merge.survivor_id).count() == 2
    identity.unmerge(merge, by=admin)
    assert Lead.objects.open().count() == 2
    assert set(Lead.objects.values_list("contact_id", flat=True)) == {one.pk, other.pk}


@pytest.fixture
def lead(rules, sales) -> Lead:
    append(prices())
    digest()
    return Lead.objects.get()


def test_two_people_close_at_once(lead, sales):
    close_lead(lead_id=lead.pk, won=False, reason="太贵", version=lead.version, by=sales)
    with pytest.raises(StaleVersion):
        close_lead(lead_id=lead.pk, won=True, reason="", version=lead.version, by=sales)
    assert Event.objects.get(kind="lead_closed").properties["reason"] == "太贵"


def test_work_and_handover(lead, sales, other_sales, manager):
    note_lead(lead_id=lead.pk, kind="call", text="约周三到店", by=sales)
    lead.refresh_from_db()
    assert lead.state == LeadState.WORKING and lead.first_act_at
    assign_lead(lead_id=lead.pk, owner=other_sales, by=manager)
    lead.refresh_from_db()
    assert lead.owner == other_sales and lead.contact.owner == other_sales
    assert Notification.objects.filter(user=other_sales).exists()


WRITES = ["lead_note", "lead_plan", "lead_close"]


@pytest.mark.parametrize("name", WRITES)
def test_writes_by_role(lead, client_for, cast, name):
    data = {"kind": "note", "text": "ok", "at": "", "outcome": "lost", "reason": "x", "version": lead.version}
    url = reverse(f"contacts:{name}", args=[lead.pk])
    assert client_for(cast["outsider"]).post(url, data).status_code == 403
    assert client_for(cast["agent"]).post(url, data).status_code == 403
    assert client_for(cast["other_sales"]).post(url, data).status_code == 404
    assert client_for(cast["sales"]).post(url, data).status_code == 302


def test_only_managers_hand_out(lead, client_for, cast):
    url = reverse("contacts:lead_assign", args=[lead.pk])
    data = {"owner": cast["other_sales"].pk}
    assert client_for(cast["sales"]).post(url, data).status_code == 403
    assert client_for(cast["manager"]).post(url, {"owner": cast["marketer"].pk}).status_code == 422
    assert client_for(cast["manager"]).post(url, data).status_code == 302
    assert client_for(cast["manager"]).post(url, data).status_code == 404, "it left the manager's team"


def test_bad_input_keeps_what_was_typed(lead, client_for, sales):
    client = client_for(sales)
    page = client.post(reverse("contacts:lead_note", args=[lead.pk]), {"kind": "call", "text": ""})
    assert page.status_code == 422 and page.context["note"]["kind"].value() == "call"
    page = client.post(reverse("contacts:lead_plan", args=[lead.pk]), {"at": "2001-01-01T10:00"})
    assert page.status_code == 422 and page.context["plan"].errors["at"]
    page = client.post(reverse("contacts:lead_close", args=[lead.pk]), {"outcome": "lost", "version": lead.version})
    assert page.status_code == 422 and page.context["close"].errors["reason"]


def test_lists_show_own_leads_with_few_queries(lead, client_for, cast, django_assert_max_num_queries):
    mine = client_for(cast["sales"])
    url = reverse("contacts:lead_list")
    mine.get(url)
    with django_assert_max_num_queries(9):
        assert len(mine.get(url).context["page"].rows) == 1
    assert client_for(cast["other_sales"]).get(url).context["page"].rows == []
    assert client_for(cast["agent"]).get(url).status_code == 403
    append([one for n in range(50) for one in prices(f"p{n}")])
    digest()
    everybody = client_for(cast["admin"])
    everybody.get(url)
    with django_assert_max_num_queries(9):
        assert len(everybody.get(url).context["page"].rows) == 50
    lost = mine.get(url, {"state": "lost"})
    assert lost.context["page"].rows == []


def test_pages_of_rules(rules, client_for, cast):
    manager = client_for(cast["manager"])
    assert manager.get(reverse("contacts:lead_rule_list")).status_code == 200
    assert client_for(cast["sales"]).get(reverse("contacts:score_rule_new")).status_code == 403
    assert manager.get(reverse("contacts:score_rule_new")).status_code == 200
    assert manager.get(reverse("contacts:assign_rule", args=[AssignRule.objects.get().pk])).status_code == 200
    answer = manager.post(reverse("contacts:score_rule_new"), {"name": "x", "points": "0"})
    assert answer.status_code == 422 and answer.context["form"].errors["points"]
    rule = ScoreRule.objects.first()
    assert client_for(cast["sales"]).post(reverse("contacts:score_rule_delete", args=[rule.pk])).status_code == 403
    assert manager.post(reverse("contacts:score_rule_delete", args=[rule.pk])).status_code == 302
    assert not ScoreRule.objects.filter(pk=rule.pk).exists()


def test_a_profile_makes_a_lead(rules, client_for, cast):
    person = Contact.objects.create(
        known=True,
        owner=cast["sales"],
        stage=Stage.PROSPECT,
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
        created_at=clock.now(),
    )
    url = reverse("contacts:lead_open", args=[person.pk])
    assert client_for(cast["other_sales"]).post(url).status_code == 404
    assert client_for(cast["marketer"]).post(url).status_code == 403
    assert client_for(cast["sales"]).post(url).status_code == 302
    assert client_for(cast["sales"]).post(url).status_code == 302
    made = Lead.objects.get()
    assert (made.owner, made.opened_by, made.score) == (cast["sales"], cast["sales"], 0)
    assert "lead-title" in client_for(cast["sales"]).get(reverse("contacts:contact", args=[person.pk])).content.decode()
