"""Messages, comments and mentions become conversations: one going per customer and account, idempotent, set-based, mergeable."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts import consumers
from contacts.consumers import since
from contacts.enums import IdentityKind
from contacts.identity import merging
from contacts.models import Contact
from scrm.core.models import Notification
from scrm.lib import clock
from service_desk import actions, waking
from service_desk.consumers import conversations as consumer
from service_desk.enums import ConversationState, EntryKind
from service_desk.models import Conversation, Entry
from tests.campaigns.world import NOON, account
from tests.service_desk.desk import CONSUMER, comments, digest_all, later, says, talk

pytestmark = pytest.mark.django_db


def log_of(conversation) -> list[str]:
    return [e.data["what"] for e in conversation.entries.filter(kind=EntryKind.LOG).order_by("pk")]


def test_two_messages_are_one_conversation_that_waits_since_the_first(oa):
    says(oa, "你好")
    one = talk(oa, "烘豆机还有\n现货吗", at=later(minutes=3))
    assert (one.unread, one.waiting_since, one.last_at) == (2, NOON, later(minutes=3))
    assert (one.excerpt, one.state, one.channel, one.version) == ("烘豆机还有 现货吗", "open", "oa", 2)
    assert [e.body for e in one.entries.order_by("pk")] == ["你好", "烘豆机还有\n现货吗"]


def test_each_account_has_its_own_conversation(oa):
    first = talk(oa, "甲")
    second = talk(account("wechat_oa"), "乙")
    assert first.pk != second.pk


def test_a_comment_keeps_what_an_answer_needs(weibo):
    contact = comments(weibo, "穿两次鞋底掉了", comment_id="c77")
    entry = Entry.objects.get(conversation__contact=contact)
    assert entry.data == {"type": "comment", "post_id": "p1", "post_text": "新品上架", "comment_id": "c77"}


def test_a_picture_without_words_is_called_by_its_type(oa):
    one = talk(oa, "", type="image", media="m1", url="https://x.example/p.jpg")
    assert one.excerpt == "[image]"
    assert one.entries.get().data == {"type": "image", "media": "m1", "url": "https://x.example/p.jpg"}


def test_reading_again_changes_nothing(oa, weibo):
    says(oa, "一")
    comments(weibo)
    before = list(Conversation.objects.order_by("pk").values())
    consumers.rewind(CONSUMER, 1)
    digest_all()
    assert list(Conversation.objects.order_by("pk").values()) == before
    assert Entry.objects.count() == 2


def test_a_rebuild_finds_what_was_lost_and_keeps_our_own_words(oa, agent):
    one = talk(oa, "一")
    actions.post_note(conversation=one, text="老客户", by=agent)
    says(oa, "二", at=later(minutes=1))
    Entry.objects.filter(body="二").delete()
    Conversation.objects.update(excerpt="?", waiting_since=None)
    consumers.rewind(CONSUMER, 0)
    digest_all()
    one.refresh_from_db()
    assert sorted(e.body for e in one.entries.all()) == sorted(["一", "老客户", "二"])
    assert (one.excerpt, one.waiting_since) == ("二", NOON)


def test_a_message_wakes_the_snoozed_and_follows_the_closed(oa, agent):
    one = talk(oa, "一")
    with clock.frozen(NOON):
        actions.snooze_conversation(conversation=one, until=later(days=2), by=agent)
    talk(oa, "二", at=later(hours=1))
    one.refresh_from_db()
    assert (one.state, one.snoozed_until, log_of(one)) == (ConversationState.OPEN, None, ["snoozed", "woken"])
    with clock.frozen(later(hours=2)):
        actions.close_conversation(conversation=one, by=agent)
    two = talk(oa, "三", at=later(hours=3))
    assert two.pk != one.pk
    assert two.entries.get(kind=EntryKind.LOG).data == {"what": "followed", "previous": one.pk}
    assert Conversation.objects.get(pk=one.pk).state == ConversationState.CLOSED


def test_a_batch_of_many_costs_the_same_as_one(oa):
    def cost(first: int, count: int) -> int:
        for n in range(count):
            says(oa, "x", who=f"o{first + n}", digest=False)
        with CaptureQueriesContext(connection) as seen:
            digest_all()
        return len(seen)

    cost(50, 1)  # makes the cursor
    assert cost(100, 1) == cost(200, 40)
    assert Conversation.objects.count() == 42


@pytest.mark.django_db(transaction=True)
def test_two_readers_at_once_make_one_conversation(oa):
    """A replay of a set-aside event beside the running consumer: the unique key decides."""
    for n in range(6):
        says(oa, f"m{n}", at=later(seconds=n), digest=False)
    events = since(0)
    faults = []

    def read(part):
        try:
            with transaction.atomic():
                consumer.consume(part)
        except Exception as error:  # told below, by the test's own thread
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=read, args=(part,)) for part in (events[::2], events[1::2])]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not faults
    one = Conversation.objects.get()
    assert (one.unread, one.entries.count(), one.waiting_since) == (6, 6, NOON)


def test_snoozed_ones_wake_once_at_their_time(oa, agent):
    one = talk(oa)
    with clock.frozen(NOON):
        actions.snooze_conversation(conversation=one, until=later(hours=1), by=agent)
    with clock.frozen(later(minutes=59)):
        assert not waking.run_once()
        assert waking.lag()["waiting"] == 0
    with clock.frozen(later(hours=1)):
        assert waking.lag()["waiting"] == 1
        waking.run_once()
        waking.run_once()
    one.refresh_from_db()
    assert (one.state, log_of(one)) == (ConversationState.OPEN, ["snoozed", "woken"])
    assert Notification.objects.filter(user=agent).count() == 1


class TestMerging:
    @pytest.fixture
    def pair(self, oa, weibo, agent):
        """A customer known on WeChat and one known on WeChat by another openid and on Weibo; both have said something."""
        first, second = talk(oa, "甲", who="o-a"), talk(oa, "乙", who="o-b", at=later(minutes=5))
        return first, second

    def test_the_survivors_goes_on_and_points_back(self, pair):
        first, second = pair
        merging.merge(first.contact, second.contact, {"staff": True})
        first.refresh_from_db()
        second.refresh_from_db()
        assert (second.state, second.contact_id) == (ConversationState.CLOSED, first.contact_id)
        assert (first.state, first.unread, first.excerpt, first.waiting_since) == ("open", 2, "乙", NOON)
        assert second.entries.get(kind=EntryKind.LOG).data == {"what": "merged", "into": first.pk, "state": "open"}
        assert first.entries.get(kind=EntryKind.LOG).data == {"what": "joined", "other": second.pk}

    def test_other_accounts_simply_come_along(self, oa, weibo):
        first = talk(oa, "甲")
        other = comments(weibo, "乙")
        merging.merge(first.contact, other, {"staff": True})
        assert set(Conversation.objects.values_list("contact_id", "state")) == {(first.contact_id, "open")}
        assert Conversation.objects.count() == 2

    def test_unmerging_gives_everything_back(self, pair, oa):
        first, second = pair
        done = merging.merge(first.contact, second.contact, {"staff": True})
        says(oa, "合并之后", who="o-b", at=later(hours=1))
        says(oa, "也是之后", who="o-a", at=later(hours=2))
        first.refresh_from_db()
        assert first.entries.filter(kind=EntryKind.CUSTOMER).count() == 3
        merging.unmerge(done)
        for conversation, said in ((first, ["甲", "也是之后"]), (second, ["乙", "合并之后"])):
            conversation.refresh_from_db()
            assert conversation.state == ConversationState.OPEN
            entries = conversation.entries.filter(kind=EntryKind.CUSTOMER).order_by("at")
            assert [e.body for e in entries] == said
            assert conversation.excerpt == said[-1]
        assert first.contact_id != second.contact_id
        assert Contact.objects.get(pk=second.contact_id).identities.get(kind=IdentityKind.OPENID)

    def test_a_message_to_the_merged_one_reaches_the_survivor(self, pair, oa):
        first, second = pair
        merging.merge(first.contact, second.contact, {"staff": True})
        says(oa, "丙", who="o-b", at=later(hours=1))
        first.refresh_from_db()
        assert first.entries.filter(body="丙").count() == 1


def test_an_event_of_an_erased_contact_is_left_out(oa):
    contact = says(oa, "x", digest=False)
    events = since(0)
    Contact.objects.filter(pk=contact.pk).delete()
    consumer.consume(events)
    assert not Conversation.objects.exists()


def test_waiting_since_survives_late_events(oa):
    talk(oa, "晚到的", at=later(hours=2))
    one = talk(oa, "更早的", at=later(hours=1))
    assert (one.waiting_since, one.last_at, one.excerpt) == (later(hours=1), later(hours=2), "晚到的")
    assert one.last_inbound_at - one.waiting_since == timedelta(hours=1)
