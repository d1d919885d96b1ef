"""One contact's events as pages of lines under day headings, newest first, by keyset (occurred_at, id)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count, Q
from django.utils.timezone import localtime

from contacts import lines
from contacts.enums import ChannelKind
from contacts.log.orders import KINDS
from contacts.models import Contact, Event, Order
from scrm.core.models import User

PAGE = 30


@dataclass(frozen=True)
class Entry:
    event: Event
    line: lines.Line
    order: int | None = None
    """The order's key, when the line is about one."""

    @property
    def channel_label(self) -> str:
        return str(ChannelKind(self.channel).label)

    @property
    def channel(self) -> str:
        """A channel the pages know an icon for."""
        return self.event.channel if self.event.channel in ChannelKind.values else ChannelKind.SYS.value


@dataclass
class Day:
    day: date
    moment: datetime
    continued: bool
    """The heading stands on the page before already."""
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Slice:
    days: list[Day]
    after: str
    """Position for the next page, empty at the end: ``<microseconds>-<event id>-<ISO day>``."""

    @property
    def empty(self) -> bool:
        return not self.days


def read(
    contact: Contact, *, group: str, channel: str, after: str, show_points: bool, people: Sequence[User] = ()
) -> Slice:
    """One page of the timeline; an unreadable position starts at the top. One query on (contact, occurred_at), and one for
    colleagues that events name and who are not among ``people``."""
    events = narrowed(contact, group, channel)
    last_day = None
    if place := _place(after):
        moment, event_id, last_day = place
        events = events.filter(
            Q(occurred_at__lt=moment) | Q(occurred_at=moment, id__lt=event_id), occurred_at__lte=moment
        )
    found = list(events.order_by("-occurred_at", "-id")[: PAGE + 1])
    shown = found[:PAGE]
    more = _position(shown[-1]) if len(found) > PAGE else ""
    return Slice(_by_day(shown, last_day, show_points, people), more)


def narrowed(contact: Contact, group: str, channel: str):
    events = Event.objects.filter(contact_id=contact.pk).exclude(kind=lines.RAW_REPORT)
    if group in lines.GROUPS:
        kinds = Q(kind__in=lines.kinds_in(group))
        events = events.filter(kinds | Q(kind__startswith="track:") if group == "browsing" else kinds)
    if channel:
        events = events.filter(channel=channel)
    return events


def tally(contact: Contact, whole: Slice | None = None) -> tuple[Counter[str], Counter[str]]:
    """How many events per group and per channel. One query over the contact's events, none when they are all on the page
    (``whole``)."""
    groups: Counter[str] = Counter()
    channels: Counter[str] = Counter()
    if whole is not None:
        rows = [(entry.event.kind, entry.event.channel, 1) for day in whole.days for entry in day.entries]
    else:
        rows = narrowed(contact, "", "").values_list("kind", "channel").annotate(n=Count("id")).order_by()
    for kind, channel, number in rows:
        groups[lines.group_of(kind)] += number
        channels[channel] += number
    return groups, channels


def _by_day(events: Sequence[Event], last_day: date | None, show_points: bool, people: Sequence[User]) -> list[Day]:
    names, orders = _names(events, people), _orders(events)
    days: list[Day] = []
    for event in events:
        moment = localtime(event.occurred_at)
        if not days or days[-1].day != moment.date():
            days.append(Day(moment.date(), moment, moment.date() == last_day))
        told = event.properties if isinstance(event.properties, dict) else {}
        if told.get("by") in names:
            told = {**told, "by_name": names[told["by"]]}
        line = lines.describe(event.kind, told, show_points=show_points)
        days[-1].entries.append(Entry(event, line, orders.get((event.account_id, str(told.get("order_id", ""))))))
    return days


def _names(events: Sequence[Event], people: Sequence[User]) -> dict[int, str]:
    """Colleagues that events name by id. One query, none when all are known."""
    known = {user.pk: user.name for user in people}
    ids = {
        by
        for event in events
        if isinstance(event.properties, dict) and isinstance(by := event.properties.get("by"), int)
    }
    missing = ids - known.keys()
    return known | (dict(User.objects.filter(pk__in=missing).values_list("id", "name")) if missing else {})


def _orders(events: Sequence[Event]) -> dict[tuple[int, str], int]:
    """Orders that events are about, by account and number. One query, none when there are none."""
    told = {
        (event.account_id, str(event.properties["order_id"]))
        for event in events
        if event.kind in KINDS and isinstance(event.properties, dict) and event.properties.get("order_id")
    }
    if not told:
        return {}
    rows = Order.objects.filter(account_id__in={a for a, _n in told}, external_id__in={n for _a, n in told})
    return {(account, number): pk for account, number, pk in rows.values_list("account_id", "external_id", "id")}


def _position(event: Event) -> str:
    return f"{event.occurred_at.timestamp():.6f}_{event.id}_{localtime(event.occurred_at).date().isoformat()}"


def _place(after: str) -> tuple[datetime, int, date] | None:
    seconds, _bar, rest = after.partition("_")
    event_id, _bar, day = rest.partition("_")
    try:
        return datetime.fromtimestamp(float(seconds), localtime().tzinfo), int(event_id), date.fromisoformat(day)
    except (ValueError, OverflowError, OSError):
        return None
