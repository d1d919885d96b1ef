"""People on their way: one thing at a time."""

from datetime import timedelta

import pytest

from campaigns.models import Message
from contacts import consumers
from contacts.models import Event, StageChange, Tag, Tagging
from journeys import actions, engine
from journeys.enums import JourneyState, Reason
from journeys.models import Enrolment, StepCount, Subscription
from journeys.queries import Counts
from scrm.lib import clock
from tests.journeys import world
from tests.journeys.world import branch, happens, later, leave, live, person, run_of, settle, step, wait, way


def lives_in(city: str) -> dict:
    return {"kind": "attribute", "name": "city", "op": "eq", "value": city}


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company", "noon")]


def test_an_event_lets_in_and_a_wait_holds_until_its_time():
    journey = live(wait(amount=30), leave())
    contact = person()
    happens(contact)
    settle()
    run = run_of(contact)
    assert (run.state, run.step, run.due_at) == ("waiting", "w", world.NOON + timedelta(minutes=30))
    with later(minutes=29):
        settle()
        assert run_of(contact).is_open
    with later(minutes=30):
        settle()
        run = run_of(contact)
        assert (run.state, run.reason) == ("done", Reason.COMPLETED)
        assert way(run)[-1] == "w>next x>completed"
    assert list(Event.objects.filter(kind__startswith="journey_").order_by("id").values_list("kind", flat=True)) == [
        "journey_entered",
        "journey_exited",
    ]
    counts = Counts([journey.versions.get().pk])
    assert (counts.entered("trigger"), counts.entered("w"), counts.here("w"), counts.entered("x")) == (1, 1, 0, 1)


def test_a_wait_at_the_beginning_counts_from_the_entry_however_late_the_engine_comes():
    live(wait(amount=30), leave())
    contact = person()
    happens(contact)
    consumers.run(world.CONSUMER)
    with later(minutes=30):
        settle()
        assert not run_of(contact).is_open


def test_wait_until_a_time_of_day_is_in_each_persons_zone():
    live(step("w", "wait", mode="until", time="20:00", days=1, weekday=None), leave())
    here, there = person(time_zone="Asia/Shanghai"), person(time_zone="America/New_York")
    happens(here)
    happens(there)
    settle()
    assert run_of(here).due_at.isoformat() == "2025-11-21T12:00:00+00:00"
    assert run_of(there).due_at.isoformat() == "2025-11-21T01:00:00+00:00"  # it is still the 19th there


def test_split_takes_the_first_branch_that_holds_and_joins_below():
    live(
        step(
            "s",
            "split",
            [
                branch("b1", step("t1", "stage", stage="lead"), rule=lives_in("北京")),
                branch("b2", rule={"any": [lives_in("北京"), lives_in("上海")]}),
                branch("else", leave("early")),
            ],
        ),
        step("m", "stage", stage="loyal"),
        leave(),
    )
    people = [person(city=city) for city in ("北京", "上海", "广州")]
    for contact in people:
        happens(contact)
    settle()
    trails = [way(run_of(contact))[-1] for contact in people]
    assert trails == [
        "s>b1 t1>next m>next x>completed",
        "s>b2 m>next x>completed",
        "s>else early>completed",
    ]
    for contact in people:
        contact.refresh_from_db()
    assert [contact.stage for contact in people] == ["loyal", "loyal", "public"]
    assert StageChange.objects.filter(contact=people[0]).count() == 2


def test_tags_are_added_once_and_told_on_the_timeline():
    tag, other = Tag.objects.create(name="跑者"), Tag.objects.create(name="旧")
    live(
        step("a", "tag", act="add", tag=tag.pk, days=90),
        step("r", "tag", act="remove", tag=other.pk, days=None),
        leave(),
    )
    contact, tagged = person(), person()
    Tagging.objects.create(contact=tagged, tag=tag, created_at=world.NOON)
    Tagging.objects.create(contact=tagged, tag=other, created_at=world.NOON)
    happens(contact)
    happens(tagged)
    settle()
    assert Tagging.objects.get(contact=contact, tag=tag).expires_at == world.NOON + timedelta(days=90)
    assert Tagging.objects.get(contact=tagged, tag=tag).expires_at is None  # valid for longer already
    assert not Tagging.objects.filter(tag=other).exists()
    told = Event.objects.filter(kind__in=["tag_added", "tag_removed"]).values_list("contact_id", "kind")
    assert sorted(told) == [(contact.pk, "tag_added"), (tagged.pk, "tag_removed")]


