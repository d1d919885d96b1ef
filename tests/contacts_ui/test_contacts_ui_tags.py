"""The dictionary of tags, and the ordered stage rules."""

import pytest

from contacts import actions
from contacts.models import StageRule, Tag
from scrm.core.models import AuditEntry


@pytest.fixture(autouse=True)
def _no_rules_yet(db):
    StageRule.objects.all().delete()


def test_tags_empty_then_in_groups_with_their_numbers(person, marketer, sales, html):
    assert "No tags yet" in html(marketer, "/contacts/tags/")
    mine, other = person("Mine", owner=sales), person("Other")
    actions.add_tag(contact_ids=[mine.pk, other.pk], name="runner", by=marketer)
    Tag.objects.filter(name="runner").update(group="Sport", description="runs")
    Tag.objects.create(name="unused")
    page = html(marketer, "/contacts/tags/")
    assert all(
        text in page for text in ("Sport", "runs", "Without a group", f"?tag={Tag.objects.get(name='runner').pk}")
    )
    assert ">2</a>" in page
    assert ">1</a>" in html(sales, "/contacts/tags/")


def test_a_tag_is_made_renamed_and_checked(marketer, client_for):
    client = client_for(marketer)
    assert client.post("/contacts/tags/new/", {"name": " vip ", "group": "Value"}).status_code == 302
    tag = Tag.objects.get()
    assert (tag.name, tag.group) == ("vip", "Value")
    answer = client.post("/contacts/tags/new/", {"name": "VIP", "description": "typed"})
    assert answer.status_code == 422
    assert "There is a tag with this name already." in answer.content.decode() and "typed" in answer.content.decode()
    rule = {"all": [{"kind": "tag", "op": "any", "tags": [tag.pk]}]}
    segment = actions.save_segment(segment_id=None, name="S", description="", rule=rule, version=None, by=marketer)
    assert client.post(f"/contacts/tags/{tag.pk}/", {"name": "very important"}).status_code == 302
    tag.refresh_from_db()
    segment.refresh_from_db()
    assert tag.name == "very important" and segment.rule == rule
    assert AuditEntry.objects.filter(verb="tag.updated").count() == 1


def test_deleting_a_tag_names_the_number_of_contacts(person, marketer, client_for, html):
    actions.add_tag(contact_ids=[person("A").pk, person("B").pk], name="vip", by=marketer)
    tag = Tag.objects.get()
    assert "Delete from 2 contacts" in html(marketer, f"/contacts/tags/{tag.pk}/delete/")
    client_for(marketer).post(f"/contacts/tags/{tag.pk}/delete/")
    assert not Tag.objects.exists()
    assert client_for(marketer).get(f"/contacts/tags/{tag.pk}/").status_code == 404


def test_the_tag_list_costs_the_same_at_1_and_30(person, marketer, statements):
    actions.add_tag(contact_ids=[person("A").pk], name="one", by=marketer)
    few = statements(marketer, "/contacts/tags/")
    for n in range(30):
        actions.add_tag(contact_ids=[person(f"A{n}").pk], name=f"tag {n}", by=marketer)
    many = statements(marketer, "/contacts/tags/")
    assert many == few and len(many) <= 15


RULE = {"name": "Loyal", "from_stages": ["new", "repeat"], "to_stage": "loyal", "active": "on"}
TREE = {"r:kind": "all", "r.0:kind": "order", "r.0:measure": "count", "r.0:op": "gte", "r.0:value": "5"}


def test_a_stage_rule_is_made_changed_and_deleted(marketer, client_for, html):
    client = client_for(marketer)
    assert "No stage rules" in html(marketer, "/contacts/stages/")
    assert client.post("/contacts/stages/new/", RULE | TREE).status_code == 302
    rule = StageRule.objects.get()
    assert rule.rule == {"all": [{"kind": "order", "measure": "count", "op": "gte", "value": 5}]}
    assert (rule.from_stages, rule.to_stage, rule.active) == (["new", "repeat"], "loyal", True)
    page = html(marketer, "/contacts/stages/")
    assert "Loyal" in page and "number of orders" in page
    assert (
        client.post(f"/contacts/stages/{rule.pk}/", RULE | TREE | {"r.0:value": "7", "name": "Very loyal"}).status_code
        == 302
    )
    rule.refresh_from_db()
    assert rule.name == "Very loyal" and rule.rule["all"][0]["value"] == 7
    client.post(f"/contacts/stages/{rule.pk}/switch/", {"active": "0"})
    rule.refresh_from_db()
    assert not rule.active
    client.post(f"/contacts/stages/{rule.pk}/delete/")
    assert not StageRule.objects.exists()


def test_a_bad_stage_rule_says_what_is_wrong_and_keeps_the_input(marketer, client_for):
    client = client_for(marketer)
    cases = (
        ({"name": ""}, "This field is required."),
        ({"from_stages": []}, "This field is required."),
        ({"to_stage": "new"}, "Choose a stage that is not among those on the left."),
        ({"r.0:value": "many"}, 'value="many"'),
        ({"r.0:kind": "", "r:kind": "all"}, "There is no such condition."),
    )
    for changes, message in cases:
        answer = client.post("/contacts/stages/new/", RULE | TREE | changes)
        assert answer.status_code == 422 and message in answer.content.decode(), changes
    answer = client.post("/contacts/stages/new/", RULE | {"r:kind": "all"})
    assert answer.status_code == 422 and "needs at least one condition" in answer.content.decode()
    assert not StageRule.objects.exists()


def test_rules_move_up_and_down(marketer, client_for):
    client = client_for(marketer)
    for name in ("a", "b", "c"):
        client.post("/contacts/stages/new/", RULE | TREE | {"name": name})
    ids = {rule.name: rule.pk for rule in StageRule.objects.all()}

    def order() -> str:
        return "".join(StageRule.objects.values_list("name", flat=True))

    client.post(f"/contacts/stages/{ids['c']}/move/", {"to": "up"})
    assert order() == "acb"
    client.post(f"/contacts/stages/{ids['a']}/move/", {"to": "up"})
    assert order() == "acb"
    client.post(f"/contacts/stages/{ids['a']}/move/", {"to": "down"})
    assert order() == "cab"
    client.post(f"/contacts/stages/{ids['b']}/move/", {"to": "down"})
    assert order() == "cab"
