"""Who may open what: the right role works, a missing permission answers 403, somebody else's contact 404."""

import pytest

from contacts import actions
from contacts.models import Merge, Segment, StageRule, Tag
from scrm.lib import clock

SEES_ALL = {"admin", "marketer", "agent"}
VIEWERS = {"admin", "marketer", "agent", "sales", "other_sales", "manager"}
EDITORS = {"admin", "marketer", "agent", "sales", "other_sales"}
BUILDERS = {"admin", "marketer"}


@pytest.fixture
def world(person, sales, other_sales, admin):
    """One contact of ``sales`` with a merge proposed to another of theirs, a tag, a segment and a stage rule."""
    one = person("Lin Xiaowen", owner=sales, email="lin.private@163.com", phone="13816048888", orders=[268])
    two = person("Lin", owner=sales, ago=3)
    merge = Merge.objects.create(survivor=one, other=two, state="proposed", created_at=clock.now())
    actions.add_tag(contact_ids=[one.pk], name="runner", by=admin)
    segment = actions.save_segment(
        segment_id=None, name="Everybody", description="", rule={"all": []}, version=None, by=admin
    )
    rule = StageRule.objects.order_by("position").first()
    rule = rule or actions.save_stage_rule(
        rule_id=None, name="Rule", from_stages=["public"], to_stage="lead", rule={"all": []}, active=True, by=admin
    )
    identity = one.identities.get(kind="email")
    return {
        "pk": one.pk,
        "merge": merge.pk,
        "tag": Tag.objects.get().pk,
        "segment": segment.pk,
        "rule": rule.pk,
        "identity": identity.pk,
    }


PAGES = {
    "/contacts/": VIEWERS,
    "/contacts/?pool=visitors": VIEWERS,
    "/contacts/{pk}/": SEES_ALL | {"sales", "manager"},
    "/contacts/{pk}/timeline/": SEES_ALL | {"sales", "manager"},
    "/contacts/{pk}/edit/": {"admin", "marketer", "agent", "sales"},
    "/contacts/merges/{merge}/": SEES_ALL | {"sales", "manager"},
    "/contacts/segments/": VIEWERS,
    "/contacts/segments/{segment}/": VIEWERS,
    "/contacts/segments/{segment}/members/": VIEWERS,
    "/contacts/segments/new/": BUILDERS,
    "/contacts/segments/{segment}/delete/": BUILDERS,
    "/contacts/tags/": VIEWERS,
    "/contacts/tags/new/": BUILDERS,
    "/contacts/tags/{tag}/": BUILDERS,
    "/contacts/tags/{tag}/delete/": BUILDERS,
    "/contacts/stages/": VIEWERS,
    "/contacts/stages/new/": BUILDERS,
    "/contacts/stages/{rule}/": BUILDERS,
}
OF_ONE_CONTACT = ("{pk}", "{merge}")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_for_every_role(path, world, cast, client_for):
    for name, user in cast.items():
        status = client_for(user).get(path.format(**world)).status_code
        if name in PAGES[path]:
            expected = 200
        else:
            may_view = name in (EDITORS if path.endswith("/edit/") else VIEWERS)
            expected = 404 if may_view and any(part in path for part in OF_ONE_CONTACT) else 403
        assert status == expected, (name, path)