def test_ab_arms_are_stable_and_follow_the_weights():
    from journeys.steps.ab import arm

    arms = [{"key": "a", "weight": 30}, {"key": "b", "weight": 70}]
    drawn = [arm("1:s", contact, arms) for contact in range(5000)]
    assert drawn == [arm("1:s", contact, arms) for contact in range(5000)]
    assert 1350 < drawn.count("a") < 1650
    assert drawn != [arm("2:s", contact, arms) for contact in range(5000)]
    grown = [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]
    assert all(arm("1:s", contact, grown) == "a" for contact in range(5000) if drawn[contact] == "a")


def test_repeat_goes_round_with_visits_of_its_own():
    live(step("r", "repeat", [branch("body", wait("w", 1, "hours"))], times=3), leave())
    contact = person()
    happens(contact)
    settle()
    visits = [run_of(contact).visit]
    for hours in (1, 2):
        with later(hours=hours):
            settle()
            visits.append(run_of(contact).visit)
    with later(hours=3):
        settle()
        assert run_of(contact).reason == Reason.COMPLETED
    assert visits == [1, 2, 3]


class TestWaitingForAnEvent:
    def steps(self, **config):
        lanes = [branch("happened", leave("yes")), branch("timed_out", leave("no"))]
        config = {
            "event": "order_paid",
            "where": [],
            "timeout": {"amount": 3, "unit": "days"},
            "since": "step",
        } | config
        return [wait("w", 1, "hours"), step("e", "wait_event", lanes, **config)]

    def enter(self, **config):
        live(*self.steps(**config))
        contact = person()
        happens(contact)
        settle()
        return contact

    def test_the_event_wakes_at_once(self):
        contact = self.enter()
        with later(hours=2):
            settle()
            assert Subscription.objects.get().checked
            happens(contact, "order_paid", order_id="1", total=99)
            settle()
            assert run_of(contact).step == "yes"
            assert not Subscription.objects.exists()

    def test_without_it_the_time_out_comes(self):
        contact = self.enter()
        with later(hours=1):
            settle()
        with later(days=3, hours=1):
            settle()
            assert run_of(contact).step == "no"
            assert not Subscription.objects.exists()

    def test_another_persons_event_and_one_that_does_not_match_do_not_count(self):
        contact = self.enter(event="product_viewed", where=[{"property": "category", "op": "eq", "value": "shoes"}])
        with later(hours=1):
            settle()
            happens(person(), "product_viewed", category="shoes")
            happens(contact, "product_viewed", category="hats")
            settle()
            assert run_of(contact).is_open
            happens(contact, "product_viewed", category="Shoes")
            settle()
            assert run_of(contact).step == "yes"

    def test_an_event_before_the_wait_counts_only_since_entry(self):
        since_step, since_entry = self.enter(), None
        happens(since_step, "order_paid", order_id="1", total=1)
        settle()
        with later(hours=1):
            settle()
            assert run_of(since_step).is_open
        since_entry = self.enter(since="entry")
        happens(since_entry, "order_paid", order_id="2", total=1)
        settle()
        with later(hours=1):
            settle()
            assert run_of(since_entry).step == "yes"

    def test_an_event_between_arriving_and_subscribing_is_found_in_the_log(self):
        contact = self.enter()
        with later(hours=1):
            due = clock.now()
        with later(hours=1, minutes=1):  # the worker is late; the order came after the wait was over
            happens(contact, "order_paid", at=due + timedelta(seconds=5), order_id="3", total=1)
            while world.consumers.run(world.CONSUMER):
                pass
            settle()
            assert run_of(contact).step == "yes"


