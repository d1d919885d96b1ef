"""Delivery reports of platforms, matched to messages by account and the platform's id.

A report may arrive before the dispatcher has committed the id it is about. So it is kept until its message is found: at once, or
by the dispatcher's sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from campaigns.enums import Reason
from campaigns.models import DeliveryReport
from campaigns.sending import outcomes, states
from scrm.lib import clock

KEPT_FOR = timedelta(days=2)
"""Real time. A report whose message is not ours (another system sends by the same account) is forgotten after that."""
_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Report:
    account_id: int
    platform_id: str
    delivered: bool
    detail: str
    at: datetime


def keep(reports: Sequence[Report]) -> None:
    """Store reports, the first about a message counts; one statement."""
    now = clock.real_now()
    DeliveryReport.objects.bulk_create(
        [
            DeliveryReport(
                account_id=r.account_id,
                platform_id=r.platform_id,
                delivered=r.delivered,
                detail=r.detail[:200],
                at=r.at,
                kept_at=now,
            )
            for r in reports
        ],
        ignore_conflicts=True,
    )


def apply() -> list[outcomes.Outcome]:
    """Move the messages that reports are about, forward in the graph only, and drop those reports. In the caller's transaction,
    which appends the answered outcomes last. Two statements; safe in any number of workers."""
    columns = ", ".join(f"m.{name}" for name in outcomes.Outcome.COLUMNS)
    moves = {"deliver": (True, ""), "fail": (False, str(Reason.REJECTED))}
    settled: list[outcomes.Outcome] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.id, r.id FROM campaigns_deliveryreport r JOIN campaigns_message m"
            " ON m.platform_id = r.platform_id AND m.platform_id <> '' AND m.account_id = r.account_id"
            " ORDER BY m.id LIMIT %s FOR NO KEY UPDATE OF m",
            [_LIMIT],
        )
        found = cursor.fetchall()
        if not found:
            return []
        message_ids, report_ids = (list(column) for column in zip(*found, strict=True))
        for move, (delivered, reason) in moves.items():
            cursor.execute(
                "UPDATE campaigns_message m SET state = %s, reason = %s, error = r.detail,"
                " delivered_at = CASE WHEN r.delivered THEN r.at END, decisions = CASE WHEN r.delivered THEN m.decisions"
                " ELSE m.decisions || jsonb_build_array(jsonb_build_object('stage', 'report', 'at', to_jsonb(r.at),"
                " 'reason', %s::text, 'error', r.detail)) END"
                " FROM campaigns_deliveryreport r WHERE m.id = ANY(%s) AND r.id = ANY(%s) AND r.delivered = %s"
                " AND m.platform_id = r.platform_id AND m.account_id = r.account_id AND m.state = ANY(%s)"
                f" RETURNING {columns}",
                [
                    states.target(move),
                    reason,
                    reason,
                    message_ids,
                    report_ids,
                    delivered,
                    [state for state in states.sources(move) if state in states.WITH_THE_PLATFORM],
                ],
            )
            settled += [outcomes.Outcome(*row) for row in cursor.fetchall()]
        cursor.execute("DELETE FROM campaigns_deliveryreport WHERE id = ANY(%s)", [report_ids])
    return settled


def forget() -> int:
    """Drop reports that nobody waits for; how many."""
    return DeliveryReport.objects.filter(kept_at__lt=clock.real_now() - KEPT_FOR).delete()[0]
