"""The segment builder: rule -> tree -> form -> tree -> rule, the buttons, and the rows that are not right yet."""

import re
from html import unescape

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from contacts import actions
from contacts.builder import schema, tree
from contacts.builder.commands import apply
from contacts.builder.tree import MAX_NODES, Node, TreeTooBig
from contacts.models import Segment, Tag

LEAVES = [
    {"kind": "stage", "stages": ["lead", "loyal"]},
    {"kind": "tag", "op": "all", "tags": [3, 7]},
    {"kind": "event", "event": "product_viewed", "measure": "count", "op": "gte", "value": 3, "days": 30},
    {
        "kind": "event",
        "event": "product_viewed",
        "measure": "days_in_a_row",
        "op": "gte",
        "value": 3,
        "where": [
            {"property": "category", "op": "eq", "value": "running-shoes"},
            {"property": "price", "op": "gte", "value": 99.5},
        ],
    },
    {
        "kind": "event",
        "event": "track:Quiz",
        "measure": "sum",
        "property": "score",
        "op": "lt",
        "value": 10,
        "since": "2026-01-01",
    },
    {"kind": "order", "measure": "sum", "op": "gte", "value": 1500, "days": 90},
    {"kind": "order", "measure": "last_days_ago", "op": "gte", "value": 180},
    {"kind": "attribute", "name": "city", "op": "in", "value": ["Shanghai", "Hangzhou"]},
    {"kind": "attribute", "name": "attributes.shoe_size", "op": "gte", "value": 42},
    {"kind": "attribute", "name": "attributes.club", "op": "exists"},
    {"kind": "attribute", "name": "last_seen_at", "op": "last_days", "value": 30},
    {"kind": "attribute", "name": "created_at", "op": "gte", "value": "2026-05-01"},
    {"kind": "attribute", "name": "known", "op": "eq", "value": False},
    {"kind": "attribute", "name": "owner", "op": "eq", "value": 5},
    {"kind": "consent", "channel": "email", "purpose": "marketing", "state": "granted"},
    {"kind": "identity", "identity": "email", "state": "verified"},
    {"kind": "segment", "segment": 4},
    {"kind": "from_another_room", "anything": {"deep": [1, 2]}},
]


def fields_of(page: str) -> QueryDict:
    """What a browser would post of the form in ``page``: hidden, text, checked and selected values of the tree."""
    post = QueryDict(mutable=True)
    for control in re.finditer(r"<input\b[^>]*>|<select\b.*?</select>", page, re.S):
        text = control[0]
        name = re.search(r'\bname="(r[^"]*)"', text)
        if not name:
            continue
        if text.startswith("<select"):
            chosen = (
                re.findall(r'<option value="([^"]*)" selected', text)
                or re.findall(r'<option value="([^"]*)"', text)[:1]
            )
            values = chosen[:1]
        elif 'type="checkbox"' in text:
            values = ["1"] if "checked" in text else []
        else:
            values = re.findall(r'\bvalue="([^"]*)"', text)[:1] or [""]
        for value in values:
            post.appendlist(name[1], unescape(value))
    return post


@pytest.mark.parametrize(
    "leaf", LEAVES, ids=lambda leaf: f"{leaf['kind']}-{leaf.get('measure') or leaf.get('name') or ''}"
)
def test_every_condition_survives_the_form(leaf, marketer, client_for):
    """Rule -> page -> what a browser posts -> rule, for each kind and for kinds this version does not know."""
    segment = Segment.objects.create(name="One", rule={"all": [leaf, {"not": leaf}]})
    page = client_for(marketer).get(f"/contacts/segments/{segment.pk}/").content.decode()
    assert tree.to_rule(tree.from_post(fields_of(page), schema.read)) == segment.rule


groups = st.recursive(
    st.sampled_from(LEAVES[:3]),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)


def meaning(rule):
    """A rule without what the builder may rearrange: double negation, and a root that is no group."""
    if "not" in rule:
        inner = meaning(rule["not"])
        return inner.get("not", {"not": inner})
    for kind in ("all", "any"):
        if kind in rule:
            parts = [meaning(part) for part in rule[kind]]
            return parts[0] if kind == "all" and len(parts) == 1 else {kind: parts}
    return rule


@given(groups)
def test_tree_and_rule_say_the_same(rule):
    assert meaning(tree.to_rule(tree.from_rule(rule))) == meaning(rule)


