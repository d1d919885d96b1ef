"""The bench of sending (settings.BENCHES)."""

import itertools
import time
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from campaigns.enums import ContentFormat, ContentState
from campaigns.models import Content, Message, Variant
from campaigns.sending import submit_audience
from channels_ingest.enums import Kind
from channels_ingest.models import Channel
from contacts.enums import ChannelKind, Purpose
from scrm.core.benching import Bench, Scale, bracketed
from scrm.core.models import Company
from scrm.lib import clock

NOW = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai, 20:00 in Los Angeles, 23:00 in New York."""
BATCH = 20_000

# 94 % get it now; the others are held by their quiet hours, lack the consent, have unsubscribed, bounced or reached a cap.
_PEOPLE = """
INSERT INTO contacts_contact (id, name, name_grams, known, stage, time_zone, language, region, city, attributes, source_kind,
    source_label, source_account_id, first_seen_at, last_seen_at, event_count, order_count, order_total, version, created_at)
SELECT n, 'c' || n, '{}', true, 'prospect', CASE WHEN mod(n, 50) = 0 THEN 'America/New_York' WHEN mod(n, 7) = 0 THEN
'Asia/Tokyo' ELSE '' END,
    '', '', '', '{}', 'import', '', 0, %(now)s, %(now)s, 0, 0, 0, 1, %(now)s FROM generate_series(1, %(count)s) n;
INSERT INTO contacts_identity (contact_id, kind, scope, index, index_key, value, hint, trust, evidence, reachable,
first_seen_at, last_seen_at)
SELECT n, 'email', 0, md5('e' || n)::uuid, 1, decode(md5(n::text), 'hex'), 'c***@example.com', 2, '{}', true, %(now)s, %(now)s
FROM generate_series(1, %(count)s) n;
INSERT INTO contacts_consent (contact_id, channel, purpose, state, proof, changed_at)
SELECT n, 'email', 'marketing', CASE WHEN mod(n, 100) = 1 THEN 'withdrawn' ELSE 'granted' END, '{}', %(now)s
FROM generate_series(1, %(count)s) n WHERE mod(n, 100) <> 2;
INSERT INTO campaigns_suppression (kind, scope, index, reason, note, created_at)
SELECT 'email', 0, md5('e' || n)::uuid, 'bounced', '', %(now)s FROM generate_series(3, %(count)s, 200) n;
"""
_ROWS = """
INSERT INTO campaigns_message (key, contact_id, identity_id, pinned, channel, account_id, channels, content_id, purpose, origin,
    origin_id, lane, ref, context, tags, state, reason, decisions, defer_quiet, paused, hold_until, next_at,
    expires_at, fence, attempt_no, planned_at, sent_at, platform_id, error)
SELECT %(prefix)s || i.contact_id, i.contact_id, i.id, false, 'email', %(account)s, ARRAY['email'], %(content)s,
'marketing', 'campaign',
    %(origin)s, 2, '{{"campaign": 1}}', '{{}}', '{{}}', %(state)s, '', %(look)s::jsonb, true, false, NULL, %(at)s,
    NULL, 0, 0, %(at)s, %(sent_at)s, '', ''
FROM contacts_identity i WHERE {where}
"""


def fanout(scale: Scale) -> dict[str, Any]:
    """A whole audience through every gate into the ledger, excluded ones with reasons and events, in batches of 20,000; the
    limit is a bare INSERT...SELECT of as many rows of the same width into the same table with the same indexes."""
    count = scale.pick(30_000, 1_000_000)
    account, content = _world(count)
    rounds, planned = itertools.count(), {}

    def ours() -> float:
        n = next(rounds)
        started = time.perf_counter()
        planned.update(_plan(count, content.pk, n))
        took = time.perf_counter() - started
        _clear(n)
        return count / took

    with clock.frozen(NOW):
        found = bracketed(ours, lambda: count / _bare(account.pk, content.pk), scale.pick(5, 3))
    return found | {"unit": "messages/s", "audience": count, "verdicts": planned}


def _world(count: int) -> tuple[Channel, Content]:
    Company.objects.update_or_create(pk=1, defaults={"name": "Bench", "time_zone": "Asia/Shanghai"})
    account = Channel.objects.create(kind=Kind.EMAIL, name=f"bench {time.time_ns()}")
    content = Content.objects.create(name="bench", purpose=Purpose.MARKETING)
    Variant.objects.create(
        content=content, channel=ChannelKind.EMAIL, format=ContentFormat.MARKDOWN, subject="s", body="b"
    )
    content.state = ContentState.APPROVED
    content.save()
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, {"now": NOW, "count": count})
        # History for the caps: every fifth person got one mail yesterday, every hundredth two today.
        for prefix, where, at in (
            ("h1:", "mod(i.contact_id, 5) = 0", NOW.replace(day=2, hour=1)),
            ("h2:", "mod(i.contact_id, 100) = 4", NOW.replace(hour=1)),
            ("h3:", "mod(i.contact_id, 100) = 4", NOW.replace(hour=2)),
        ):
            cursor.execute(
                _ROWS.format(where=where), _values(prefix, account.pk, content.pk, state="sent", at=at, sent_at=at)
            )
        _settle(cursor)
    return account, content


def _values(
    prefix: str, account: int, content: int, *, state: str, at: datetime, sent_at: datetime | None = None
) -> dict[str, object]:
    look = (
        '[{"stage": "plan", "at": "2026-03-03T04:00:00+00:00", "zone": "Asia/Shanghai", "zone_from": "company", "reason": "",'
        ' "quiet_until": null, "caps": [{"days": 1, "limit": 1, "used": 0}, {"days": 7, "limit": 3, "used": 0}]}]'
    )
    return {
        "prefix": prefix,
        "account": account,
        "content": content,
        "origin": 1,
        "state": state,
        "look": look,
        "at": at,
        "sent_at": sent_at,
    }


def _bare(account: int, content: int) -> float:
    """Seconds for the limit, which keeps no counts; leaves nothing behind."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE campaigns_message DISABLE TRIGGER USER")
        started = time.perf_counter()
        cursor.execute(_ROWS.format(where="true"), _values("bare:", account, content, state="queued", at=NOW))
        took = time.perf_counter() - started
        cursor.execute("DELETE FROM campaigns_message WHERE key LIKE 'bare:%'")
        cursor.execute("ALTER TABLE campaigns_message ENABLE TRIGGER USER")
        _settle(cursor)
    return took


def _plan(count: int, content: int, n: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(1, count + 1, BATCH):
        made = submit_audience(
            range(start, min(start + BATCH, count + 1)),
            key_prefix=f"c:{n}:1:",
            content_id=content,
            purpose=Purpose.MARKETING.value,
            origin="campaign",
            origin_id=100 + n,
            channels=[ChannelKind.EMAIL.value],
            ref={"campaign": 1},
        )
        for state, rows in made.items():
            found[state] = found.get(state, 0) + rows
    return found


def _clear(n: int) -> None:
    Message.objects.filter(origin="campaign", origin_id=100 + n).delete()
    with connection.cursor() as cursor:
        _settle(cursor)


def _settle(cursor) -> None:
    """The same tidy table for everybody: dead rows gone, statistics fresh."""
    for table in (
        "campaigns_message",
        "contacts_contact",
        "contacts_identity",
        "contacts_consent",
        "campaigns_suppression",
    ):
        cursor.execute(f"VACUUM ANALYZE {table}")
    cursor.execute("CHECKPOINT")


BENCHES = [Bench("fanout", fanout)]
