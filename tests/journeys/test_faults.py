"""Crashes, races and merges: nothing lost, nothing twice."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from campaigns.models import CouponBatch, Message
from contacts import identity
from contacts.actions import SegmentInUse, TagInUse, delete_segment, delete_tag
from contacts.models import Event, PoisonEvent, Segment, Tag
from journeys import actions, engine, merging, subscriptions, walk
from journeys import live as live_index
from journeys.enums import Reason
from journeys.models import Enrolment, Journey, Subscription
from journeys.queries import Counts
from journeys.steps.wait_event import HAPPENED
from scrm.lib import clock
from tests.campaigns.world import NIGHT
from tests.journeys import world
from tests.journeys.world import branch, happens, leave, live, person, run_of, settle, step, wait, way

PEOPLE = 120
WORKER = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "scrm.settings"
django.setup()
from datetime import datetime
from journeys import engine
from scrm.lib import clock
from campaigns import sending
submit = sending.submit
def dying(requests):
    answer = submit(requests)      # everything is written, nothing is committed
    print("ready", flush=True)
    import time; time.sleep(60)
    return answer
if sys.argv[2] == "die":
    sending.submit = dying
with clock.frozen(datetime.fromisoformat(sys.argv[1])):
    while engine.advance(limit=50):
        pass
print("done", flush=True)
"""


def worker(moment, how: str) -> subprocess.Popen:
    database = connection.settings_dict
    password = quote(database["PASSWORD"] or "", safe="")
    url = f"postgres://{database['USER']}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    env = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(Path(django_settings.BASE_DIR))}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, moment.isoformat(), how], env=env, stdout=subprocess.PIPE, text=True,
        cwd=django_settings.BASE_DIR,
    )  # fmt: skip


def crowd() -> list:
    content = world.written("oa")
    account = world.account()
    live(step("t", "stage", stage="lead"), step("m", "send", content=content.pk, channels=["oa"]), leave())
    people = [person(openid=account.pk, last_inbound_at=world.NOON) for _n in range(PEOPLE)]
    for contact in people:
        happens(contact)
    while world.consumers.run(world.CONSUMER):
        pass
    return people


@pytest.mark.django_db(transaction=True)
def test_kill_9_in_the_middle_of_a_batch_loses_and_doubles_nothing(company, noon):
    people = crowd()
    victim = worker(world.NOON, "die")
    assert victim.stdout.readline().strip() == "ready"
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not Message.objects.exists()
    heir = worker(world.NOON, "live")
    assert heir.communicate(timeout=60)[0].strip() == "done"
    assert Message.objects.count() == PEOPLE
    assert Event.objects.filter(kind="stage_changed").count() == PEOPLE
    assert all(len(way(run)) == 1 for run in Enrolment.objects.all())
    assert set(Enrolment.objects.values_list("step", "state")) == {("m", "waiting")}
    counts = Counts([Enrolment.objects.first().version_id])
    assert (counts.entered("m"), counts.here("m"), len(people)) == (PEOPLE, PEOPLE, PEOPLE)


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work(company, noon):
    crowd()
    both = [worker(world.NOON, "live") for _n in range(2)]
    assert [one.communicate(timeout=60)[0].strip() for one in both] == ["done", "done"]
    assert Message.objects.count() == PEOPLE
    assert not Enrolment.objects.exclude(step="m", state="waiting").exists()


def waiting_for_order(**settings):
    lanes = [branch("happened", leave("yes")), branch("timed_out", leave("no"))]
    config = {"event": "order_paid", "where": [], "timeout": {"amount": 3, "unit": "days"}, "since": "step"}
    return live(step("e", "wait_event", lanes, **config), **settings)