@given(
    groups,
    st.lists(
        st.tuples(st.sampled_from(["up", "down", "copy", "remove", "switch", "negate", "group"]), st.integers(0, 20))
    ),
)
def test_buttons_never_lose_or_invent_a_condition(rule, presses):
    """Moving keeps every condition; only copy and remove change how many there are; paths always fit the places."""
    root = tree.from_rule(rule)
    for verb, at in presses:
        nodes = list(tree.walk(root))
        node = nodes[at % len(nodes)]
        before, held = _conditions(root), _conditions(node)
        try:
            apply(root, f"{verb}|{node.path}")
        except TreeTooBig:
            return
        after = _conditions(root)
        if verb == "copy" and node is not root:
            assert after == before + held
        elif verb == "remove" and node is not root:
            assert after == before - held
        else:
            assert after == before
        for found in tree.walk(root):
            assert tree.find(root, found.path) is found


def _conditions(node: Node) -> int:
    return sum(1 for found in tree.walk(node) if not found.is_group)


def test_up_and_down_walk_through_groups():
    a, b, c = ({"kind": "stage", "stages": [name]} for name in ("lead", "new", "lost"))
    root = tree.from_rule({"all": [a, {"any": [b]}, c]})

    def shape() -> list:
        return tree.to_rule(root)["all"]

    apply(root, "up|r.2")
    assert shape() == [a, {"any": [b, c]}]
    apply(root, "up|r.1.1")
    assert shape() == [a, {"any": [c, b]}]
    apply(root, "up|r.1.0")
    assert shape() == [a, c, {"any": [b]}]
    apply(root, "down|r.1")
    assert shape() == [a, {"any": [c, b]}]


@pytest.mark.parametrize(
    "command",
    ["", "remove|r.9", "fly|r", "add|r|nonsense", "drop|r|x|y", "unwhere|r.0|99", "copy|r", "negate|r", "|||"],
)
def test_an_outdated_or_made_up_command_changes_nothing(command):
    rule = {"all": [LEAVES[2]]}
    root = tree.from_rule(rule)
    apply(root, command)
    assert tree.to_rule(root) == rule


def test_a_tree_past_the_limits_is_refused():
    post = QueryDict(mutable=True)
    post["r:kind"] = "all"
    for n in range(MAX_NODES + 5):
        post[f"r.{n}:kind"] = "stage"
    with pytest.raises(TreeTooBig):
        tree.from_post(post, schema.read)
    root = tree.from_rule({"all": [LEAVES[0]] * (MAX_NODES - 1)})
    with pytest.raises(TreeTooBig):
        apply(root, "copy|r.0")
    deep = {"all": [LEAVES[0]]}
    for _level in range(5):
        deep = {"any": [deep]}
    with pytest.raises(TreeTooBig):
        apply(tree.from_rule(deep), "group|r.0.0.0.0.0")


def test_damaged_fields_do_not_break_the_builder(marketer, client_for):
    data = {
        "r:kind": "all",
        "r.0:kind": "event",
        "r.0:value": "many",
        "r.0:days": "-5",
        "r.1:kind": "<script>",
        "r.2:kind": "tag",
        "r.2:tags": ["abc", "99999999999999999999"],
        "r.3:kind": "attribute",
        "r.3:name": "owner",
        "r.3:value": "1e400",
        "r.4:kind": "stage",
        "r.4:extra": "{not json",
        "r.5:kind": "segment",
        "r.5:segment": "",
        "r.x:kind": "stage",
        "r.0:where.0.property": "a\x00b",
        "do": "nonsense",
    }
    answer = client_for(marketer).post("/contacts/segments/build/", data)
    assert answer.status_code == 200
    body = answer.content.decode()
    assert "<script>" not in body and body.count("is-bad") == 6


def test_one_step_answers_tree_count_and_sample(person, marketer, client_for):
    person("Lin Xiaowen", city="Shanghai")
    person("Gu", city="Hangzhou")
    client = client_for(marketer)
    data = {"r:kind": "all", "r.0:kind": "attribute", "r.0:name": "city", "r.0:op": "eq", "r.0:value": "Shanghai"}
    answer = client.post("/contacts/segments/build/", data)
    figures, body = answer.context["figures"], answer.content.decode()
    assert (figures.total.number, figures.everybody.number, figures.share) == (1, 2, 0.5)
    assert [contact.name for contact in figures.sample] == ["Lin Xiaowen"]
    assert body.count('hx-swap-oob="true"') == 2 and 'id="tree"' in body
    assert "Shanghai" in figures.sentence
    assert [(row["channel"], row["number"], row["percent"]) for row in figures.channels] == [("oa", 1, "100.0")]
    more = client.post("/contacts/segments/build/", data | {"do": "add|r|stage"})
    assert more.context["draft"].focus == "n-r-1"


