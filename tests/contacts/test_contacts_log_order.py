"""Racing writers, in real transactions: what a cursor may rely on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from contacts import consumers
from contacts.enums import Trust
from contacts.intake import Incoming, append, append_own
from contacts.log import writing
from contacts.models import Contact, Event, Identity
from scrm.lib import clock
from tests.contacts.contacts_worlds import NOON, act, browser, user

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, ROUNDS, EACH = 4, 8, 25


def in_threads(work, number):
    """Run work(n) in threads with their own connections; errors are raised here."""

    def guarded(n):
        try:
            with clock.frozen(NOON):
                return work(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(guarded, range(number)))


def test_a_live_reader_misses_nothing():
    """Writers of both kinds with transactions of different length, and a reader that never looks back."""
    (mine,) = append([act("identified", user("me"))])
    done, seen = threading.Event(), []

    def write(n):
        for turn in range(ROUNDS):
            if n % 2:
                append([act("page_viewed", browser(f"{n}-{k}")) for k in range(EACH)])
            else:
                with transaction.atomic():
                    append_own([Incoming("message_sent", "oa", NOON, contact_id=mine.contact_id) for _ in range(EACH)])
                    Contact.objects.filter(pk=-turn).exists()

    def read():
        try:
            position = 0
            while True:
                last = done.is_set()
                rows = consumers.since(position, 100)
                seen.extend(row.id for row in rows)
                position = rows[-1].id if rows else position
                if last and not rows:
                    return
        finally:
            connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    in_threads(write, WRITERS)
    done.set()
    reader.join(30)
    assert len(seen) == 1 + WRITERS * ROUNDS * EACH
    assert seen == sorted(Event.objects.values_list("id", flat=True))


def test_writers_that_meet_the_same_new_people_agree():
    """Every worker gets the same handles in another order; each person is made once and nobody waits in a circle."""

    def write(n):
        batch = [act("page_viewed", browser(k), key=f"{n}-{k}") for k in range(60)]
        batch += [act("identified", user(k % 7), browser(f"s{k}", Trust.VERIFIED), key=f"i-{n}-{k}") for k in range(20)]
        return append(batch[n * 7 :] + batch[: n * 7])

    in_threads(write, WRITERS)
    assert Identity.objects.count() == 60 + 7 + 20
    assert Contact.objects.count() == 60 + 7
    assert Event.objects.count() == WRITERS * 80
    assert sum(Contact.objects.values_list("event_count", flat=True)) == WRITERS * 80


def test_one_delivery_received_by_several_workers_counts_once():
    in_threads(lambda n: append([act("page_viewed", browser(k), key=f"same-{k}") for k in range(50)]), WRITERS)
    assert Event.objects.count() == 50
    assert set(Contact.objects.values_list("event_count", flat=True)) == {1}


def test_merges_against_writers_leave_no_event_behind():
    """While contacts are merged, events for both keep coming, by identity and by number."""
    answers = append([act("identified", user(n)) for n in range(10)])
    numbers = [answer.contact_id for answer in answers]

    def work(n):
        if n == 0:
            for k in range(9):
                append([act("identified", user(k), user(k + 1))])
        else:
            for turn in range(12):
                append([act("page_viewed", user(k), key=f"{n}-{turn}-{k}") for k in range(10)])
                append_own([Incoming("message_sent", "oa", NOON, contact_id=pk) for pk in numbers])

    with clock.frozen(NOON):
        in_threads(work, 3)
    living = Contact.objects.living().get() if Contact.objects.living().count() == 1 else None
    tombstones = Contact.objects.exclude(merged_into=None).values_list("pk", flat=True)
    assert not Event.objects.filter(contact_id__in=tombstones).exists()
    assert not Identity.objects.filter(contact_id__in=tombstones).exists()
    if living:
        acts = Event.objects.exclude(kind__in=["message_sent", "contact_merged"]).count()
        assert living.event_count == acts


def test_outside_of_a_transaction_people_are_committed_first(monkeypatch):
    """A failure of the second step leaves the people, and the redelivery completes the event."""

    def fail(*_args):
        raise RuntimeError("the disk is full")

    event = act("page_viewed", browser("x"), properties={"n": 1})
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(writing, "copy_rows", fail)
        append([event])
    assert (Contact.objects.count(), Event.objects.count()) == (1, 0)
    append([event])
    assert Event.objects.count() == 1
    assert Contact.objects.get().event_count == 1
