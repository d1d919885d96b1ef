"""The kept counts of the ledger are what counting finds: after every way of writing, with many writers, folding all the while."""

import random
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from campaigns import bounces, queries
from campaigns.consumers import engagement
from campaigns.enums import Reason, State
from campaigns.models import Campaign, CampaignState, Message, MessageCount
from campaigns.sending import dispatch, pause, submit
from campaigns.tallies import MESSAGES
from contacts.consumers import since
from contacts.intake import Incoming, append
from scrm.core import tallies
from scrm.lib import clock
from tests.campaigns.world import NOON, account, ask, person, written


def counted(origin: str, origin_id: int) -> queries.Funnel:
    """The long way: every row of the ledger looked at."""
    rows = list(Message.objects.filter(origin=origin, origin_id=origin_id))

    def number(*states: State) -> int:
        return sum(row.state in states for row in rows)

    return queries.Funnel(
        planned=len(rows),
        waiting=number(State.QUEUED, State.LEASED, State.ATTEMPTING),
        held=number(State.HELD),
        sent=number(State.SENT, State.DELIVERED, State.BOUNCED),
        suppressed=number(State.SUPPRESSED),
        failed=number(State.FAILED, State.EXPIRED),
        unknown=number(State.UNKNOWN),
        opened=sum(row.opened_at is not None for row in rows),
        clicked=sum(row.clicked_at is not None for row in rows),
        bounced=sum(row.state == State.BOUNCED for row in rows),
    )


def message(n: int, state: State = State.SENT, origin_id: int = 1, **fields) -> Message:
    return Message(
        key=f"m{n}", contact_id=n, identity_id=n, content_id=1, purpose="marketing", origin="campaign", origin_id=origin_id,
        state=state, next_at=NOON, planned_at=NOON, **fields,
    )  # fmt: skip


def acts(kind: str, rows: list[Message]) -> None:
    append(
        [
            Incoming(
                kind, "email", NOON + timedelta(hours=1), contact_id=row.contact_id, properties={"message": row.pk}
            )
            for row in rows
        ]
    )
    engagement.consume(since(0, limit=1000))


@pytest.mark.django_db
def test_from_planning_to_late_reports(company, platform):
    oa, content = account("wechat_oa"), written()
    people = [person(openid=oa.pk, last_inbound_at=NOON) for _n in range(6)] + [person()]
    with clock.frozen(NOON):
        submit([ask(someone, content, origin="campaign", origin_id=5) for someone in people])
        assert queries.funnel("campaign", 5).waiting == 6
        assert [(row["reason"], row["count"]) for row in queries.reasons("campaign", 5)] == [(Reason.NO_ADDRESS, 1)]
        pause("campaign", 5)
        dispatch.claim(oa, 2)
        assert queries.funnel("campaign", 5) == counted("campaign", 5)
        Message.objects.update(paused=False)
        while dispatch.run_once():
            pass
    sent = list(Message.objects.filter(state=State.SENT))
    assert queries.funnel("campaign", 5).sent == len(sent) == 6
    acts("message_opened", sent[:3])
    acts("message_clicked", sent[2:4])
    bounces.note_bounces([(sent[5].pk, True, "no such user")])
    found = queries.funnel("campaign", 5)
    assert (found.opened, found.clicked, found.sent) == (4, 2, 6)
    assert found == counted("campaign", 5) == queries.funnels("campaign", [5, 6])[5]
    assert tallies.drift(MESSAGES) == []
    sent[0].delete()
    assert queries.funnel("campaign", 5) == counted("campaign", 5)


@pytest.mark.django_db
def test_folding_changes_no_sum_and_leaves_a_row_for_each_key():
    Message.objects.bulk_create([message(n, origin_id=1 + n % 3) for n in range(9)])
    for row in Message.objects.all():
        row.state, row.opened_at = State.DELIVERED, NOON
        row.save()
    before = queries.funnels("campaign", [1, 2, 3])
    assert MessageCount.objects.count() > 12
    assert tallies.fold(MESSAGES, limit=4) == 4
    while tallies.fold(MESSAGES, limit=4):
        pass
    assert queries.funnels("campaign", [1, 2, 3]) == before
    assert set(MessageCount.objects.values_list("origin_id", "state", "n", "opened", "folded")) == {
        (origin_id, "delivered", 3, 3, True) for origin_id in (1, 2, 3)
    }
    Message.objects.filter(origin_id=1).delete()
    assert tallies.fold(MESSAGES) == 1 and not MessageCount.objects.filter(origin_id=1).exists()
    assert queries.funnels("campaign", [1]) == {}


@pytest.mark.django_db
def test_what_was_rolled_back_is_not_counted():
    Message.objects.bulk_create([message(1)])
    with pytest.raises(RuntimeError), transaction.atomic():
        Message.objects.bulk_create([message(2)])
        Message.objects.update(state=State.FAILED)
        raise RuntimeError
    assert queries.funnel("campaign", 1) == counted("campaign", 1)
    assert queries.funnel("campaign", 1).sent == 1


