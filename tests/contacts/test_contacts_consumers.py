import pytest

from contacts import consumers
from contacts.consumers import running
from contacts.enums import EventKind
from contacts.intake import Incoming, append, append_own
from contacts.models import ConsumerCursor, Event, PoisonEvent, Tag
from scrm.core.models import AuditEntry
from scrm.lib import clock
from tests.contacts.contacts_worlds import NOON, act, browser

pytestmark = pytest.mark.django_db

NAME = f"{__name__}.consume"
seen: list[int] = []
bad: set[int] = set()
resets: list[int] = []


def consume(events):
    """Writes a row per event, so that a test can see what was kept, and fails on the events in ``bad``."""
    for event in events:
        Tag.objects.create(name=f"event {event.id}")
        if event.id in bad:
            raise ValueError(f"cannot digest {event.id}")
    seen.extend(event.id for event in events)


def reset():
    resets.append(1)


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.EVENT_CONSUMERS = [NAME]
    seen.clear()
    bad.clear()
    resets.clear()


def feed(number):
    return [
        answer.event_id
        for answer in append([act("page_viewed", browser(n), properties={"n": n}) for n in range(number)])
    ]


def kept():
    return {int(name.split()[1]) for name in Tag.objects.values_list("name", flat=True)}


def test_reads_in_order_in_batches_and_only_once(monkeypatch):
    monkeypatch.setattr(running, "BATCH", 10)
    ids = feed(25)
    assert [consumers.run(NAME) for _ in range(4)] == [True, True, False, False]
    assert seen == ids
    assert ConsumerCursor.objects.get().position == ids[-1]
    more = feed(3)
    assert consumers.lag()["waiting"] == 3
    consumers.run_all()
    assert seen == ids + more
    assert consumers.lag() == {"waiting": 0, "oldest_seconds": 0}


def test_events_carry_everything():
    with clock.frozen(NOON):
        append([act("page_viewed", browser(1), properties={"path": "/"})])
    (row,) = consumers.since(0)
    event = Event.objects.get()
    assert (row.contact_id, row.identity_id, row.kind, row.channel) == (
        event.contact_id,
        event.identity_id,
        "page_viewed",
        "web",
    )
    assert (row.occurred_at, row.recorded_at, row.properties) == (NOON, NOON, {"path": "/"})
    assert consumers.since(0, kinds=["order_paid"]) == []


def test_poison_is_found_by_halves_and_set_aside():
    ids = feed(40)
    bad.update({ids[3], ids[29]})
    consumers.run_all()
    assert kept() == set(ids) - bad, "what a failing half did is rolled back and done again without the poison"
    assert set(PoisonEvent.objects.values_list("event_id", flat=True)) == bad
    assert "cannot digest" in PoisonEvent.objects.first().error
    assert ConsumerCursor.objects.get().position == ids[-1]


def test_poison_can_be_replayed(admin):
    ids = feed(3)
    bad.add(ids[1])
    consumers.run_all()
    poison = PoisonEvent.objects.get()
    assert not consumers.replay(poison, admin)
    bad.clear()
    assert consumers.replay(poison, admin)
    poison.refresh_from_db()
    assert poison.replayed_at
    assert kept() == set(ids)
    assert consumers.replay(poison, admin), "a second click does nothing"
    assert len(seen) == 3
    assert AuditEntry.objects.filter(verb="event.replayed").count() == 1


def test_a_consumer_that_fails_on_everything_stops_and_loses_nothing():
    ids = feed(60)
    bad.update(ids)
    with pytest.raises(consumers.TooManyPoison):
        consumers.run_all()
    assert not PoisonEvent.objects.exists()
    assert not ConsumerCursor.objects.filter(position__gt=0).exists()
    bad.clear()
    consumers.run_all()
    assert seen == ids


def test_one_failing_consumer_does_not_hold_up_the_others(settings):
    settings.EVENT_CONSUMERS = [f"{__name__}.explode", NAME]
    ids = feed(30)
    with pytest.raises(consumers.TooManyPoison):
        consumers.run_all()
    assert seen == ids


def explode(events):
    raise RuntimeError("broken")


def test_rewind_reads_again_and_empties_first(admin):
    ids = feed(5)
    consumers.run_all()
    Tag.objects.all().delete()
    consumers.rewind(NAME, 0, by=admin)
    consumers.run_all()
    assert seen == ids + ids
    assert resets == [1]
    consumers.rewind(NAME, ids[2])
    assert resets == [1]
    with pytest.raises(ValueError, match="No consumer"):
        consumers.rewind("nobody")


@pytest.mark.django_db(transaction=True)
def test_dying_in_the_middle_leaves_cursor_and_effects_where_they_were(settings):
    class Killed(BaseException):
        pass

    ids = feed(10)

    def die(name, consumer, events):
        consumer(events)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "_digest", die)
        with pytest.raises(Killed):
            consumers.run(NAME)
    assert not Tag.objects.exists()
    consumers.run(NAME)
    assert kept() == set(ids)


def test_what_a_consumer_appends_is_part_of_its_transaction(settings):
    settings.EVENT_CONSUMERS = [f"{__name__}.echo"]
    feed(2)
    consumers.run_all()
    consumers.run_all()
    assert Event.objects.filter(kind=EventKind.COUPON_ISSUED).count() == 2


def echo(events):
    append_own(
        [
            Incoming(
                EventKind.COUPON_ISSUED,
                "sys",
                event.occurred_at,
                contact_id=event.contact_id,
                external_id=f"echo {event.id}",
            )
            for event in events
            if event.kind == "page_viewed"
        ]
    )
