"""The pages: who may open them, what they show, what an edit does."""

from datetime import timedelta

import pytest

from journeys import actions, recipes
from journeys.models import Enrolment, Journey, Version
from journeys.tree import find, keys
from scrm.core.models import AuditEntry
from tests.journeys import world
from tests.journeys.world import branch, design, happens, leave, live, person, run_of, settle, step, wait

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company", "noon")]

READ = [
    "",
    "counts/",
    "versions/",
    "dry-run/",
    "people/",
    "people/add/",
    "name/",
    "copy/",
    "publish/",
    "end/",
    "rule/trigger/",
]
PUBLISHING = {"people/add/", "publish/", "end/"}


@pytest.fixture
def drafted(marketer) -> Journey:
    return actions.create_journey(name="旅程", by=marketer, definition=design(wait("s1"), leave("s2")))


def post(client, journey: Journey, path: str, **values):
    draft = journey.versions.filter(state="draft").first()
    values.setdefault("revision", draft.revision if draft else 0)
    return client.post(f"/journeys/{journey.pk}/{path}", values, headers={"HX-Request": "true"})


def definition(journey: Journey) -> dict:
    return journey.versions.latest("number").definition


@pytest.mark.parametrize("path", READ)
def test_who_may_open_what(path, drafted, cast, client_for):
    allowed = {"admin", "marketer"}
    for name, user in cast.items():
        answer = client_for(user).get(f"/journeys/{drafted.pk}/{path}")
        assert answer.status_code == (200 if name in allowed else 403), (name, path)
    assert client_for(cast["admin"]).get(f"/journeys/{drafted.pk + 9}/{path}").status_code == 404


def test_editing_and_publishing_are_two_permissions(drafted, marketer, client_for):
    marketer.role.permissions = ["journeys.edit", "contacts.view"]
    marketer.role.save()
    client = client_for(marketer)
    assert post(client, drafted, "steps/", kind="tag", place="::1").status_code == 200
    for path in ("publish/", "pause/", "resume/", "end/"):
        assert post(client, drafted, path).status_code == 403
    assert drafted.versions.get().state == "draft"


def test_an_outsider_changes_nothing(drafted, outsider, client_for):
    before = definition(drafted)
    for path in (
        "steps/",
        "steps/s1/",
        "steps/s1/delete/",
        "undo/",
        "where/trigger/",
        "rule/trigger/",
        "name/",
        "delete/",
    ):
        assert post(client_for(outsider), drafted, path, kind="tag", place="::0").status_code == 403
    assert definition(drafted) == before


def test_the_list_costs_the_same_for_one_and_thirty(admin, client_for, django_assert_max_num_queries):
    client = client_for(admin)
    live(wait(), leave())
    with django_assert_max_num_queries(15):
        assert client.get("/journeys/").status_code == 200
    for _n in range(29):
        live(wait(), leave())
    with django_assert_max_num_queries(15):
        assert client.get("/journeys/").content.count(b"/journeys/") > 30


def test_the_builder_and_the_people_cost_the_same_for_few_and_many(admin, client_for, django_assert_max_num_queries):
    client = client_for(admin)
    journey = live(wait(), *(step(f"t{n}", "stage", stage="lead") for n in range(30)), leave())
    for _n in range(30):
        happens(person())
    settle()
    with django_assert_max_num_queries(15):
        assert client.get(f"/journeys/{journey.pk}/?step=t1").status_code == 200
    with django_assert_max_num_queries(15):
        assert client.get(f"/journeys/{journey.pk}/people/").content.count(b'class="r x2">v1') == 30


