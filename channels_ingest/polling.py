"""Feeds of platforms that do not call us: ask, put what is new into the inbox, remember how far we are.

The page and the step are committed together and the inbox knows every item by its key, so a worker that dies between the
answer and the commit asks again and nothing is lost or doubled.
"""

import secrets
from datetime import datetime, timedelta

import orjson
from django.db import transaction
from django.db.models import F

from channels_ingest import actions, edge
from channels_ingest.connectors.base import ConnectorError, Polled
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.connectors.weibo.edge import key_of
from channels_ingest.enums import State, Trustee
from channels_ingest.models import Channel, Poll
from scrm.lib import clock

LEASE = timedelta(seconds=60)
DEFAULT_SECONDS = 60
MOST_BACK_OFF = timedelta(minutes=15)


def run_once() -> bool:
    """One page of the feed that is due longest; True when there may be more."""
    poll = _claim() or (_claim() if _add_missing() else None)
    if poll is None:
        return False
    connector = CONNECTORS[poll.channel.kind]
    try:
        page = connector.poll(poll.channel, poll.feed, poll.since, poll.until)  # type: ignore[misc]
    except ConnectorError as error:
        _failed(poll, error)
        return True
    _keep(poll, page)
    return True


def lag() -> dict[str, float]:
    """Feeds that should have been read by now."""
    now = clock.real_now()
    due = Poll.objects.filter(next_at__lt=now - LEASE, channel__state=State.ACTIVE).order_by("next_at")
    oldest = due.values_list("next_at", flat=True).first()
    return {"waiting": due.count(), "oldest_seconds": (now - oldest).total_seconds() if oldest else 0}


def _add_missing() -> bool:
    """A row for every feed of the active accounts that has none."""
    kinds = {kind: connector.feeds for kind, connector in CONNECTORS.items() if connector.feeds}
    rows = Channel.objects.active().filter(kind__in=kinds, polls=None)
    made = [Poll(channel=c, feed=feed, next_at=clock.real_now()) for c in rows for feed in kinds[c.kind]]
    Poll.objects.bulk_create(made, ignore_conflicts=True)
    return bool(made)


def _claim() -> Poll | None:
    now = clock.real_now()
    with transaction.atomic():
        poll = (
            Poll.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("channel")
            .filter(next_at__lte=now, channel__state=State.ACTIVE)
            .exclude(leased_until__gt=now)
            .order_by("next_at", "pk")
            .first()
        )
        if poll is None:
            return None
        poll.leased_until, poll.fence = now + LEASE, secrets.randbits(62)
        poll.save(update_fields=["leased_until", "fence"])
    return poll


def _mine(poll: Poll):
    """Only the holder of the lease writes."""
    return Poll.objects.filter(pk=poll.pk, fence=poll.fence)


def _keep(poll: Poll, page: Polled) -> None:
    now = clock.real_now()
    numbers = [number for number, _item in page.items]
    top = max([poll.top, *numbers])
    if page.more:
        step = {"top": top, "until": min(numbers) - 1, "next_at": now}
    else:
        step = {"since": max(poll.since, top), "top": 0, "until": 0, "next_at": now + _interval(poll.channel)}
    with transaction.atomic():
        if not _mine(poll).update(**step, leased_until=None, polled_at=now, failures=0):
            return
        for number, item in reversed(page.items):
            key = key_of(poll.feed, number)
            edge.accept(poll.channel, orjson.dumps(item), trustee=Trustee.PLATFORM, key=key, notes={"feed": poll.feed})


def _failed(poll: Poll, error: ConnectorError) -> None:
    _mine(poll).update(next_at=_again(poll, error), leased_until=None, failures=F("failures") + 1)
    if error.channel_broken:
        actions.mark_broken(poll.channel, error.reason)
    else:
        edge.note_error(poll.channel, error.reason)


def _again(poll: Poll, error: ConnectorError) -> datetime:
    now = clock.real_now()
    back_off = min(_interval(poll.channel) * 2 ** min(poll.failures, 8), MOST_BACK_OFF)
    return max(error.retry_at or now, now + back_off)


def _interval(channel: Channel) -> timedelta:
    return timedelta(seconds=int(channel.settings.get("poll_seconds") or DEFAULT_SECONDS))
