from datetime import timedelta

import pytest

from contacts import actions, consumers, membership, stages
from contacts.enums import ConsentState, Stage, Trust
from contacts.intake import append
from contacts.models import Consent, Contact, Event, StageChange, StageRule
from scrm.core.models import AuditEntry
from scrm.lib import clock
from tests.contacts.contacts_worlds import NOON, OA, act, ago, browser, customer, email, followed, openid, paid, user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _alone(settings):
    settings.EVENT_CONSUMERS = ["contacts.consumers.lifecycle.consume"]
    stages.seed()
    with clock.frozen(NOON):
        yield


def live(*events):
    answers = append(events)
    while consumers.run_all():
        pass
    return Contact.objects.get(pk=answers[0].contact_id)


def path(contact):
    return list(StageChange.objects.filter(contact=contact).order_by("pk").values_list("from_stage", "to_stage"))


def test_a_follower_can_be_reached_and_agreed():
    contact = live(followed("lin"))
    assert contact.stage == Stage.PROSPECT
    assert contact.stage_since == NOON
    consent = Consent.objects.get()
    assert (consent.channel, consent.purpose, consent.state) == ("oa", "marketing", ConsentState.GRANTED)
    event = Event.objects.get(kind="followed")
    assert consent.proof == {"how": "follow", "event": event.pk}
    assert set(Event.objects.exclude(kind="followed").values_list("kind", flat=True)) == {
        "consent_granted",
        "stage_changed",
    }
    changed = Event.objects.get(kind="stage_changed")
    assert (changed.properties["from"], changed.properties["to"]) == ("public", "prospect")


def test_unfollowing_takes_both_back():
    live(followed("lin", at=ago(days=1)))
    contact = live(act("unfollowed", openid("lin"), account=OA, channel="oa"))
    assert contact.stage == Stage.PUBLIC
    assert Consent.objects.get().state == ConsentState.WITHDRAWN
    assert live(followed("lin")).stage == Stage.PROSPECT
    assert Consent.objects.get().state == ConsentState.GRANTED


def test_an_old_follow_does_not_bring_back_a_later_refusal(admin):
    contact = live(followed("lin", at=ago(days=5)))
    actions.set_consent(contact_id=contact.pk, channel="oa", state=ConsentState.WITHDRAWN, reason="told us", by=admin)
    consumers.rewind("contacts.consumers.lifecycle.consume", 0, by=admin)
    consumers.run_all()
    assert Consent.objects.get().state == ConsentState.WITHDRAWN
    assert Event.objects.filter(kind="consent_granted").count() == 1


def test_a_visitor_stays_public_until_something_reaches_him():
    assert live(act("page_viewed", browser(1))).stage == Stage.PUBLIC
    assert live(act("form_submitted", browser(1), email("vera"))).stage == Stage.PUBLIC
    assert live(act("email_confirmed", email("vera", Trust.VERIFIED))).stage == Stage.LEAD


def test_orders_move_people_on():
    who = customer(1)
    contact = live(paid(who, 1, 10))
    assert contact.stage == Stage.NEW
    assert live(paid(who, 2, 10)).stage == Stage.REPEAT
    assert live(*[paid(who, n, 10) for n in (3, 4, 5)]).stage == Stage.LOYAL
    assert path(contact) == [("public", "new"), ("new", "repeat"), ("repeat", "loyal")]
    assert consumers.lag()["waiting"] == 0


def test_a_long_history_at_once_takes_the_short_way():
    contact = live(*[paid(customer(1), n, 10, at=ago(days=800 - n)) for n in range(6)])
    assert contact.stage == Stage.LOST
    assert len(path(contact)) <= 3


def test_time_alone_moves_buyers_and_an_order_wins_them_back():
    contact = live(paid(customer(1), 1, 10))
    for days, stage in ((179, Stage.NEW), (181, Stage.AT_RISK), (366, Stage.LOST)):
        with clock.frozen(NOON + timedelta(days=days)):
            membership.sweep_stages()
        contact.refresh_from_db()
        assert contact.stage == stage, days
    later = NOON + timedelta(days=370)
    with clock.frozen(later):
        assert live(paid(customer(1), 2, 10, at=later)).stage == Stage.WON_BACK


def test_the_sweep_takes_the_order_of_the_log_once_and_last(monkeypatch):
    first, second = live(paid(customer(1), 1, 10)), live(paid(customer(2), 2, 10))
    monkeypatch.setattr(membership, "_buyers", lambda: iter([[first.pk], [second.pk]]))
    told = []
    monkeypatch.setattr(membership, "append_own", told.append)
    with clock.frozen(NOON + timedelta(days=181)):
        membership.sweep_stages()
    assert [[event.contact_id for event in batch] for batch in told] == [[first.pk, second.pk]]


def test_rules_are_rows():
    StageRule.objects.all().delete()
    StageRule.objects.create(
        name="By hand", from_stages=["public"], to_stage="loyal", rule={"kind": "identity", "identity": "openid"}
    )
    StageRule.objects.create(
        name="Broken", from_stages=["public"], to_stage="lost", rule={"kind": "nothing"}, position=-1
    )
    StageRule.objects.create(name="Off", from_stages=["loyal"], to_stage="lost", rule={}, active=False)
    contact = live(followed("lin"))
    assert contact.stage == Stage.LOYAL
    assert StageChange.objects.get().reason == "By hand"


def test_rules_that_lead_in_a_circle_come_to_an_end():
    StageRule.objects.all().delete()
    for one, two in (("public", "lead"), ("lead", "public")):
        StageRule.objects.create(name=one, from_stages=[one], to_stage=two, rule={})
    contact = live(followed("lin"))
    assert len(path(contact)) <= 2, "once for the follow, once for the consent that came of it"


def test_marking_by_hand_is_audited_and_on_the_timeline(admin):
    contact = live(followed("lin"))
    assert actions.add_tag(contact_ids=[contact.pk], name=" runner ", by=admin) == 1
    assert actions.add_tag(contact_ids=[contact.pk], name="runner", by=admin) == 0
    tag = contact.taggings.get().tag
    assert actions.remove_tag(contact_ids=[contact.pk], tag_id=tag.pk, by=admin) == 1
    assert actions.remove_tag(contact_ids=[contact.pk], tag_id=tag.pk, by=admin) == 0
    assert actions.remove_tag(contact_ids=[contact.pk], tag_id=10**9, by=admin) == 0
    assert actions.change_stage(contact_ids=[contact.pk], stage=Stage.LOYAL, reason="VIP", by=admin) == 1
    assert actions.set_consent(
        contact_id=contact.pk, channel="sms", state=ConsentState.GRANTED, reason="phone", by=admin
    )
    assert not actions.set_consent(
        contact_id=contact.pk, channel="sms", state=ConsentState.GRANTED, reason="phone", by=admin
    )
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds[3:] == ["tag_added", "tag_removed", "stage_changed", "consent_granted"]
    verbs = list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))
    assert [verb for verb in verbs if verb.startswith("contact.")] == [
        "contact.tagged",
        "contact.tagged",
        "contact.untagged",
        "contact.stage_changed",
    ]
    contact.refresh_from_db()
    assert contact.event_count == 1


def test_a_batch_costs_as_many_statements_as_one(django_assert_max_num_queries):
    append([followed(n) for n in range(300)] + [act("identified", user(n)) for n in range(300)])
    with django_assert_max_num_queries(80):
        consumers.run_all()
    assert Contact.objects.filter(stage=Stage.PROSPECT).count() == 300
