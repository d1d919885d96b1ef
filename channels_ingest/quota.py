"""How many calls an account made today, and which of a platform's quotas are used up."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from channels_ingest.models import Channel, Quota
from scrm.lib import clock

_PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")


def today() -> date:
    """The platforms' day (real time)."""
    return clock.real_now().astimezone(_PLATFORM_ZONE).date()


def count_call(channel: Channel, call: str, times: int = 1, *, exhausted_until: datetime | None = None) -> None:
    """Add to today's count. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO channels_ingest_quota AS q (channel_id, call, day, used, exhausted_until) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (channel_id, call, day) DO UPDATE SET used = q.used + excluded.used,
                exhausted_until = coalesce(excluded.exhausted_until, q.exhausted_until)
            """,
            [channel.pk, call, today(), times, exhausted_until],
        )


def exhausted(channel: Channel) -> dict[str, datetime]:
    """Calls that the platform will not take before the given moment."""
    rows = Quota.objects.filter(channel=channel, exhausted_until__gt=clock.real_now())
    return dict(rows.values_list("call", "exhausted_until"))
