"""One batch of requests: the temporary table they lie in, and what Python has to know of them for the gates."""

from dataclasses import dataclass, field
from datetime import datetime

from campaigns.sending import rules
from contacts.enums import Purpose
from scrm.core.models import Company

TABLE = """
CREATE TEMP TABLE IF NOT EXISTS sending_req (
    n integer NOT NULL, key text NOT NULL, contact_id bigint NOT NULL, content_id bigint, purpose text NOT NULL,
    origin text NOT NULL, origin_id bigint NOT NULL, channels text[] NOT NULL, ref jsonb NOT NULL, context jsonb NOT NULL,
    expires_at timestamptz, defer_quiet boolean NOT NULL, identity_id bigint, message_id bigint, body jsonb
) ON COMMIT DELETE ROWS
"""


@dataclass(slots=True)
class Batch:
    """What Python found out about the rows of sending_req."""

    stage: str
    now: datetime
    company: Company
    low: int
    high: int
    repeats: bool
    """Some contact is asked for more than once."""
    channels: set[str]
    most_channels: int
    marketing: bool
    routes: list[rules.Route] = field(default_factory=list)
    contents: list[tuple[int, bool, list[str]]] = field(default_factory=list)
    offers: list[rules.Offer] = field(default_factory=list)
    zones: list[rules.Zone] = field(default_factory=list)

    @property
    def caps(self) -> list[tuple[int, int]]:
        return rules.cap_limits(self.company) if self.marketing else []

    @property
    def windowed(self) -> list[str]:
        return sorted(channel for channel in self.channels if channel in rules.REPLY_WINDOWS)


def empty_table(cursor) -> None:
    """Make sure that sending_req exists and is empty; it lives as long as the connection and is emptied by every commit."""
    cursor.execute("SELECT to_regclass('pg_temp.sending_req') IS NOT NULL")
    if cursor.fetchone()[0]:
        cursor.execute("TRUNCATE sending_req")
    else:
        cursor.execute(TABLE)


def survey(cursor, stage: str, now: datetime, *, lock: bool) -> Batch | None:
    """Look at the rows of sending_req: lock their contacts in id order (two planners of one person take turns, so caps hold),
    follow merges, and collect zones, accounts and contents. A constant number of statements. None when there are no rows."""
    cursor.execute(
        "SELECT min(contact_id), max(contact_id), count(DISTINCT contact_id) < count(*), max(cardinality(channels)),"
        " bool_or(purpose = %s), "
        " coalesce(array_agg(DISTINCT content_id) FILTER (WHERE content_id IS NOT NULL), '{}') FROM sending_req",
        [Purpose.MARKETING],
    )
    low, high, repeats, most, marketing, content_ids = cursor.fetchone()
    if low is None:
        return None
    # Of this transaction only: a batch of 20,000 stays in memory.
    cursor.execute("SET LOCAL work_mem = '32MB'")
    pairs, merged = _people(cursor, low, high, lock)
    if merged:
        cursor.execute(
            "UPDATE sending_req r SET contact_id = c.merged_into_id FROM contacts_contact c"
            " WHERE c.id = r.contact_id AND c.merged_into_id IS NOT NULL"
        )
        # A survivor may have been merged away itself; merges are rare and chains short.
        return survey(cursor, stage, now, lock=lock)
    cursor.execute("SELECT DISTINCT unnest(channels) FROM sending_req")
    channels = {row[0] for row in cursor.fetchall()}
    company = Company.get()
    batch = Batch(stage, now, company, low, high, repeats, channels, most or 0, marketing)
    batch.routes = [route for route in rules.routes() if route.channel in channels]
    batch.contents, batch.offers = rules.contents(content_ids)
    batch.zones = rules.zones(pairs, company, now)
    return batch


def _people(cursor, low: int, high: int, lock: bool) -> tuple[list[tuple[str, str]], bool]:
    tail = "ORDER BY c.id FOR NO KEY UPDATE" if lock else ""
    cursor.execute(
        f"""WITH people AS MATERIALIZED (
            SELECT c.time_zone, c.region, c.merged_into_id FROM contacts_contact c
            WHERE c.id BETWEEN %s AND %s AND c.id IN (SELECT contact_id FROM sending_req) {tail})
        SELECT time_zone, region, bool_or(merged_into_id IS NOT NULL) FROM people GROUP BY 1, 2""",
        [low, high],
    )
    rows = cursor.fetchall()
    return [(zone, region) for zone, region, _ in rows], any(merged for *_, merged in rows)
