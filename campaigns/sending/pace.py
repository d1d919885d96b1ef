"""How fast one channel account may send: a token bucket row, and rests that the platform asks for. Times are real time."""

from datetime import datetime, timedelta

from campaigns.models import Pace
from channels_ingest.models import Channel
from scrm.lib import clock

BURST_SECONDS = 10
"""A bucket holds what may be sent in so many seconds."""
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=10)


def allowed(channel: Channel, want: int) -> int:
    """How many messages may be claimed now. Locks the account's row until the commit, so that workers share one bucket."""
    now = clock.real_now()
    rate = channel.rate_per_minute
    pace = Pace.objects.select_for_update().filter(pk=channel.pk).first()
    if pace is None:
        Pace.objects.bulk_create(
            [Pace(account_id=channel.pk, tokens=_capacity(rate), refilled_at=now)], ignore_conflicts=True
        )
        pace = Pace.objects.select_for_update().get(pk=channel.pk)
    if pace.rest_until and pace.rest_until > now:
        return 0
    if not rate:
        return want
    elapsed = max(0.0, (now - pace.refilled_at).total_seconds())
    pace.tokens = min(_capacity(rate), pace.tokens + elapsed * rate / 60)
    pace.refilled_at = now
    pace.save(update_fields=["tokens", "refilled_at"])
    return min(want, int(pace.tokens))


def spend(channel: Channel, count: int) -> None:
    """Take tokens for messages that were claimed, in the transaction of ``allowed``."""
    if channel.rate_per_minute and count:
        pace = Pace.objects.get(pk=channel.pk)
        pace.tokens -= count
        pace.save(update_fields=["tokens"])


def rest(channel: Channel, until: datetime | None, note: str) -> None:
    """Claim nothing of this account for a while: until the platform's time, at least a rest that doubles with every
    failure in a row."""
    now = clock.real_now()
    pace, _made = Pace.objects.get_or_create(pk=channel.pk, defaults={"tokens": 0, "refilled_at": now})
    pace.failures += 1
    doubled = now + min(FIRST_REST * 2 ** min(pace.failures - 1, 10), LONGEST_REST)
    pace.rest_until = max(doubled, min(until or doubled, now + LONGEST_REST))
    pace.note = note[:200]
    pace.save()


def well(channel: Channel) -> None:
    """The account sends again."""
    Pace.objects.filter(pk=channel.pk, failures__gt=0).update(failures=0, rest_until=None, note="")


def _capacity(rate: int) -> float:
    return max(1.0, rate * BURST_SECONDS / 60)