class TestEditing:
    @pytest.fixture(autouse=True)
    def _client(self, client_for, marketer):
        self.client = client_for(marketer)

    def test_insert_select_change_delete_undo(self, drafted):
        answer = post(self.client, drafted, "steps/", kind="wait_event", place="::1")
        assert answer.status_code == 200
        assert 'hx-swap-oob="true"' in answer.content.decode()
        assert keys(definition(drafted)) == ["s1", "s3", "s2"]
        post(
            self.client, drafted, "steps/s3/", event="order_paid", amount="2", unit="weeks", since="entry", name="下单"
        )
        assert find(definition(drafted), "s3")["config"] == {
            "event": "order_paid", "where": [], "timeout": {"amount": 2, "unit": "weeks"}, "since": "entry"
        }  # fmt: skip
        post(self.client, drafted, "steps/s3/delete/")
        assert keys(definition(drafted)) == ["s1", "s2"]
        post(self.client, drafted, "undo/")
        assert find(definition(drafted), "s3")["name"] == "下单"
        post(self.client, drafted, "undo/")
        post(self.client, drafted, "undo/")
        assert keys(definition(drafted)) == ["s1", "s2"]

    def test_a_deleted_key_is_never_used_again(self, drafted):
        post(self.client, drafted, "steps/", kind="tag", place="::0")
        post(self.client, drafted, "steps/s3/delete/")
        post(self.client, drafted, "steps/", kind="tag", place="::0")
        assert "s4" in keys(definition(drafted))

    def test_move_duplicate_up_down(self, drafted):
        post(self.client, drafted, "steps/", kind="tag", place="::1")
        post(self.client, drafted, "steps/s3/up/")
        assert keys(definition(drafted)) == ["s3", "s1", "s2"]
        post(self.client, drafted, "steps/s3/duplicate/")
        assert keys(definition(drafted)) == ["s3", "s4", "s1", "s2"]
        post(self.client, drafted, "steps/", kind="split", place="::3")
        post(self.client, drafted, "steps/s4/move/", place="s5:b1:0")
        assert keys(definition(drafted)) == ["s3", "s1", "s5", "s4", "s2"]
        post(self.client, drafted, "steps/s5/move/", place="s5:b1:0")  # into itself: refused
        assert keys(definition(drafted)) == ["s3", "s1", "s5", "s4", "s2"]

    def test_branches_of_splits(self, drafted):
        post(self.client, drafted, "steps/", kind="split", place="::1")
        post(self.client, drafted, "steps/s3/branch-add/")
        lanes = [lane["key"] for lane in find(definition(drafted), "s3")["branches"]]
        assert lanes == ["b1", "b4", "else"]
        post(self.client, drafted, "steps/s3/branch-remove/", branch="b1")
        post(self.client, drafted, "steps/s3/branch-remove/", branch="b4")  # the last one stays
        assert [lane["key"] for lane in find(definition(drafted), "s3")["branches"]] == ["b4", "else"]
        post(self.client, drafted, "steps/", kind="ab", place="::1")
        post(self.client, drafted, "steps/s5/branch-add/")
        assert [lane["weight"] for lane in find(definition(drafted), "s5")["branches"]] == [34, 33, 33]

    def test_fall_back_branches_keep_what_follows_a_sent_message(self, drafted):
        content = world.written("oa")
        post(self.client, drafted, "steps/", kind="send", place="::1")
        values = {"content": content.pk, "first": "oa", "second": ""}
        post(self.client, drafted, "steps/s3/", **values, fall_backs=["window_closed", "failed"])
        assert [lane["key"] for lane in find(definition(drafted), "s3")["branches"]] == [
            "next",
            "window_closed",
            "failed",
        ]
        post(self.client, drafted, "steps/", kind="tag", place="s3:next:0")
        post(self.client, drafted, "steps/s3/", **values)
        assert find(definition(drafted), "s3")["branches"] == []
        assert keys(definition(drafted)) == ["s1", "s3", "s4", "s2"]

    def test_a_bad_value_is_told_at_the_field_and_not_saved(self, drafted):
        before = definition(drafted)
        answer = post(self.client, drafted, "steps/s1/", mode="for", amount="-3", unit="days")
        assert answer.status_code == 422
        assert "invalid-feedback" in answer.content.decode()
        assert definition(drafted) == before

    def test_an_edit_of_an_older_state_is_refused(self, drafted):
        post(self.client, drafted, "steps/", kind="tag", place="::0")
        answer = post(self.client, drafted, "steps/", kind="tag", place="::0", revision=1)
        assert "toast" in answer.headers["HX-Trigger"]
        assert len(keys(definition(drafted))) == 3

    def test_an_unknown_place_or_kind(self, drafted):
        assert post(self.client, drafted, "steps/", kind="bomb", place="::0").status_code == 404
        assert "toast" in post(self.client, drafted, "steps/", kind="tag", place="zz:b:0").headers["HX-Trigger"]
        assert "toast" in post(self.client, drafted, "steps/", kind="tag", place="nonsense").headers["HX-Trigger"]
        assert post(self.client, drafted, "steps/nope/", name="x").status_code == 404

    def test_trigger_goal_and_exit(self, drafted):
        values = {
            "kind": "event",
            "event": "product_viewed",
            "policy": "after_exit",
            "gap_days": "30",
            "goal": "order_paid",
        }
        post(self.client, drafted, "steps/trigger/", **values, exit="unfollowed", key="")
        post(
            self.client, drafted, "where/trigger/", of="trigger", act="add", property="category", op="eq", value="shoes"
        )
        found = definition(drafted)
        assert found["trigger"]["where"] == [{"property": "category", "op": "eq", "value": "shoes"}]
        assert found["reentry"] == {"policy": "after_exit", "gap_days": 30}
        assert (found["goal"]["event"], found["exits"][0]["event"]) == ("order_paid", "unfollowed")
        post(self.client, drafted, "where/trigger/", of="trigger", act="remove", at="0")
        post(self.client, drafted, "steps/trigger/", kind="event", own_event="Trial Started", policy="never")
        assert definition(drafted)["trigger"]["event"] == "track:Trial Started"
        assert definition(drafted)["goal"] is None

    def test_the_entry_condition_by_the_segment_builder(self, drafted):
        tree = {"r:kind": "all", "r.0:kind": "stage", "r.0:stages": "lead"}
        answer = post(self.client, drafted, "rule/trigger/", **tree, save="1")
        assert answer.headers["HX-Retarget"] == "#canvas"
        assert definition(drafted)["trigger"]["rule"] == {"all": [{"kind": "stage", "stages": ["lead"]}]}
        answer = post(self.client, drafted, "rule/trigger/", **{"r:kind": "all", "r.0:kind": "stage"}, save="1")
        assert "HX-Retarget" not in answer.headers
        assert post(self.client, drafted, "rule/s1/b1/").status_code == 404

    def test_a_published_version_is_never_changed(self, admin):
        journey = live(wait("s1"), leave("s2"))
        post(self.client, journey, "steps/", kind="tag", place="::0")
        first, draft = journey.versions.order_by("number")
        assert (first.state, draft.state) == ("published", "draft")
        assert keys(first.definition) == ["s1", "s2"]
        assert self.client.get(f"/journeys/{journey.pk}/?version=1").status_code == 200
        assert self.client.get(f"/journeys/{journey.pk}/?version=9").status_code == 404
        assert b"data-place" not in self.client.get(f"/journeys/{journey.pk}/?version=1").content
        post(self.client, journey, "discard/")
        assert Version.objects.filter(journey=journey).count() == 1

    def test_every_kind_of_step_can_be_inserted_and_shown(self, drafted):
        from journeys.steps import KINDS

        for kind in KINDS:
            post(self.client, drafted, "steps/", kind=kind, place="::0")
        for key in ["trigger", *keys(definition(drafted))]:
            answer = self.client.get(f"/journeys/{drafted.pk}/?step={key}", headers={"HX-Request": "true"})
            assert answer.status_code == 200
            assert f'data-selected="{key}"' in answer.content.decode()


