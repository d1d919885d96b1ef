"""What the gates know beside the database rows: channel rules of the platforms, and the accounts, contents and zones
of one batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

import orjson

from campaigns.enums import ContentState
from campaigns.models import Content, Variant
from campaigns.sending import quiet_hours
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.enums import State as ChannelState
from channels_ingest.models import Channel
from contacts.enums import ChannelKind, Purpose
from scrm.core.models import Company
from scrm.lib.regions import time_zone as region_zone

CAP_DAYS = {"day": 1, "week": 7, "month": 30}
"""Rolling windows of Company.caps, in days."""
NEEDS_YES = [ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.CALL]
"""Marketing needs a consent given beforehand; elsewhere following is the consent, until it is withdrawn."""


@dataclass(frozen=True, slots=True)
class ReplyWindow:
    """How long and for how many messages an act of the person opens the channel."""

    message_seconds: int
    message_limit: int
    touch_seconds: int
    touch_limit: int


REPLY_WINDOWS = {
    # Customer-service messages of an Official Account: 48 h and 5 after a message of the person, 1 min and 3 after a follow,
    # scan or menu click (WeChat, "custom/send", error codes 45015 and 45047).
    ChannelKind.OA: ReplyWindow(48 * 3600, 5, 60, 3),
    # Weibo fans service: 48 h after a private message, no documented count.
    ChannelKind.WEIBO: ReplyWindow(48 * 3600, 1000, 0, 0),
    # Douyin: 24 h and 6 after a message, 30 s and 3 on entering the conversation.
    ChannelKind.DOUYIN: ReplyWindow(24 * 3600, 6, 30, 3),
}


@dataclass(frozen=True, slots=True)
class Route:
    """One channel account that can send."""

    account_id: int
    channel: str
    identity_kind: str
    state: str
    default: bool
    """Takes the addresses that belong to no account (mail, phone)."""


@dataclass(frozen=True, slots=True)
class Zone:
    """Quiet hours once per (time zone, region) of the batch."""

    time_zone: str
    region: str
    name: str
    source: str
    """"contact", "region" or "company": where the zone was found."""
    quiet_until: datetime | None


def routes() -> list[Route]:
    """Every account of a kind that can send; one query. Addresses without an account go to the first working one."""
    found: list[Route] = []
    seen: set[str] = set()
    rows = Channel.objects.values_list("id", "kind", "state")
    for pk, kind, state in sorted(rows, key=lambda row: (row[2] != ChannelState.ACTIVE, row[0])):
        connector = CONNECTORS.get(kind)
        if connector is None or connector.open is None:
            continue
        channel = str(connector.channel_kind)
        found.append(Route(pk, channel, str(connector.identity_kind), state, channel not in seen))
        seen.add(channel)
    return found


@dataclass(frozen=True, slots=True)
class Offer:
    """A content has a variant for a channel."""

    content_id: int
    channel: str
    template: bool
    """A platform template: outside of reply windows, never marketing."""


def contents(ids: Iterable[int]) -> tuple[list[tuple[int, bool, list[str]]], list[Offer]]:
    """[(id, approved, tags)] and the channels each has a variant for; two queries."""
    ids = set(ids)
    rows = [
        (pk, state == ContentState.APPROVED, tags)
        for pk, state, tags in Content.objects.filter(pk__in=ids).values_list("pk", "state", "tags")
    ]
    offers = {
        (pk, channel): Offer(pk, channel, bool(template))
        for pk, channel, template in Variant.objects.filter(content_id__in=ids).values_list(
            "content_id", "channel", "data__template_id"
        )
    }
    return rows, list(offers.values())


def company_quiet_hours(company: Company) -> quiet_hours.QuietHours:
    return quiet_hours.daily(company.quiet_start, company.quiet_end)


def zones(pairs: Iterable[tuple[str, str]], company: Company, now: datetime) -> list[Zone]:
    """The zone of each (time zone, region) and until when it is quiet there. A name that is no zone counts as none."""
    hours, known = company_quiet_hours(company), available_timezones()
    ends: dict[str, datetime | None] = {}
    found = []
    for time_zone, region in pairs:
        name, source = time_zone, "contact"
        if name not in known:
            name, source = (region_zone(region) or "") if region else "", "region"
        if name not in known:
            name, source = company.time_zone, "company"
        if name not in ends:
            ends[name] = quiet_hours.release(now, name, hours)
        found.append(Zone(time_zone, region, name, source, ends[name]))
    return found


def cap_limits(company: Company) -> list[tuple[int, int]]:
    """[(days, most messages)] of the company's caps, shortest window first."""
    return [(days, int(company.caps[key])) for key, days in CAP_DAYS.items() if company.caps.get(key) is not None]


def window_values(channel: str) -> tuple[int, int, int, int] | tuple[None, None, None, None]:
    rule = REPLY_WINDOWS.get(ChannelKind(channel))
    return (rule.message_seconds, rule.message_limit, rule.touch_seconds, rule.touch_limit) if rule else (None,) * 4


def look(stage: str, now: datetime, zone: Zone, caps: list[tuple[int, int]]) -> str:
    """JSON of the decision of a message that simply passes: one constant per zone, because a million messages carry it."""
    return orjson.dumps(
        [
            {
                "stage": stage,
                "at": now.isoformat(),
                "zone": zone.name,
                "zone_from": zone.source,
                "reason": "",
                "quiet_until": zone.quiet_until and zone.quiet_until.isoformat(),
                "caps": [{"days": days, "limit": limit, "used": 0} for days, limit in caps],
            }
        ]
    ).decode()


def is_marketing(purpose: str) -> bool:
    return purpose == Purpose.MARKETING