def test_a_bad_row_keeps_its_place_says_how_to_fix_it_and_the_rest_counts(person, marketer, client_for):
    person("Lin", city="Shanghai")
    person("Gu")
    data = {
        "r:kind": "all",
        "r.0:kind": "tag",
        "r.0:op": "any",
        "r.1:kind": "attribute",
        "r.1:name": "city",
        "r.1:op": "eq",
        "r.1:value": "Shanghai",
        "r.2:kind": "order",
        "r.2:measure": "count",
        "r.2:op": "gte",
        "r.2:value": "a lot",
    }
    answer = client_for(marketer).post("/contacts/segments/build/", data)
    body, figures = answer.content.decode(), answer.context["figures"]
    assert figures.total.number == 1 and figures.incomplete
    assert "Choose at least one tag." in body and 'value="a lot"' in body and body.count("is-bad") == 2
    assert body.index("Choose at least one tag.") < body.index("Shanghai")


def test_sales_count_and_sample_only_their_own(person, sales, other_sales, admin, client_for, html):
    from scrm.core.enums import Permission

    sales.role.permissions.append(Permission.SEGMENTS_EDIT.value)
    sales.role.save()
    person("Mine", owner=sales)
    person("Theirs", owner=other_sales)
    answer = client_for(sales).post("/contacts/segments/build/", {"r:kind": "all"})
    assert answer.context["figures"].total.number == 1
    body = answer.content.decode()
    assert "Mine" in body and "Theirs" not in body


def new(client, name="Runners", **more):
    return client.post(
        "/contacts/segments/new/", {"name": name, "r:kind": "all", "r.0:kind": "stage", "r.0:stages": "lead"} | more
    )


def test_a_segment_is_saved_changed_and_guarded_by_its_version(person, marketer, client_for, html):
    client = client_for(marketer)
    answer = new(client, description="who runs")
    segment = Segment.objects.get()
    assert answer.url == f"/contacts/segments/{segment.pk}/"
    assert segment.rule == {"all": [{"kind": "stage", "stages": ["lead"]}]} and segment.created_by == marketer
    data = {
        "name": "Runners 2",
        "version": segment.version,
        "r:kind": "all",
        "r.0:kind": "stage",
        "r.0:stages": ["lead", "new"],
    }
    assert client.post(answer.url, data).status_code == 302
    again = client.post(answer.url, data | {"name": "Mine"})
    assert again.status_code == 409 and "Nothing was overwritten" in again.content.decode()
    assert 'value="Mine"' in again.content.decode() and Segment.objects.get().name == "Runners 2"
    assert client.post(answer.url, data | {"name": "Mine", "version": segment.version + 1}).status_code == 302


def test_an_invalid_segment_is_not_saved_and_keeps_what_was_typed(person, marketer, client_for):
    client = client_for(marketer)
    assert new(client).status_code == 302
    for more, message in (
        ({"name": "RUNNERS"}, "There is a segment with this name already."),
        ({"name": ""}, "This field is required."),
        ({"name": "Bad", "r.0:stages": ""}, "Choose at least one stage."),
        ({"name": "Bad", "r.1:kind": "any"}, "This group is empty"),
    ):
        answer = new(client, **more)
        assert answer.status_code == 422 and message in answer.content.decode(), more
    assert Segment.objects.count() == 1


def test_a_segment_can_not_use_itself_even_through_another(marketer, client_for):
    client = client_for(marketer)
    new(client, "First")
    first = Segment.objects.get()
    second = actions.save_segment(
        segment_id=None,
        name="Second",
        description="",
        rule={"all": [{"kind": "segment", "segment": first.pk}]},
        version=None,
        by=marketer,
    )
    data = {"name": "First", "version": 1, "r:kind": "all", "r.0:kind": "segment", "r.0:segment": second.pk}
    answer = client.post(f"/contacts/segments/{first.pk}/", data)
    assert answer.status_code == 422 and "This segment uses the segment" in answer.content.decode()
    offered = client.get(f"/contacts/segments/{first.pk}/?").content.decode()
    assert offered.count(">First</option>") == 0


def test_buttons_work_without_scripts(marketer, client_for):
    answer = new(client_for(marketer), do="add|r|tag")
    assert answer.status_code == 200 and Segment.objects.count() == 0
    assert answer.content.decode().count('class="cond') >= 2