class TestWholeJourneys:
    @pytest.fixture(autouse=True)
    def _client(self, client_for, admin):
        self.client = client_for(admin)

    def test_new_from_nothing_and_from_a_recipe(self):
        assert self.client.get("/journeys/new/").status_code == 200
        self.client.post("/journeys/new/", {"name": "空白", "recipe": ""})
        self.client.post("/journeys/new/", {"name": "欢迎", "recipe": "welcome"})
        assert set(Journey.objects.values_list("name", "recipe")) == {("空白", ""), ("欢迎", "welcome")}
        again = self.client.post("/journeys/new/", {"name": "欢迎", "recipe": ""})
        assert again.status_code == 422

    def test_publish_names_who_stays(self):
        journey = live(wait("s1"), leave("s2"))
        happens(person())
        settle()
        post(self.client, journey, "steps/s1/", mode="for", amount="1", unit="hours")
        page = self.client.get(f"/journeys/{journey.pk}/publish/", headers={"HX-Request": "true"}).content.decode()
        assert "1 person inside stays on version 1" in page
        assert post(self.client, journey, "publish/").status_code == 204
        assert list(journey.versions.order_by("number").values_list("state", flat=True)) == ["retired", "published"]
        assert AuditEntry.objects.filter(verb="journey.published").count() == 2

    def test_a_design_with_problems_is_not_published(self):
        journey = actions.create_journey(name="x", by=None)
        answer = post(self.client, journey, "publish/")
        assert "toast" in answer.headers["HX-Trigger"]
        assert journey.versions.get().state == "draft"

    def test_pause_resume_end_copy_rename_delete(self):
        journey = live(wait(), leave())
        post(self.client, journey, "pause/")
        journey.refresh_from_db()
        assert journey.state == "paused"
        post(self.client, journey, "resume/")
        assert "0 people inside" in self.client.get(f"/journeys/{journey.pk}/end/").content.decode()
        post(self.client, journey, "end/")
        journey.refresh_from_db()
        assert journey.state == "ended"
        post(self.client, journey, "copy/", name="副本")
        copy = Journey.objects.get(name="副本")
        post(self.client, copy, "name/", name="新名")
        copy.refresh_from_db()
        assert copy.name == "新名"
        post(self.client, copy, "delete/")
        assert not Journey.objects.filter(pk=copy.pk).exists()

    def test_people_are_added_and_taken_out_by_hand(self):
        journey, contact = live(wait(), leave()), person("王一鸣")
        found = self.client.get(
            f"/journeys/{journey.pk}/people/add/?q=一鸣", headers={"HX-Request": "true", "HX-Target": "add-people"}
        )
        assert "王一鸣" in found.content.decode()
        post(self.client, journey, "people/add/", contact=contact.pk)
        post(self.client, journey, "people/add/", contact=contact.pk)
        run = run_of(contact)
        settle()
        page = self.client.get(f"/journeys/{journey.pk}/people/{run.pk}/").content.decode()
        assert "王一鸣" in page
        post(self.client, journey, f"people/{run.pk}/remove/")
        run.refresh_from_db()
        assert (run.state, run.reason, Enrolment.objects.count()) == ("exited", "stopped", 1)

    def test_runs_of_customers_one_may_not_see_are_404(self, sales, other_sales, client_for):
        sales.role.permissions = [*sales.role.permissions, "journeys.edit", "journeys.publish"]
        sales.role.save()
        journey, mine, theirs = live(wait(), leave()), person("我的", owner=sales), person("别人的", owner=other_sales)
        happens(mine)
        happens(theirs)
        settle()
        client = client_for(sales)
        page = client.get(f"/journeys/{journey.pk}/people/").content.decode()
        assert "我的" in page
        assert "别人的" not in page
        assert client.get(f"/journeys/{journey.pk}/people/{run_of(theirs).pk}/").status_code == 404
        assert post(client, journey, f"people/{run_of(theirs).pk}/remove/").status_code == 404
        assert post(client, journey, "people/add/", contact=theirs.pk).status_code == 404

    def test_the_contact_page_has_a_card(self, admin):
        from django.test import RequestFactory

        from journeys.panels import contact_enrolments

        journey, contact = live(wait(), leave()), person()
        request = RequestFactory().get("/")
        request.user = admin
        assert contact_enrolments(request, contact) is None
        happens(contact)
        settle()
        assert journey.name in contact_enrolments(request, contact)