@pytest.mark.django_db(transaction=True)
def test_an_event_consumed_while_the_subscription_is_not_committed_yet(company, noon):
    """The consumer passes the event before the subscription is visible; the second look at the log finds it."""
    waiting_for_order()
    contact = person()
    happens(contact)
    while world.consumers.run(world.CONSUMER):
        pass
    walked, may_commit = threading.Event(), threading.Event()

    def slow_worker():
        from django.db import transaction

        with clock.frozen(world.NOON), transaction.atomic():
            engine.advance()
            walked.set()
            may_commit.wait(10)
        connections.close_all()

    thread = threading.Thread(target=slow_worker)
    thread.start()
    walked.wait(10)
    assert not Subscription.objects.exists()
    # The log's order lock is free: entering a wait appends nothing.
    happens(contact, "order_paid", order_id="1", total=1)
    while world.consumers.run(world.CONSUMER):
        pass
    may_commit.set()
    thread.join()
    assert run_of(contact).wake == ""
    assert Subscription.objects.filter(checked=False).count() == 1
    settle()
    assert run_of(contact).step == "yes"


@pytest.mark.django_db
def test_event_and_time_out_at_the_same_moment_take_one_branch(company, noon):
    waiting_for_order()
    contact = person()
    happens(contact)
    settle()
    with world.later(days=3):
        happens(contact, "order_paid", order_id="1", total=1)
        engine.advance()  # the time-out is first
        settle()
        assert run_of(contact).step == "no"
    assert way(run_of(contact)) == ["e>timed_out no>completed"]


@pytest.mark.django_db
def test_an_outcome_of_another_step_or_visit_wakes_nobody(company, noon):
    from contacts.consumers import EventRow
    from journeys.consumers.triggers import wake_senders

    content = world.written("oa")
    live(step("m", "send", content=content.pk, channels=["oa"]), leave())
    contact = person(openid=world.account().pk, last_inbound_at=world.NOON)
    happens(contact)
    settle()
    run = run_of(contact)

    def sent(**ref):
        ref = {"enrolment": run.pk, "step": "m", "visit": 1} | ref
        now = clock.now()
        return EventRow(9, contact.pk, None, "message_sent", "oa", 0, now, now, {"ref": ref})

    assert wake_senders([sent(step="n"), sent(visit=2), sent(enrolment=run.pk + 1)]) == 0
    assert wake_senders([sent()]) == 1
    assert wake_senders([sent()]) == 0


@pytest.mark.django_db
def test_a_wake_finds_gone_subscriptions_quietly(company, noon):
    waiting_for_order()
    contact = person()
    happens(contact)
    settle()
    run = run_of(contact)
    assert subscriptions.wake([(run.pk, 5)]) == 1
    assert subscriptions.wake([(run.pk, 5)]) == 0
    assert run_of(contact).wake == HAPPENED


class TestMerging:
    @pytest.fixture(autouse=True)
    def _world(self, company, noon, db):
        pass

    def test_the_survivors_run_goes_on_when_both_are_inside(self):
        journey = live(wait(), leave())
        one, two = person(), person()
        happens(one)
        happens(two)
        settle()
        identity.merge(one, two, {"why": "staff"})
        mine = Enrolment.objects.get(contact=one, state="waiting")
        gone = Enrolment.objects.get(reason=Reason.MERGED)
        assert gone.contact_id == one.pk
        assert Enrolment.objects.filter(contact=two).count() == 0
        with world.later(hours=1):
            settle()
        mine.refresh_from_db()
        assert (mine.reason, journey.enrolments.count()) == (Reason.COMPLETED, 2)

    def test_a_wait_for_an_event_follows_to_the_survivor(self):
        waiting_for_order()
        one, two = person(), person()
        happens(two)
        settle()
        identity.merge(one, two, {"why": "staff"})
        settle()
        happens(one, "order_paid", order_id="1", total=1)
        settle()
        assert run_of(one).step == "yes"

    def test_once_means_once_for_the_merged_person_too(self):
        live(wait(), leave())
        one, two = person(), person()
        happens(two)
        settle()
        with world.later(hours=1):
            settle()
            identity.merge(one, two, {"why": "staff"})
            settle()
            happens(one)
            settle()
        assert Enrolment.objects.count() == 1

    def test_unmerging_gives_runs_back(self):
        live(wait(), leave())
        one, two = person(), person()
        happens(two)
        settle()
        merging.on_merge(one.pk, two.pk)
        assert run_of(one).context["merged_from"] == two.pk
        merging.on_unmerge(one.pk, two.pk)
        assert run_of(two).context == {}
        assert not Enrolment.objects.filter(contact=one).exists()