class TestSending:
    @pytest.fixture(autouse=True)
    def _channels(self, platform):
        self.platform = platform
        self.oa = world.account()
        self.mail = world.account("email")

    def test_sent_goes_on_and_the_key_is_of_enrolment_step_and_visit(self):
        content = world.written("oa")
        live(step("m", "send", content=content.pk, channels=["oa"]), leave())
        contact = person(openid=self.oa.pk, last_inbound_at=world.NOON)
        happens(contact)
        settle(send=True)
        run = run_of(contact)
        assert run.reason == Reason.COMPLETED
        assert Message.objects.get().key == f"j:{run.pk}:m:1"
        assert len(self.platform.sent) == 1
        assert way(run)[-1] == "m>sent x>completed"

    def test_a_closed_window_takes_the_fall_back_branch(self):
        content, letter = world.written("oa"), world.written("email")
        tag = Tag.objects.create(name="错过窗口")
        lanes = [
            branch("next", leave("ok")),
            branch(
                "window_closed",
                step("t", "tag", act="add", tag=tag.pk),
                step("l", "send", content=letter.pk, channels=["email"]),
                leave("late"),
            ),
        ]
        live(step("m", "send", lanes, content=content.pk, channels=["oa"]))
        contact = person(openid=self.oa.pk, email="a#@example.com", consents=("email",))
        happens(contact)
        settle(send=True)
        assert run_of(contact).step == "late"
        assert Tagging.objects.filter(contact=contact, tag=tag).exists()
        assert [rendered.kind for _address, _key, rendered in self.platform.sent] == ["email"]

    def test_without_a_branch_whoever_is_not_reached_goes_on(self):
        content = world.written("email")
        live(step("m", "send", content=content.pk, channels=["email"]), leave())
        contact = person()
        happens(contact)
        settle(send=True)
        run = run_of(contact)
        assert run.step == "x"
        assert way(run)[-1].startswith("m>unreachable")

    def test_held_by_quiet_hours_keeps_waiting(self):
        content = world.written("oa")
        live(step("m", "send", content=content.pk, channels=["oa"]), leave())
        contact = person(openid=self.oa.pk, last_inbound_at=world.NOON)
        with later(hours=10, minutes=30):  # 22:30
            happens(contact)
            settle(send=True)
            run = run_of(contact)
            assert (run.state, run.step, run.due_at) == ("waiting", "m", None)
        with later(hours=20, minutes=16):  # 08:16
            settle(send=True)
            assert run_of(contact).step == "x"
        assert len(self.platform.sent) == 1

    def test_the_entry_condition_is_asked_again_when_the_step_says_so(self):
        content = world.written("oa")
        rule = {"kind": "attribute", "name": "city", "op": "eq", "value": "北京"}
        live(
            wait(),
            step("m", "send", content=content.pk, channels=["oa"], recheck=True),
            leave(),
            trigger={"rule": rule},
        )
        contact = person(openid=self.oa.pk, last_inbound_at=world.NOON, city="北京")
        happens(contact)
        settle()
        type(contact).objects.filter(pk=contact.pk).update(city="上海")
        with later(minutes=30):
            settle(send=True)
        assert run_of(contact).step == "x"
        assert not self.platform.sent