@pytest.mark.django_db
def test_the_command_finds_what_is_wrong_and_makes_it_anew(capsys):
    Message.objects.bulk_create([message(n) for n in range(4)])
    call_command("check_counts")
    assert "messages: right" in capsys.readouterr().out
    MessageCount.objects.update(n=7)
    MessageCount.objects.create(origin="journey", origin_id=9, state="sent", n=1, opened=0, clicked=0)
    with pytest.raises(CommandError, match="Wrong counts: messages"):
        call_command("check_counts", "messages")
    told = capsys.readouterr().out
    assert "kept [7, 0, 0], counted [4, 0, 0]" in told and "kept [1, 0, 0], counted [0, 0, 0]" in told
    call_command("check_counts", "messages", "--repair")
    assert "made anew" in capsys.readouterr().out
    assert queries.funnel("campaign", 1) == counted("campaign", 1)
    with pytest.raises(CommandError, match="No counts nonsense"):
        call_command("check_counts", "nonsense")


WRITERS, TURNS = 4, 60


@pytest.mark.django_db(transaction=True)
def test_exact_at_every_moment_with_many_writers():
    Message.objects.bulk_create([message(n, origin_id=n % 2) for n in range(200)])
    start, failures, over = threading.Barrier(WRITERS + 3), [], threading.Event()

    def write(n: int) -> None:
        dice = random.Random(n)
        for turn in range(TURNS):
            # Rows are taken as the dispatcher does, so that writers meet without deadlocks; some give up half-way.
            with transaction.atomic():
                ids = [dice.randrange(200) for _n in range(8)]
                rows = Message.objects.select_for_update(skip_locked=True).filter(contact_id__in=ids).order_by("id")
                pks = [row.pk for row in rows]
                mine = Message.objects.filter(pk__in=pks)
                state = dice.choice([State.QUEUED, State.LEASED, State.SENT, State.DELIVERED, State.UNKNOWN])
                mine.update(state=state, reason=dice.choice(["", Reason.RETRY]))
                mine.update(opened_at=dice.choice([None, NOON]), clicked_at=dice.choice([None, NOON]))
                if dice.random() < 0.3:
                    mine.delete()
                new = [message(1000 + 1000 * n + turn, State.HELD, origin_id=dice.randrange(2))]
                Message.objects.bulk_create(new)
                transaction.set_rollback(dice.random() < 0.2)

    def fold(n: int) -> None:
        while not over.is_set():
            tallies.fold(MESSAGES, limit=10)

    def make_anew(n: int) -> None:
        while not over.is_set():
            tallies.recount(MESSAGES)

    def run(work, n: int) -> None:
        try:
            start.wait()
            work(n)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=run, args=(write, n)) for n in range(WRITERS)]
    others = [threading.Thread(target=run, args=(work, 0)) for work in (fold, make_anew)]
    for thread in (*writers, *others):
        thread.start()
    start.wait()
    try:
        while any(thread.is_alive() for thread in writers):
            assert tallies.drift(MESSAGES) == []
    finally:
        over.set()
        for thread in (*writers, *others):
            thread.join()
    assert failures == []
    assert tallies.drift(MESSAGES) == []
    while tallies.fold(MESSAGES):
        pass
    for origin_id in (0, 1):
        assert queries.funnel("campaign", origin_id) == counted("campaign", origin_id)
    assert not MessageCount.objects.filter(folded=False).exists()


@pytest.mark.django_db
def test_the_campaign_pages_cost_the_same_at_1_and_30(marketer, client_for, django_assert_max_num_queries):
    client = client_for(marketer)
    at = clock.now()

    def make(first: int, last: int) -> None:
        Campaign.objects.bulk_create(
            [
                Campaign(pk=n, name=f"C{n}", state=CampaignState.DONE, created_at=at, updated_at=at)
                for n in range(first, last + 1)
            ]
        )
        Message.objects.bulk_create(
            [
                message(100 * n + k, State.SENT if k else State.FAILED, n, reason="" if k else Reason.REJECTED)
                for n in range(first, last + 1)
                for k in range(3)
            ]
        )

    def cost(path: str) -> tuple[int, list[str]]:
        client.get(path)
        with django_assert_max_num_queries(15) as found:
            assert client.get(path).status_code == 200
        return len(found), [query["sql"] for query in found]

    make(1, 1)
    few = [cost(path)[0] for path in ("/campaigns/", "/campaigns/1/", "/campaigns/1/result/")]
    make(2, 30)
    for path, before in zip(("/campaigns/", "/campaigns/1/", "/campaigns/1/result/"), few, strict=True):
        after, asked = cost(path)
        assert after == before, path
        assert not [sql for sql in asked if '"campaigns_message"' in sql], "a page counts the ledger"