def test_members_freeze_copy_and_delete(person, marketer, sales, client_for, html):
    from contacts import membership

    one, two = person("Lin Xiaowen", owner=sales), person("Gu")
    actions.change_stage(contact_ids=[one.pk, two.pk], stage="lead", reason="x", by=marketer)
    client = client_for(marketer)
    new(client)
    segment = Segment.objects.get()
    assert "Not counted yet" in html(marketer, f"/contacts/segments/{segment.pk}/members/")
    while membership.run():
        pass
    page = html(marketer, f"/contacts/segments/{segment.pk}/members/")
    assert "Lin Xiaowen" in page and ">Gu<" in page and "2 people" in page
    mine = html(sales, f"/contacts/segments/{segment.pk}/members/")
    assert "Lin Xiaowen" in mine and ">Gu<" not in mine and "1 person" in mine
    assert "Your contacts" in html(sales, "/contacts/segments/")
    frozen = client.post(f"/contacts/segments/{segment.pk}/freeze/")
    kept = Segment.objects.get(static=True)
    assert frozen.url == f"/contacts/segments/{kept.pk}/" and kept.member_count == 2
    actions.change_stage(contact_ids=[one.pk], stage="lost", reason="x", by=marketer)
    while membership.run():
        pass
    assert kept.members.count() == 2 and segment.members.count() == 1
    assert "A fixed list has no rule" in html(marketer, frozen.url)
    client.post(f"/contacts/segments/{segment.pk}/copy/")
    client.post(f"/contacts/segments/{segment.pk}/copy/")
    assert set(Segment.objects.filter(static=False).values_list("name", flat=True)) == {
        "Runners",
        "Runners, copy",
        "Runners, copy 2",
    }
    assert "The list of 2 people" in html(marketer, f"/contacts/segments/{kept.pk}/delete/")
    client.post(f"/contacts/segments/{kept.pk}/delete/")
    assert not Segment.objects.filter(pk=kept.pk).exists() and two.events.exists()


def test_a_segment_or_tag_in_use_is_not_deleted(person, marketer, client_for):
    client = client_for(marketer)
    new(client, "Used")
    used, tag = Segment.objects.get(), Tag.objects.create(name="vip")
    rule = {"any": [{"kind": "segment", "segment": used.pk}, {"not": {"kind": "tag", "op": "any", "tags": [tag.pk]}}]}
    actions.save_segment(segment_id=None, name="User of it", description="", rule=rule, version=None, by=marketer)
    for path in (f"/contacts/segments/{used.pk}/delete/", f"/contacts/tags/{tag.pk}/delete/"):
        assert "User of it" in client.get(path).content.decode()
        answer = client.post(path)
        assert answer.status_code == 422 and "User of it" in answer.content.decode()
    assert Segment.objects.filter(pk=used.pk).exists() and Tag.objects.exists()


def test_the_segment_list_costs_the_same_at_1_and_30(marketer, sales, statements):
    Segment.objects.create(name="One", rule={"all": []})
    few = {user.name: statements(user, "/contacts/segments/") for user in (marketer, sales)}
    for n in range(30):
        Segment.objects.create(
            name=f"Segment {n}", rule={"all": [{"kind": "stage", "stages": ["lead"]}]}, created_by=marketer
        )
    many = {user.name: statements(user, "/contacts/segments/") for user in (marketer, sales)}
    assert many == few and max(len(read) for read in many.values()) <= 15


def test_the_description_is_in_the_readers_language(marketer, client_for):
    segment = Segment.objects.create(name="One", rule={"all": [{"kind": "stage", "stages": ["lead"]}]})
    marketer.language = "zh-hans"
    marketer.save()
    assert "线索" in client_for(marketer).get(f"/contacts/segments/{segment.pk}/").context["figures"].sentence


def test_a_broken_segment_says_why(marketer, html):
    segment = Segment.objects.create(
        name="Broken",
        rule={"all": [{"kind": "segment", "segment": 999}]},
        broken_reason="The rule uses a segment that was deleted.",
    )
    page = html(marketer, f"/contacts/segments/{segment.pk}/")
    assert "The rule uses a segment that was deleted." in page and "This segment was deleted. Choose another." in page
    assert "Broken" in html(marketer, "/contacts/segments/")


def test_the_page_comes_before_its_figures(marketer, agent, client_for, django_assert_max_num_queries):
    """The builder opens at once on a large base: who may edit gets the figures with the first step of building."""
    from django.urls import reverse

    from contacts.models import Segment

    segment = Segment.objects.create(name="Later", rule={"all": [{"kind": "stage", "stages": ["prospect"]}]})
    client = client_for(marketer)
    client.get(reverse("contacts:segment", args=[segment.pk]))
    with django_assert_max_num_queries(15):
        page = client.get(reverse("contacts:segment", args=[segment.pk])).content.decode()
    assert "data-counting" in page
    readers = client_for(agent).get(reverse("contacts:segment", args=[segment.pk])).content.decode()
    assert "data-counting" not in readers