@pytest.mark.django_db
def test_every_run_ends(company, noon, platform):
    """Random journeys, random people, random events: whatever happens, in the end nobody is inside."""
    import random

    dice = random.Random(7)
    content = world.written("oa")
    account = world.account()

    def random_steps(depth: int, size: int, prefix: str) -> list:
        steps = []
        for at in range(size):
            key = f"{prefix}{at}"
            deep = ["until", "event", "split", "ab", "send", "repeat"] if depth < 2 else []
            kind = dice.choice(["wait", "stage", *deep])

            def inner(name: str, key: str = key) -> list:
                return random_steps(depth + 1, dice.randint(0, 2), f"{key}{name}")

            if kind == "wait":
                steps.append(wait(key, dice.randint(1, 50), "hours"))
            elif kind == "until":
                steps.append(
                    step(
                        key, "wait", mode="until", time="09:30", days=dice.randint(0, 2), weekday=dice.choice([None, 0])
                    )
                )
            elif kind == "event":
                lanes = [branch("happened", *inner("h")), branch("timed_out", *inner("t"))]
                config = {"event": "order_paid", "where": [], "timeout": {"amount": 2, "unit": "days"}, "since": "step"}
                steps.append(step(key, "wait_event", lanes, **config))
            elif kind == "split":
                rule = {"kind": "attribute", "name": "city", "op": "eq", "value": "北京"}
                steps.append(step(key, "split", [branch("b1", *inner("b"), rule=rule), branch("else", *inner("e"))]))
            elif kind == "ab":
                steps.append(
                    step(key, "ab", [branch("a", *inner("a"), weight=50), branch("b", *inner("b"), weight=50)])
                )
            elif kind == "send":
                lanes = [branch("next", *inner("n")), branch("failed")]
                steps.append(step(key, "send", lanes, content=content.pk, channels=["oa"]))
            elif kind == "repeat":
                steps.append(step(key, "repeat", [branch("body", wait(f"{key}w", 5, "hours"))], times=3))
            else:
                steps.append(step(key, "stage", stage=dice.choice(["lead", "new"])))
        return steps

    journeys = [live(*random_steps(0, 6, "s"), leave("zz"), policy="after_exit") for _n in range(4)]
    people = [
        person(city=dice.choice(["北京", "上海"]), openid=account.pk, last_inbound_at=world.NOON) for _n in range(25)
    ]
    for contact in people:
        happens(contact)
    for day in range(60):
        with world.later(days=day):
            for contact in dice.sample(people, 3):
                happens(contact, "order_paid", order_id=f"{day}-{contact.pk}", total=1)
            settle(send=True)
            if not Enrolment.objects.open().exists():
                break
    assert Enrolment.objects.count() == len(journeys) * len(people)
    assert not Enrolment.objects.open().exists()
    assert not Subscription.objects.exists()
    assert Enrolment.objects.filter(faults__gt=0).count() == 0
    for journey in journeys:
        counts = Counts(journey.versions.values_list("pk", flat=True))
        steps = {key for key in counts._sums if key != "trigger"}
        assert all(counts.here(key) == 0 for key in steps)


