"""Nothing is stuck, and what pages count is what is there."""

from datetime import datetime

from tests.chaos.checks import Check, Verdict
from tests.chaos.record import Database, Record

WAITS = {
    "deliveries not read": "select count(*) from channels_ingest_delivery where state = 'pending'",
    "messages held by a worker": "select count(*) from campaigns_message where state in ('leased', 'attempting')",
    "messages due": "select count(*) from campaigns_message where state = 'queued' and not paused and next_at <= %(now)s",
    "messages whose hold is over": "select count(*) from campaigns_message where state = 'held' and hold_until <= %(now)s",
    "people due in journeys": "select count(*) from journeys_enrolment where state in ('active', 'waiting') and due_at <= %(now)s",
    "waits not looked up": "select count(*) from journeys_subscription where not checked",
    "events behind": """select coalesce(sum((select coalesce(max(id), 0) from contacts_event) - position), 0)
        from contacts_consumercursor where position < (select coalesce(max(id), 0) from contacts_event)""",
    "feeds not read lately": "select count(*) from channels_ingest_poll where failures > 0 or polled_at < now() - interval '20 s'",
    "pumps that fail": "select count(*) from core_pumprun where error <> ''",
    "delivery reports without their message": "select count(*) from campaigns_deliveryreport",
}


def waiting(base: Database, now: datetime) -> dict[str, int]:
    """What still has to be done, as the tables say; empty when everything has come to rest."""
    found = {}
    with base.cursor() as cursor:
        for name, statement in WAITS.items():
            cursor.execute(statement, {"now": now})
            if count := cursor.fetchone()[0]:
                found[name] = int(count)
    return found


class Stuck(Check):
    name = "nothing is stuck"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        left = waiting(base, record.now)
        left.pop("feeds not read lately", None)  # true of every copy; while it runs, settling waits for it
        verdict.problems += [f"{count} {name}" for name, count in left.items()]


class Counts(Check):
    name = "kept counts are what is there"
    PAIRS = {
        "messages": (
            "select origin, origin_id, state, reason, sum(n), sum(opened), sum(clicked) from campaigns_messagecount group by 1, 2, 3, 4"
            " having (sum(n), sum(opened), sum(clicked)) <> (0, 0, 0)",
            "select origin, origin_id, case when state in ('leased', 'attempting') then 'queued' else state end, reason, count(*),"
            " count(opened_at), count(clicked_at) from campaigns_message group by 1, 2, 3, 4",
        ),
        "tags": (
            "select tag_id, sum(n) from contacts_tagcount group by 1 having sum(n) <> 0",
            "select tag_id, count(*) from contacts_tagging group by 1",
        ),
        "people in journeys": (
            "select version_id, sum(n), sum(inside), sum(converted) from journeys_enrolmentcount group by 1"
            " having (sum(n), sum(inside), sum(converted)) <> (0, 0, 0)",
            "select version_id, count(*), count(*) filter (where state in ('active', 'waiting')), count(converted_at)"
            " from journeys_enrolment group by 1",
        ),
    }

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        for name, (kept, counted) in self.PAIRS.items():
            left, right = set(base.rows(kept)), set(base.rows(counted))
            verdict.expect(
                left == right, f"{name}: kept {sorted(left - right)[:3]}, counted {sorted(right - left)[:3]}"
            )
            verdict.facts.append(f"{len(right)} keys of {name}")


CHECKS: list[Check] = [Stuck(), Counts()]
