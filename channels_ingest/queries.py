"""Shared reads of the channels room."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, QuerySet, Sum

from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.enums import DeliveryState, Kind
from channels_ingest.models import BadInput, Channel, ChannelToken, Delivery, Quota
from channels_ingest.quota import today
from contacts.models import PoisonEvent
from scrm.lib import clock

LOOK_BACK_DAYS = 7
"""Refused input older than this is no longer counted on the pages."""
_HARMLESS = {"unknown_event"}


@dataclass
class Health:
    """One account on one screen. Times are real time."""

    channel: Channel
    waiting: int = 0
    oldest_at: datetime | None = None
    dead: int = 0
    refused: int = 0
    """Refused input of the last days, without shapes that were kept."""
    token: ChannelToken | None = None
    bad: list[BadInput] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)

    @property
    def looks(self) -> str:
        """channels of contacts.enums.ChannelKind, for the tile."""
        return CONNECTORS[self.channel.kind].channel_kind

    @property
    def hears(self) -> bool:
        return CONNECTORS[self.channel.kind].parse is not None

    @property
    def speaks(self) -> bool:
        return CONNECTORS[self.channel.kind].open is not None

    @property
    def silent(self) -> bool:
        """Nothing ever came in by an account that should hear something."""
        return self.hears and self.channel.last_callback_at is None and not self.waiting

    @property
    def last_callback_at(self) -> datetime | None:
        return self.channel.last_callback_at


def channel_health(rows: QuerySet[Channel] | None = None) -> list[Health]:
    """Health of every account, in a constant number of queries."""
    found = {row.pk: Health(row) for row in (Channel.objects.all() if rows is None else rows)}
    states = [DeliveryState.PENDING, DeliveryState.DEAD]
    counts = Delivery.objects.filter(channel__in=found, state__in=states).values("channel_id", "state")
    for row in counts.annotate(n=Count("id"), oldest=Min("received_at")):
        health = found[row["channel_id"]]
        if row["state"] == DeliveryState.PENDING:
            health.waiting, health.oldest_at = row["n"], row["oldest"]
        else:
            health.dead = row["n"]
    bad = BadInput.objects.filter(channel__in=found, day__gte=_since()).exclude(reason__in=_HARMLESS)
    for channel_id, total in bad.values_list("channel_id").annotate(n=Sum("count")):
        found[channel_id].refused = total
    for token in ChannelToken.objects.filter(channel__in=found).defer("value"):
        found[token.channel_id].token = token
    return list(found.values())


def one_health(channel: Channel) -> Health:
    """The same with the details of one account's page."""
    health = channel_health(Channel.objects.filter(pk=channel.pk))[0]
    health.bad = bad_inputs(channel)
    health.quotas = list(Quota.objects.filter(channel=channel, day=today()).order_by("call"))
    return health


def bad_inputs(channel: Channel | None) -> list[BadInput]:
    """Refused input of the last days by reason, newest day first; each with ``shown`` samples. None: nobody's account."""
    rows = BadInput.objects.filter(channel=channel, day__gte=_since()).annotate(shown=Count("samples"))
    return list(rows.order_by("-day", "reason"))


def sending_accounts() -> dict[str, list[Channel]]:
    """Accounts that can send now, by contacts.enums.ChannelKind."""
    found: dict[str, list[Channel]] = defaultdict(list)
    for channel in Channel.objects.active():
        connector = CONNECTORS[channel.kind]
        if connector.open is not None:
            found[connector.channel_kind].append(channel)
    return dict(found)


def write_keys() -> list[str]:
    """Public write keys of the web sites, oldest first."""
    return list(Channel.objects.active().filter(kind=Kind.WEB).values_list("token", flat=True))


def set_aside_counts() -> dict[str, int]:
    """Deliveries and events that wait for a person."""
    return {
        "dead": Delivery.objects.dead().count(),
        "poison": PoisonEvent.objects.filter(replayed_at=None).count(),
    }


def _since() -> date:
    return (clock.real_now() - timedelta(days=LOOK_BACK_DAYS)).date()
