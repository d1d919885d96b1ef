"""What every door does before it believes anything: refuse with a reason, count it, and keep what is accepted."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from channels_ingest.enums import BadReason, Trustee
from channels_ingest.models import BadInput, BadSample, Channel
from channels_ingest.models.delivery import MOST_SAMPLES, RAW, SAMPLE_CHARS, pack
from scrm.core import live
from scrm.lib import clock, crypto, hints

SIGNED_WITHIN_SECONDS = 300
"""A signature older or newer than this is refused, so that a recorded callback cannot be played again later."""


class Refused(Exception):
    """This request is not taken. ``sample`` is kept (cut short, sealed) only when given."""

    def __init__(self, reason: BadReason, status: int, detail: str = "", sample: bytes | None = None) -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.status = status
        self.detail = detail
        self.sample = sample
        self.channel: Channel | None = None
        """Whose input it was, when that is known."""


def in_time(seconds: str) -> bool:
    """Is a signature's Unix time near the clock? In a demo the platform double signs by the shifted business clock."""
    if not seconds.isdigit() or len(seconds) > 12:
        return False
    moments = (clock.real_now(), clock.now())
    return any(abs(moment.timestamp() - int(seconds)) <= SIGNED_WITHIN_SECONDS for moment in moments)


def accept(
    channel: Channel,
    body: bytes,
    *,
    trustee: Trustee,
    key: UUID | None = None,
    notes: dict[str, Any] | None = None,
    packed: bytes | None = None,
) -> bool:
    """Commit one delivery; False when the same ``key`` is there already (the sender repeats what we have). ``packed`` is
    given when the body came compressed. Raises database errors: then the sender gets no success and comes again."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO channels_ingest_delivery (channel_id, key, trustee, notes, raw, size, received_at, business_at,
                                                  state, attempts, fence, error)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'pending', 0, 0, '')
            ON CONFLICT (channel_id, key) WHERE key IS NOT NULL DO NOTHING
            """,
            [
                channel.pk,
                key,
                str(trustee),
                orjson.dumps(notes or {}).decode(),
                packed if packed is not None else pack(body),
                len(body),
                clock.real_now(),
                clock.now(),
            ],
        )
        if not cursor.rowcount:
            return False
    hints.poke_on_commit("ingest")
    return True


def count(
    channel: Channel | None,
    reason: BadReason | str,
    *,
    detail: str = "",
    sample: bytes | None = None,
    times: int = 1,
    at: datetime | None = None,
) -> None:
    """Raise the day's counter; keep the sample while there are fewer than MOST_SAMPLES. One statement, two with a sample."""
    now = at or clock.real_now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO channels_ingest_badinput AS b (channel_id, reason, day, count, last_at)
            VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (channel_id, reason, day) DO UPDATE SET count = b.count + excluded.count, last_at = excluded.last_at
            RETURNING id, count
            """,
            [channel.pk if channel else None, str(reason), now.date(), times, now],
        )
        row_id, total = cursor.fetchone()
    if sample is not None and total - times < MOST_SAMPLES:
        text = sample[: SAMPLE_CHARS * 4].decode("utf-8", "replace")[:SAMPLE_CHARS]
        BadSample.objects.create(bad_input_id=row_id, at=now, detail=detail[:200], body=crypto.seal(text, RAW))


def note_verified(channel: Channel) -> None:
    """The platform checked our address and got the right answer."""
    Channel.objects.filter(pk=channel.pk).update(verified_at=clock.real_now())
    live.touch("channel", channel.pk)


def note_error(channel: Channel, reason: str) -> None:
    """Remember the last thing that went wrong with an account (shown on its page). ``reason`` must hold no contact point."""
    Channel.objects.filter(pk=channel.pk).update(last_error=reason[:300], last_error_at=clock.real_now())


def forget_counts(before: datetime) -> int:
    """Remove counters and samples of days before; the number of counters."""
    BadSample.objects.filter(bad_input__day__lt=before.date()).delete()
    return BadInput.objects.filter(day__lt=before.date()).delete()[0]