class TestEntering:
    def test_only_whom_the_condition_lets(self):
        rule = {"kind": "attribute", "name": "city", "op": "eq", "value": "北京"}
        live(wait(), leave(), trigger={"rule": rule})
        inside, outside = person(city="北京"), person(city="上海")
        happens(inside)
        happens(outside)
        settle()
        assert set(Enrolment.objects.values_list("contact_id", flat=True)) == {inside.pk}

    def test_only_events_with_the_properties(self):
        live(
            wait(),
            leave(),
            event="product_viewed",
            trigger={"where": [{"property": "price", "op": "gte", "value": "500"}]},
        )
        contact = person()
        happens(contact, "product_viewed", price=499)
        happens(contact, "product_viewed")
        settle()
        assert not Enrolment.objects.exists()
        happens(contact, "product_viewed", price=500)
        settle()
        assert Enrolment.objects.count() == 1

    @pytest.mark.parametrize(
        ("policy", "gap", "while_inside", "after", "next_day"),
        [
            ("never", 0, 1, 1, 1),
            ("after_exit", 0, 1, 2, 3),
            ("after_exit", 1, 1, 1, 2),
            ("always", 0, 2, 3, 4),
            ("always", 1, 1, 1, 2),
        ],
    )
    def test_re_entry(self, policy, gap, while_inside, after, next_day):
        live(wait(amount=10), leave(), policy=policy, gap=gap)
        contact = person()
        happens(contact)
        settle()
        happens(contact)
        settle()
        assert Enrolment.objects.count() == while_inside
        with later(minutes=11):
            settle()
            happens(contact)
            settle()
            assert Enrolment.objects.count() == after
        with later(hours=13):  # 01:00 on the next day, where the person is
            settle()
            happens(contact)
            settle()
            assert Enrolment.objects.count() == next_day

    def test_the_same_events_read_again_let_nobody_in_twice(self):
        live(wait(), leave(), policy="always")
        contact = person()
        happens(contact)
        settle()
        world.consumers.rewind(world.CONSUMER, 0)
        settle()
        assert Enrolment.objects.count() == 1

    def test_one_run_per_key(self):
        live(wait(), leave(), event="form_submitted", trigger={"key": "cart_id"})
        contact = person()
        for cart in ("a", "a", "b"):
            happens(contact, "form_submitted", cart_id=cart)
        settle()
        assert Enrolment.objects.count() == 2

    def test_a_goal_between_two_triggers_of_one_batch_lets_in_again(self):
        live(wait(), leave(), policy="after_exit", goal={"event": "order_paid", "where": []})
        contact = person()
        happens(contact)
        happens(contact, "order_paid", order_id="7", total=1)
        happens(contact)
        settle()
        assert list(Enrolment.objects.order_by("id").values_list("reason", flat=True)) == [Reason.GOAL, ""]

    def test_nobody_enters_a_paused_or_ended_journey(self, admin):
        journey = live(wait(), leave(), policy="always")
        actions.pause_journey(journey=journey, by=admin)
        happens(person())
        settle()
        actions.resume_journey(journey=journey, by=admin)
        actions.end_journey(journey=journey, by=admin)
        happens(person())
        settle()
        assert not Enrolment.objects.exists()


class TestLeaving:
    def test_a_goal_acts_at_once_also_in_a_wait(self):
        live(wait(amount=9, unit="days"), leave(), goal={"event": "order_paid", "where": []})
        contact = person()
        happens(contact)
        settle()
        with later(hours=1):
            happens(contact, "order_paid", order_id="1", total=10)
            settle()
            run = run_of(contact)
            assert (run.state, run.reason, run.converted_at, run.step) == ("done", Reason.GOAL, clock.now(), "w")

    def test_conversions_after_leaving_are_counted(self):
        live(wait(), leave(), goal={"event": "order_paid", "where": []})
        contact = person()
        happens(contact)
        settle()
        with later(days=1):
            settle()
            assert run_of(contact).converted_at is None
            happens(contact, "order_paid", order_id="1", total=10)
            settle()
            run = run_of(contact)
            assert (run.reason, run.converted_at) == (Reason.COMPLETED, clock.now())

    def test_an_exit_rule_takes_out_and_drops_the_subscription(self):
        lanes = [branch("happened", leave("a")), branch("timed_out", leave("b"))]
        live(
            step(
                "e",
                "wait_event",
                lanes,
                event="order_paid",
                where=[],
                timeout={"amount": 3, "unit": "days"},
                since="step",
            ),
            exits=[{"event": "unfollowed", "where": []}],
        )
        contact = person()
        happens(contact)
        settle()
        happens(contact, "unfollowed")
        settle()
        assert (run_of(contact).state, run_of(contact).reason) == ("exited", Reason.RULE)
        assert not Subscription.objects.exists()

    def test_ending_takes_everybody_out(self, admin):
        journey = live(wait(), leave())
        for _n in range(3):
            happens(person())
        settle()
        assert actions.end_journey(journey=journey, by=admin) == 3
        settle()
        assert set(Enrolment.objects.values_list("state", "reason")) == {("exited", Reason.ENDED)}

    def test_a_paused_journey_holds_everybody_and_resumes(self, admin):
        journey = live(wait(), leave())
        contact = person()
        happens(contact)
        settle()
        actions.pause_journey(journey=journey, by=admin)
        with later(hours=1):
            settle()
            assert run_of(contact).is_open
            actions.resume_journey(journey=journey, by=admin)
            settle()
            assert not run_of(contact).is_open
        assert journey.state == JourneyState.LIVE