WRITES = {
    "/contacts/{pk}/stage/": ({"stage": "lead", "reason": "asked"}, {"admin", "marketer", "agent", "sales"}),
    "/contacts/{pk}/owner/": ({"owner": ""}, {"admin", "marketer", "agent", "sales"}),
    "/contacts/{pk}/tag/": ({"name": "new"}, {"admin", "marketer", "agent", "sales"}),
    "/contacts/{pk}/untag/{tag}/": ({}, {"admin", "marketer", "agent", "sales"}),
    "/contacts/{pk}/consent/": (
        {"channel": "email", "state": "granted", "reason": "x"},
        {"admin", "marketer", "agent", "sales"},
    ),
    "/contacts/{pk}/reveal/{identity}/": ({}, {"admin", "sales"}),
    "/contacts/merges/{merge}/reject/": ({}, {"admin", "marketer", "agent", "sales"}),
    "/contacts/merges/{merge}/accept/": ({}, {"admin", "marketer", "agent", "sales"}),
    "/contacts/segments/build/": ({"r:kind": "all"}, BUILDERS),
    "/contacts/segments/{segment}/freeze/": ({}, BUILDERS),
    "/contacts/segments/{segment}/copy/": ({}, BUILDERS),
    "/contacts/segments/{segment}/delete/": ({}, BUILDERS),
    "/contacts/tags/new/": ({"name": "fresh"}, BUILDERS),
    "/contacts/tags/{tag}/delete/": ({}, BUILDERS),
    "/contacts/stages/{rule}/move/": ({"to": "up"}, BUILDERS),
    "/contacts/stages/{rule}/switch/": ({"active": "0"}, BUILDERS),
    "/contacts/stages/{rule}/delete/": ({}, BUILDERS),
}


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("name", ["admin", "marketer", "agent", "sales", "other_sales", "manager", "outsider"])
def test_every_change_for_every_role(path, name, world, cast, client_for):
    data, allowed = WRITES[path]
    address = path.format(**world)
    client = client_for(cast[name])
    assert client.get(address).status_code in {403, 404, 405} or path.endswith(("/delete/", "/new/"))
    status = client.post(address, data).status_code
    if name in allowed:
        assert status in {200, 302}, status
    elif name == "other_sales" and "{pk}" in path or name == "other_sales" and "{merge}" in path:
        assert status == 404
    else:
        assert status == 403


def test_strangers_are_sent_to_the_log_in(client, world):
    for path in PAGES:
        assert client.get(path.format(**world)).status_code == 302


def test_a_contact_point_is_never_in_a_page_until_it_is_revealed(world, cast, client_for):
    """Masked everywhere; the reveal is a POST that only a role with the permission may send, and it is audited."""
    from scrm.core.models import AuditEntry

    for name in sorted(VIEWERS):
        for path in PAGES:
            body = client_for(cast[name]).get(path.format(**world)).content.decode()
            assert "lin.private@163.com" not in body, (name, path)
            assert "13816048888" not in body, (name, path)
        found = client_for(cast[name]).get("/search/?q=lin.private@163.com").content.decode()
        assert "13816048888" not in found
    assert not AuditEntry.objects.filter(verb="identity.revealed").exists()
    answer = client_for(cast["sales"]).post(f"/contacts/{world['pk']}/reveal/{world['identity']}/")
    assert "lin.private@163.com" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(verb="identity.revealed")
    assert entry.by == cast["sales"]
    assert "lin.private" not in str(entry.details)


def test_points_that_a_customer_typed_are_masked_for_roles_that_see_none(person, happen, cast, html):
    contact = person("Gu", owner=cast["sales"])
    happen(contact, "message_in", text="call 13816048888 or gu.wen@example.cn")
    for name in ("marketer", "agent", "manager"):
        page = html(cast[name], f"/contacts/{contact.pk}/")
        assert "138****8888" in page and "13816048888" not in page and "gu.wen@example.cn" not in page
    assert "13816048888" in html(cast["sales"], f"/contacts/{contact.pk}/")


def test_an_identity_of_another_contact_is_404(world, person, cast, client_for):
    other = person("Other", owner=cast["other_sales"], email="o@example.com")
    identity = other.identities.get(kind="email")
    client = client_for(cast["sales"])
    assert client.post(f"/contacts/{world['pk']}/reveal/{identity.pk}/").status_code == 404
    assert client.post(f"/contacts/{other.pk}/reveal/{identity.pk}/").status_code == 404


def test_a_merge_with_somebody_elses_contact_is_404(person, cast, client_for):
    mine, theirs = person("Mine", owner=cast["sales"]), person("Theirs", owner=cast["other_sales"])
    merge = Merge.objects.create(survivor=mine, other=theirs, state="proposed", created_at=clock.now())
    assert client_for(cast["sales"]).get(f"/contacts/merges/{merge.pk}/").status_code == 404
    assert client_for(cast["sales"]).post(f"/contacts/merges/{merge.pk}/accept/").status_code == 404
    assert Segment.objects.count() == 0
