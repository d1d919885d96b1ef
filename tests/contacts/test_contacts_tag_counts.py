"""The kept counts of tags are what counting finds, after every way a tag comes and goes."""

import random
import threading

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from contacts import actions, identity, marking, queries
from contacts.enums import TagSource
from contacts.intake import append
from contacts.models import Contact, Tag, TagCount, Tagging
from contacts.tallies import TAGS
from journeys import marking as journey_marking
from scrm.core import tallies
from scrm.lib import clock
from tests.contacts.contacts_worlds import NOON, ago, followed


def people(number: int) -> list[int]:
    return sorted(row.contact_id for row in append([followed(f"p{n}", at=ago(days=30)) for n in range(number)]))


@pytest.fixture
def usage(admin):
    """usage() -> {name: (contacts, last put on)} as the list of tags shows them, after a look that they are right."""

    def get() -> dict[str, tuple]:
        assert tallies.drift(TAGS) == []
        found = queries.tag_usage(admin)
        return {tag.name: found.get(tag.pk, (0, None)) for tag in Tag.objects.all()}

    return get


@pytest.mark.django_db
def test_by_hand_by_journeys_and_by_merges(admin, usage):
    one, two, three = people(3)
    with clock.frozen(ago(days=3)):
        actions.add_tag(contact_ids=[one, two], name="vip", by=admin)
        actions.add_tag(contact_ids=[two], name="runner", by=admin)
    assert usage() == {"vip": (2, ago(days=3)), "runner": (1, ago(days=3))}
    vip, runner = Tag.objects.get(name="vip"), Tag.objects.get(name="runner")
    journey_marking.add_tag(vip.pk, [one, three], ago(days=2))
    assert usage()["vip"] == (3, ago(days=2))
    journey_marking.add_tag(vip.pk, [one], ago(days=1))
    assert usage()["vip"] == (3, ago(days=2)), "who has it already is not tagged anew"
    Tagging.objects.filter(contact=one).update(expires_at=ago(hours=30))
    marking.add_tag(vip, [one], ago(days=1), TagSource.MANUAL)
    assert usage()["vip"] == (3, ago(days=1)), "one that was over is"
    with clock.frozen(NOON):
        done = identity.merge(Contact.objects.get(pk=one), Contact.objects.get(pk=two), {"answered": "yes"}, by=admin)
        assert usage() == {"vip": (2, ago(days=1)), "runner": (1, ago(days=3))}
        identity.unmerge(done, by=admin)
        assert usage() == {"vip": (3, ago(days=1)), "runner": (1, ago(days=3))}
    actions.remove_tag(contact_ids=[two], tag_id=runner.pk, by=admin)
    assert usage()["runner"] == (0, ago(days=3)), "when it was last used is remembered"


@pytest.mark.django_db
def test_folding_and_counting_anew_remember_the_last_use_of_living_tags(admin, usage):
    ids = people(4)
    with clock.frozen(NOON):
        for name in ("kept", "taken", "gone"):
            actions.add_tag(contact_ids=ids, name=name, by=admin)
    taken, gone = Tag.objects.get(name="taken"), Tag.objects.get(name="gone")
    actions.remove_tag(contact_ids=ids, tag_id=taken.pk, by=admin)
    assert actions.delete_tag(tag_id=gone.pk, by=admin) == 4
    expected = {"kept": (4, NOON), "taken": (0, NOON)}
    assert usage() == expected
    assert tallies.fold(TAGS) == 5 and tallies.fold(TAGS) == 0
    assert usage() == expected and TagCount.objects.count() == 2 and not TagCount.objects.filter(tag=gone.pk).exists()
    TagCount.objects.update(n=9)
    call_command("check_counts", "tags", "--repair")
    assert usage() == expected


@pytest.mark.django_db(transaction=True)
def test_exact_with_many_writers():
    ids = people(40)
    tags = [Tag.objects.create(name=name) for name in ("a", "b")]
    failures, over = [], threading.Event()

    def run(work) -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    def write(n: int) -> None:
        dice, mine = random.Random(n), ids[n::3]
        for _turn in range(60):
            with transaction.atomic():
                marking.add_tag(dice.choice(tags), dice.sample(mine, 4), NOON, TagSource.RULE)
                marking.remove_tag(dice.choice(tags), dice.sample(mine, 3), NOON)
                transaction.set_rollback(dice.random() < 0.2)

    def fold() -> None:
        while not over.is_set():
            tallies.fold(TAGS, limit=5)

    writers = [threading.Thread(target=run, args=(lambda n=n: write(n),)) for n in range(3)]
    folders = [threading.Thread(target=run, args=(fold,)) for _n in range(2)]
    for thread in (*writers, *folders):
        thread.start()
    try:
        while any(thread.is_alive() for thread in writers):
            assert tallies.drift(TAGS) == []
    finally:
        over.set()
        for thread in (*writers, *folders):
            thread.join()
    assert failures == [] and tallies.drift(TAGS) == []
