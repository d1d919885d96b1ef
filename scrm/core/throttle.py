"""Slowing down password guessing. A failure is counted *before* the password is looked at, so that a burst of parallel
guesses cannot slip through between look and count; success clears the count. Real time; the rows live in Postgres."""

from datetime import datetime, timedelta

from django.db import transaction

from scrm.core.models import LoginAttempt, fold_email
from scrm.lib.clock import real_now

FREE_PER_ACCOUNT = 5
FREE_PER_ADDRESS = 50
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=30)
FORGET_AFTER = timedelta(hours=12)


def wait_for(failures: int, free: int) -> timedelta:
    """How long to wait after so many failures in a row: nothing below ``free``, then 30 s, doubling up to 30 min."""
    if failures < free:
        return timedelta()
    return min(FIRST_WAIT * 2 ** min(failures - free, 10), LONGEST_WAIT)


@transaction.atomic
def begin(email: str, ip: str) -> int:
    """Count one try. Answers 0 when the password may be checked, else the seconds to wait (then nothing is counted).
    Locks the two counters of this account and address until the transaction ends."""
    now = real_now()
    LoginAttempt.objects.filter(last_at__lt=now - FORGET_AFTER).delete()
    counters = [(_counter(account, ip, now), free) for account, free in _keys(email)]
    blocked = max(row.blocked_until for row, _ in counters)
    if blocked > now:
        return max(1, round((blocked - now).total_seconds()))
    for row, free in counters:
        row.failures += 1
        row.last_at = now
        row.blocked_until = now + wait_for(row.failures, free)
        row.save()
    return 0


def clear(email: str, ip: str) -> None:
    """The password was right: forget this account's failures, and take this try off the address's count."""
    LoginAttempt.objects.filter(account=fold_email(email), ip=ip).delete()
    for row in LoginAttempt.objects.filter(account="", ip=ip, failures__gt=0):
        row.failures -= 1
        row.save(update_fields=["failures"])


def _keys(email: str) -> list[tuple[str, int]]:
    return [("", FREE_PER_ADDRESS), (fold_email(email)[:254], FREE_PER_ACCOUNT)]


def _counter(account: str, ip: str, now: datetime) -> LoginAttempt:
    LoginAttempt.objects.bulk_create(
        [LoginAttempt(account=account, ip=ip, failures=0, last_at=now, blocked_until=now)], ignore_conflicts=True
    )
    return LoginAttempt.objects.select_for_update().get(account=account, ip=ip)