def test_a_broken_entry_condition_stops_its_own_journey_only(company, noon):
    Segment.objects.create(pk=4711, name="Soon gone", rule={"all": []})
    live(leave(), trigger={"rule": {"kind": "segment", "segment": 4711}})
    healthy = live(leave())
    Segment.objects.filter(pk=4711).delete()
    people = [person() for _n in range(25)]  # more than a consumer sets aside one by one
    for contact in people:
        happens(contact)
    settle()
    assert set(Enrolment.objects.values_list("journey_id", flat=True)) == {healthy.pk}
    assert Enrolment.objects.count() == len(people)
    assert not PoisonEvent.objects.exists()


def test_what_a_journey_names_is_not_deleted(company, noon, admin):
    segment = Segment.objects.create(name="Runners", rule={"all": []})
    tag = Tag.objects.create(name="Trail")
    tagged = step("t", "tag", act="add", tag=tag.pk, days=None)
    journey = live(tagged, leave(), trigger={"rule": {"kind": "segment", "segment": segment.pk}})
    with pytest.raises(SegmentInUse) as refused:
        delete_segment(segment_id=segment.pk, by=admin)
    assert journey.name in refused.value.users[0]
    with pytest.raises(TagInUse):
        delete_tag(tag_id=tag.pk, by=admin)
    actions.end_journey(journey=journey, by=admin)
    delete_segment(segment_id=segment.pk, by=admin)
    delete_tag(tag_id=tag.pk, by=admin)


class TestMessagesOnTheirWay:
    @pytest.fixture
    def held(self, company):
        """Somebody whose message of a journey waits for the morning."""
        oa = world.account()
        content = world.written("oa")
        send = step("m", "send", content=content.pk, channels=["oa"], expires_hours=None, recheck=False)
        self.journey = live(send, leave(), exits=[{"event": "order_paid", "where": []}])
        with clock.frozen(NIGHT):
            contact = person(openid=oa.pk, last_inbound_at=NIGHT)
            happens(contact)
            settle()
            message = Message.objects.get()
            assert message.state == "held"
            yield contact

    def test_who_leaves_early_does_not_get_what_waited(self, held):
        happens(held, "order_paid", order_id="1", total=1)
        settle()
        message = Message.objects.get()
        assert (message.state, message.reason) == ("suppressed", "cancelled")
        assert run_of(held).reason == Reason.RULE
        kinds = list(Event.objects.filter(contact=held).order_by("id").values_list("kind", flat=True))
        assert kinds.count("message_suppressed") == kinds.count("journey_exited") == 1

    def test_taken_out_by_hand_counts_the_person_and_not_the_message(self, held, admin):
        assert actions.take_contact_out(enrolment=run_of(held), by=admin)
        assert Message.objects.get().state == "suppressed"
        assert not actions.take_contact_out(enrolment=run_of(held), by=admin)

    def test_a_paused_journey_sends_nothing_until_it_resumes(self, held, admin):
        actions.pause_journey(journey=self.journey, by=admin)
        assert Message.objects.get().paused
        actions.resume_journey(journey=self.journey, by=admin)
        assert not Message.objects.get().paused


def test_what_steps_tell_comes_after_every_row_lock(company, noon, monkeypatch):
    batch = CouponBatch.objects.create(name="20", value=20, stock=5)
    live(step("c", "coupon", batch=batch.pk), leave())
    contact = person()
    happens(contact)
    world.consumers.run(world.CONSUMER)
    told = []
    monkeypatch.setattr(walk.intake, "append_own", told.append)
    engine.advance()
    assert [[event.kind for event in batch] for batch in told] == [["coupon_issued", "journey_exited"]]


def test_two_journeys_published_at_once_are_both_seen(company, noon):
    first, second = live(leave()), live(leave())
    Journey.objects.filter(pk=first.pk).update(state="draft")
    live_index.index()
    # The one with the earlier time commits later.
    Journey.objects.filter(pk=first.pk).update(state="live", changed_at=second.changed_at - timedelta(seconds=1))
    happens(person())
    settle()
    assert set(Enrolment.objects.values_list("journey_id", flat=True)) == {first.pk, second.pk}