def test_people_inside_stay_on_their_version():
    journey = live(wait(), step("s", "stage", stage="lead"), leave(), policy="always")
    old = person()
    happens(old)
    settle()
    world.republish(journey, wait(), step("s", "stage", stage="loyal"), leave(), policy="always")
    new = person()
    happens(new)
    settle()
    with later(minutes=30):
        settle()
    old.refresh_from_db(), new.refresh_from_db()
    assert (old.stage, new.stage) == ("lead", "loyal")
    assert (run_of(old).version.number, run_of(new).version.number) == (1, 2)


def test_a_step_that_fails_for_one_leaves_the_others_alone(monkeypatch):
    from journeys.steps import KINDS

    live(step("s", "stage", stage="lead"), leave())
    people = [person() for _n in range(7)]
    enter = KINDS["stage"].enter

    def fragile(group, node, walk):
        if any(one.contact_id == people[3].pk for one in group):
            raise ValueError("no")
        enter(group, node, walk)

    monkeypatch.setattr(KINDS["stage"], "enter", fragile)
    for contact in people:
        happens(contact)
    settle()
    bad = run_of(people[3])
    assert (bad.state, bad.faults, bad.fault, bad.due_at) == (
        "active",
        1,
        "ValueError: no",
        world.NOON + engine_retry(),
    )
    assert Enrolment.objects.filter(reason=Reason.COMPLETED).count() == 6
    monkeypatch.setattr(KINDS["stage"], "enter", enter)
    with later(minutes=1):
        settle()
        assert run_of(people[3]).reason == Reason.COMPLETED


def engine_retry():
    from journeys.walk import FIRST_RETRY

    return FIRST_RETRY


def test_a_batch_that_the_ledger_refuses_is_walked_with_care(monkeypatch):
    from campaigns import sending

    content = world.written("oa")
    live(step("m", "send", content=content.pk, channels=["oa"]), leave())
    people = [person() for _n in range(4)]
    submit = sending.submit

    def fragile(requests):
        if any(request.contact_id == people[2].pk for request in requests):
            raise ValueError("no such thing")
        return submit(requests)

    monkeypatch.setattr(sending, "submit", fragile)
    for contact in people:
        happens(contact)
    settle()
    assert run_of(people[2]).fault == "ValueError: no such thing"
    assert Message.objects.count() == 3


def test_counts_can_be_added_up_without_changing():
    journey = live(wait(), leave())
    for _n in range(5):
        happens(person())
        settle()
    version = journey.versions.get()
    rows = StepCount.objects.count()
    assert engine.compact_counts(most=2) == len({("trigger", "in"), ("w", "in")})
    assert StepCount.objects.count() < rows
    counts = Counts([version.pk])
    assert (counts.entered("trigger"), counts.here("w")) == (5, 5)


def test_moving_people_costs_the_same_queries_for_few_and_many(django_assert_max_num_queries):
    live(wait(), step("s", "stage", stage="lead"), leave())
    for _n in range(40):
        happens(person())
    with django_assert_max_num_queries(80):
        settle()
    with later(hours=1), django_assert_max_num_queries(90):
        settle()
    assert Enrolment.objects.filter(reason=Reason.COMPLETED).count() == 40
