"""The dispatcher: claim what is due, ask the gates again, render, send, write down what became of it.

Three short transactions for a message, none of them open while a platform is called: the claim (lease and fence), ``attempting``
for a handful, and the result. A killed worker leaves leased rows, which go back to the queue when the lease ends, and at most one
handful of ``attempting`` ones, of which nobody can know: those become ``unknown`` unless the platform drops repetitions itself.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from campaigns.enums import State
from campaigns.models import Message
from campaigns.sending import compose, finish, outcomes, pace, states, sweep
from campaigns.sending.regate import Claimed, regate
from channels_ingest.connectors.base import ConnectorError, Link
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.models import Channel
from scrm.lib import clock

log = logging.getLogger(__name__)

BATCH = 200
HANDFUL = 5
"""So many messages are at the platform's door at once; after a crash just these are of unknown outcome and wait for a person."""
LEASE = timedelta(seconds=settings.LEASE_SECONDS)
"""Longer than a handful takes when every answer comes late."""
LANES = (0, 1, 2)


def run_once() -> bool:
    """One bounded step: sweep, then one batch of every account that has something due. True when there may be more."""
    more = sweep.run_once()
    for channel in _accounts_with_work():
        more = dispatch_account(channel) or more
    return more


def lag() -> dict[str, float]:
    """What is due and has not left, of accounts that work."""
    now = clock.now()
    due = Message.objects.waiting().filter(
        paused=False, next_at__lte=now, account_id__in=Channel.objects.active().values("id")
    )
    oldest = due.order_by("next_at").values_list("next_at", flat=True).first()
    return {"waiting": due.count(), "oldest_seconds": (now - oldest).total_seconds() if oldest else 0}


def _accounts_with_work() -> list[Channel]:
    due = Message.objects.waiting().filter(
        account_id=OuterRef("pk"), paused=False, lane__in=LANES, next_at__lte=clock.now()
    )
    kinds = [kind for kind, connector in CONNECTORS.items() if connector.open is not None]
    return list(Channel.objects.active().filter(Exists(due), kind__in=kinds).order_by("?"))


def dispatch_account(channel: Channel) -> bool:
    """Send one batch of one account; True when there may be more."""
    rows, looked = claim(channel, BATCH)
    if not rows:
        return looked > 0
    ready = compose.compose(rows)
    finish.fail_unrendered(channel, [item for item in ready if item.rendered is None])
    ready = [item for item in ready if item.rendered is not None]
    trouble: ConnectorError | None = None
    try:
        with CONNECTORS[channel.kind].open(channel) as link:
            trouble = _send_all(channel, link, ready)
    except ConnectorError as error:
        trouble = error
    if trouble is not None:
        _give_back([item.row for item in ready])
        finish.account_failed(channel, trouble)
    # A message may have gone on to another channel, so even a short batch is looked after once more.
    return trouble is None


@transaction.atomic
def claim(channel: Channel, limit: int) -> tuple[list[Claimed], int]:
    """Lease up to ``limit`` due messages that still pass every gate; also how many rows were looked at. Transactional
    ones first."""
    limit = pace.allowed(channel, limit)
    now = clock.now()
    ids: list[int] = []
    for lane in LANES:
        if len(ids) < limit:
            due = Message.objects.waiting().filter(account_id=channel.pk, lane=lane, paused=False, next_at__lte=now)
            due = due.select_for_update(skip_locked=True, of=("self",)).order_by("next_at")
            ids += due.values_list("id", flat=True)[: limit - len(ids)]
    claimed, changed = regate(ids, now, claim_for=channel.pk, lease_until=clock.real_now() + LEASE)
    place = {pk: n for n, pk in enumerate(ids)}
    claimed.sort(key=lambda row: place[row.id])
    pace.spend(channel, len(claimed))
    outcomes.append(changed, now)
    return claimed, len(ids)


def _send_all(channel: Channel, link: Link, ready: list[compose.Ready]) -> ConnectorError | None:
    """Handful by handful; answers the error when the account itself has failed and the rest must wait."""
    errors: list[ConnectorError | None] = []
    for start in range(0, len(ready), HANDFUL):
        results: list[finish.Result] = []
        trouble: ConnectorError | None = None
        for item in _begin(ready[start : start + HANDFUL]):
            result = _send(link, item) if trouble is None else finish.Result(item, trouble, tried=False)
            results.append(result)
            errors.append(result.error)
            if trouble is None and finish.stops_account(errors):
                trouble = result.error
        finish.finish(channel, results)
        if trouble is not None:
            return trouble
        if any(result.error is None for result in results):
            pace.well(channel)
    return None


def _send(link: Link, item: compose.Ready) -> finish.Result:
    try:
        return finish.Result(item, receipt=link.send(item.address, item.rendered, item.row.key))
    except ConnectorError as error:
        return finish.Result(item, error)
    except Exception as error:
        # A fault of ours in a connector after it may have spoken: nobody can know.
        log.exception("message %s", item.row.id)
        return finish.Result(
            item, ConnectorError(f"{type(error).__name__}: {error}"[:300], permanent=False, unknown=True)
        )


def _begin(handful: list[compose.Ready]) -> list[compose.Ready]:
    """Commit ``attempting`` for the rows that are still ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_message m SET state = %s, attempt_no = m.attempt_no + 1, attempt_id = gen_random_uuid(),"
            " lease_until = %s"
            " FROM unnest(%s::bigint[], %s::int[]) AS t(id, fence)"
            " WHERE m.id = t.id AND m.fence = t.fence AND m.state = %s AND NOT m.paused RETURNING m.id",
            [
                states.target("attempt"),
                clock.real_now() + LEASE,
                [i.row.id for i in handful],
                [i.row.fence for i in handful],
                State.LEASED,
            ],
        )
        ours = {row[0] for row in cursor.fetchall()}
    kept = [item for item in handful if item.row.id in ours]
    _give_back([item.row for item in handful if item.row.id not in ours])
    return kept


def _give_back(rows: list[Claimed]) -> None:
    """Leased rows that were not tried go back as they were."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_message m SET state = %s, lease_until = NULL"
            " FROM unnest(%s::bigint[], %s::int[]) AS t(id, fence)"
            " WHERE m.id = t.id AND m.fence = t.fence AND m.state = %s",
            [states.target("give_back"), [row.id for row in rows], [row.fence for row in rows], State.LEASED],
        )
