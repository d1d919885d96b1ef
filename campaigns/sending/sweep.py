"""What no worker holds any more: leases that ran out, attempts nobody finished, messages past their expiry; and delivery reports
that came before their message was written down."""

from django.db import connection, transaction

from campaigns.enums import Reason, State
from campaigns.models import DeliveryReport, Message
from campaigns.sending import outcomes, reports, states
from campaigns.sending.stop import settle
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.models import Channel
from scrm.lib import clock

LIMIT = 1000


def run_once() -> bool:
    """One bounded sweep; True when it was full."""
    return max(_take_back_leases(), _lose_attempts(), _expire(), _apply_reports()) >= LIMIT


def _take_back_leases() -> int:
    """A lease that ran out was never tried: the row goes back to the queue as it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_message SET state = %s, lease_until = NULL, fence = fence + 1 WHERE id IN ("
            "SELECT id FROM campaigns_message WHERE lease_until < %s AND state = %s AND state IN ('leased', 'attempting')"
            " LIMIT %s FOR UPDATE SKIP LOCKED)",
            [states.target("give_back"), clock.real_now(), State.LEASED, LIMIT],
        )
        return cursor.rowcount


@transaction.atomic
def _lose_attempts() -> int:
    """The worker died while the platform was being asked. Where the platform drops a repetition with the same key it is sent again;
    elsewhere nobody can know, and a person sees it in a short list."""
    now = clock.now()
    stale = Message.objects.filter(lease_until__lt=clock.real_now(), state=State.ATTEMPTING)
    rows = list(
        stale.select_for_update(skip_locked=True, of=("self",)).order_by("id").values_list("id", "account_id")[:LIMIT]
    )
    if not rows:
        return 0
    safe = _repeatable_accounts()
    again = [pk for pk, account in rows if account in safe]
    Message.objects.filter(pk__in=again).update(
        state=states.target("retry"), reason=Reason.RETRY, next_at=now, lease_until=None
    )
    lost = settle([pk for pk, account in rows if account not in safe], "lose", Reason.UNCERTAIN, now, stage="lost")
    Message.objects.filter(pk__in=[outcome.id for outcome in lost]).update(next_at=now)
    outcomes.append(lost, now)
    return len(rows)


def _repeatable_accounts() -> set[int]:
    kinds = [
        kind for kind, c in CONNECTORS.items() if c.rendered_kinds and set(c.rendered_kinds) <= set(c.idempotent_kinds)
    ]
    return set(Channel.objects.filter(kind__in=kinds).values_list("id", flat=True))


@transaction.atomic
def _expire() -> int:
    now = clock.now()
    late = Message.objects.waiting().filter(expires_at__isnull=False, expires_at__lte=now)
    ids = list(
        late.select_for_update(skip_locked=True, of=("self",)).order_by("id").values_list("id", flat=True)[:LIMIT]
    )
    expired = settle(ids, "expire", Reason.EXPIRED, now, stage="expired")
    outcomes.append(expired, now)
    return len(ids)


@transaction.atomic
def _apply_reports() -> int:
    if not DeliveryReport.objects.exists():
        return 0
    reports.forget()
    settled = reports.apply()
    outcomes.append(settled, clock.now())
    return len(settled)
