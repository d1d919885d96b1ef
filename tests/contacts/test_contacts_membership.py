from datetime import timedelta

import pytest

from contacts import membership
from contacts.actions import save_segment
from contacts.intake import append
from contacts.models import Contact, Event, Segment, SegmentMember
from scrm.lib import clock
from tests.contacts.contacts_worlds import NOON, act, ago, browser, followed

pytestmark = pytest.mark.django_db

VIEWERS = {"kind": "event", "event": "product_viewed", "measure": "count", "op": "gte", "value": 2, "days": 7}


@pytest.fixture(autouse=True)
def _noon(settings):
    settings.EVENT_CONSUMERS = []
    with clock.frozen(NOON):
        yield


def run():
    for _turn in range(20):
        if not membership.run():
            return
    raise AssertionError("never at rest")


def members(segment):
    return set(SegmentMember.objects.filter(segment=segment).values_list("contact_id", flat=True))


def told(kind):
    return list(Event.objects.filter(kind=kind).order_by("id").values_list("contact_id", flat=True))


def views(who, number, **more):
    return append([act("product_viewed", browser(who), **more) for _ in range(number)])[0].contact_id


def test_a_new_segment_is_filled_without_events():
    one = views(1, 2)
    views(2, 1)
    segment = Segment.objects.create(name="viewers", rule=VIEWERS)
    run()
    segment.refresh_from_db()
    assert members(segment) == {one}
    assert (segment.member_count, segment.refreshed_at, segment.broken_reason) == (1, NOON, "")
    assert told("segment_entered") == []


def test_a_rule_saved_during_a_refresh_is_not_taken_for_looked_at(monkeypatch, admin):
    one, two = views(1, 2), views(2, 1)
    segment = Segment.objects.create(name="viewers", rule=VIEWERS)
    look, saved = membership._out_of_date, []

    def slow(*args):
        found = look(*args)
        if not saved:
            saved.append(True)
            save_segment(
                segment_id=segment.pk, name="viewers", description="", rule={**VIEWERS, "value": 1}, version=1, by=admin
            )
        return found

    monkeypatch.setattr(membership, "_out_of_date", slow)
    run()
    assert members(segment) == {one, two}


def test_entering_and_leaving_are_events_exactly_once():
    segment = Segment.objects.create(name="viewers", rule=VIEWERS)
    run()
    one = views(1, 2)
    run()
    run()
    assert told("segment_entered") == [one]
    assert Event.objects.get(kind="segment_entered").properties == {"segment": segment.pk, "name": "viewers"}
    views(1, 1)
    run()
    assert told("segment_entered") == [one], "still a member"
    with clock.frozen(NOON + timedelta(days=8)):
        run()
        run()
    assert (told("segment_left"), members(segment)) == ([one], set())
    segment.refresh_from_db()
    assert segment.member_count == 0
    with clock.frozen(NOON + timedelta(days=9)):
        views(1, 2, at=NOON + timedelta(days=9))
        run()
    assert told("segment_entered") == [one, one]


def test_a_changed_rule_is_applied_at_the_next_look():
    segment = Segment.objects.create(name="viewers", rule=VIEWERS)
    one = views(1, 1)
    run()
    Segment.objects.filter(pk=segment.pk).update(rule={**VIEWERS, "value": 1})
    segment.refresh_from_db()
    membership.refresh(segment)
    assert (members(segment), told("segment_entered")) == ({one}, [one])


def test_many_people_are_taken_in_pieces(monkeypatch):
    monkeypatch.setattr(membership, "BATCH", 7)
    segment = Segment.objects.create(name="all", rule={})
    run()
    append([act("page_viewed", browser(n)) for n in range(40)])
    run()
    assert len(members(segment)) == 40
    assert len(told("segment_entered")) == 40
    segment.refresh_from_db()
    assert segment.member_count == 40


def test_a_rule_that_names_something_gone_keeps_its_members_and_says_why():
    other = Segment.objects.create(name="other", rule={})
    segment = Segment.objects.create(name="viewers", rule={"kind": "segment", "segment": other.pk})
    good = Segment.objects.create(name="good", rule={})
    one = views(1, 1)
    run()
    other.delete()
    two = views(2, 1)
    run()
    segment.refresh_from_db()
    assert members(segment) == {one}
    assert segment.broken_reason
    assert members(good) == {one, two}


def test_who_is_merged_away_leaves_without_a_word():
    segment = Segment.objects.create(name="all", rule={})
    append([followed("a", at=ago(days=2)), followed("b")])
    run()
    append([act("identified", *followed("a").handles, *followed("b").handles)])
    run()
    assert members(segment) == set(Contact.objects.living().values_list("pk", flat=True))
    assert told("segment_left") == []
    segment.refresh_from_db()
    with clock.frozen(NOON + timedelta(days=1)):
        run()
    segment.refresh_from_db()
    assert segment.member_count == 1


def test_static_segments_are_left_alone():
    segment = Segment.objects.create(name="static", static=True, rule={})
    views(1, 1)
    run()
    assert members(segment) == set()


def test_lag_counts_what_was_not_looked_at():
    views(1, 3)
    assert membership.lag()["waiting"] == 3
    run()
    assert membership.lag() == {"waiting": 0, "oldest_seconds": 0}