class TestDryRun:
    @pytest.fixture(autouse=True)
    def _client(self, client_for, admin, platform):
        self.client = client_for(admin)
        self.oa = world.account()

    def look(self, journey: Journey, contact, acts: int = 1) -> str:
        return self.client.get(f"/journeys/{journey.pk}/dry-run/?contact={contact.pk}&acts={acts}").content.decode()

    def test_it_shows_waits_messages_verdicts_and_branches_and_writes_nothing(self):
        from django.apps import apps

        content = world.written("oa", body="你好 {{ contact.name }}")
        lanes = [branch("next", leave("a")), branch("window_closed", step("t", "stage", stage="lead"), leave("b"))]
        journey = live(wait(amount=11, unit="hours"), step("m", "send", lanes, content=content.pk, channels=["oa"]))
        contact = person("林小雨", openid=self.oa.pk, last_inbound_at=world.NOON)
        silent = person("没写过", openid=self.oa.pk)

        def rows():
            return {model._meta.label: model.objects.count() for model in apps.get_models() if model._meta.managed}

        before = rows()
        page = self.look(journey, contact)
        assert "你好 林小雨" in page
        assert "11-21 08:00" in page  # 23:00 is quiet: held until the morning
        page = self.look(journey, silent)
        assert "Reply window closed" in page
        assert "Lead" in page
        assert rows() == before

    def test_what_a_step_waits_for_can_be_taken_either_way(self):
        lanes = [branch("happened", step("y", "stage", stage="loyal"), leave("a")), branch("timed_out", leave("b"))]
        journey = live(
            step(
                "e",
                "wait_event",
                lanes,
                event="order_paid",
                where=[],
                timeout={"amount": 3, "unit": "days"},
                since="step",
            )
        )
        contact = person()
        assert "Loyal" in self.look(journey, contact, acts=1)
        assert "Loyal" not in self.look(journey, contact, acts=0)

    def test_recipes_run_dry_from_end_to_end(self, admin):
        from campaigns.models import CouponBatch

        oa, mail = world.written("oa"), world.written("email")
        gift = world.written("oa", "email", body="{{ coupon.value }} yuan until {{ coupon.ends_on }}")
        batch = CouponBatch.objects.create(name="券", value=20, stock=5)
        slots = dict.fromkeys(("paid_content", "shipped_content", "refund_content", "cart_content"), gift.pk)
        slots |= {
            "welcome_content": oa.pk,
            "mail_content": mail.pk,
            "coupon_batch": batch.pk,
            "coupon_content": gift.pk,
        }
        contact = person(openid=self.oa.pk, last_inbound_at=world.NOON)
        for recipe in recipes.RECIPES.values():
            known = {name: slots[name] for name in recipe.slots}
            journey = actions.create_journey(name=recipe.key, by=admin, definition=recipe.make(**known))
            actions.publish_draft(journey=journey, by=admin)
            shown = self.look(journey, contact)
            assert "Leaves the journey" in shown
        ends = (world.NOON + timedelta(days=batch.valid_days)).date()
        assert f"20 yuan until {ends}" in shown

    def test_another_teams_customer_is_404(self, sales, other_sales, client_for):
        sales.role.permissions = [*sales.role.permissions, "journeys.edit"]
        sales.role.save()
        journey, theirs = live(wait(), leave()), person(owner=other_sales)
        assert client_for(sales).get(f"/journeys/{journey.pk}/dry-run/?contact={theirs.pk}").status_code == 404
