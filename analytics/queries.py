"""Reads of the overview, all from roll-ups: the cost does not grow with contacts or events."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Sum

from analytics.metrics import METRICS, Metric
from analytics.models import DailyCount, ProgrammeCount
from campaigns.models import Campaign
from contacts.enums import ChannelKind, Stage
from journeys.models import Journey
from scrm.core.models import Company
from scrm.lib import clock

TELLS_OPENS = {ChannelKind.EMAIL}
"""Channels that can say whether a message was opened; for the others a rate of opens would always be 0."""
PERIODS = {"7": 7, "30": 30, "90": 90}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the strip: the period's sum, the sum of the period before, and the values by day."""

    metric: Metric
    name: str
    value: int
    before: int
    days: list[int]
    hint: str = ""

    @property
    def change(self) -> float | None:
        """Relative change to the period before, None when there is nothing to compare with."""
        return (self.value - self.before) / self.before if self.before else None


@dataclass(frozen=True, slots=True)
class Period:
    first: date
    last: date

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> "Period":
        length = self.last - self.first + timedelta(days=1)
        return Period(self.first - length, self.last - length)


def today() -> date:
    """Company-local business date."""
    return clock.now().astimezone(ZoneInfo(Company.zone())).date()


def period(days: int) -> Period:
    last = today()
    return Period(last - timedelta(days=days - 1), last)


@dataclass(frozen=True, slots=True)
class Counts:
    """(day, metric, channel, detail, count) rows of two adjacent periods, read once for the whole page."""

    rows: list[tuple[date, str, str, str, int]]
    period: Period

    def total(self, metric: str, *, channel: str = "", detail: str = "", before: bool = False) -> int:
        window = self.period.before if before else self.period
        return sum(
            count
            for day, key, via, what, count in self.rows
            if key == metric
            and window.first <= day <= window.last
            and (not channel or via == channel)
            and (not detail or what == detail)
        )

    def by_day(self, metric: str, *, channel: str = "", detail: str = "") -> list[int]:
        sums = dict.fromkeys(self.period.days, 0)
        for day, key, via, what, count in self.rows:
            if key == metric and day in sums and (not channel or via == channel) and (not detail or what == detail):
                sums[day] += count
        return list(sums.values())

    def split(self, metric: str, by: str) -> dict[str, int]:
        """Sums of the period by ``channel`` or ``detail``, largest first."""
        place = {"channel": 2, "detail": 3}[by]
        sums: dict[str, int] = {}
        for row in self.rows:
            if row[1] == metric and self.period.first <= row[0] <= self.period.last:
                sums[row[place]] = sums.get(row[place], 0) + row[4]
        return dict(sorted(sums.items(), key=lambda item: -item[1]))


def counts(window: Period) -> Counts:
    rows = DailyCount.objects.filter(day__gte=window.before.first, day__lte=window.last)
    return Counts(list(rows.values_list("day", "metric", "channel", "detail", "count")), window)


def figures(data: Counts) -> list[Figure]:
    """The strip of the overview."""

    def figure(key: str, name: str = "", detail: str = "", hint: str = "") -> Figure:
        metric = METRICS[key]
        return Figure(
            metric,
            str(name or metric.name),
            data.total(key, detail=detail),
            data.total(key, detail=detail, before=True),
            data.by_day(key, detail=detail),
            hint,
        )

    return [
        figure("followed"),
        figure("inbound"),
        figure("stage", str(Stage.PROSPECT.label), detail=Stage.PROSPECT),
        figure("sent"),
        figure("held"),
        figure("suppressed"),
        figure("opened"),
        figure("clicked"),
    ]


def channel_rows(data: Counts) -> list[dict[str, object]]:
    """One row per channel that had traffic: sent, held, not sent, failed, opened, clicked and the rates of delivered."""
    keys = ("inbound", "sent", "held", "suppressed", "failed", "opened", "clicked")
    split = {key: data.split(key, "channel") for key in keys}
    rows = []
    for channel in ChannelKind:
        numbers = {key: split[key].get(channel.value, 0) for key in keys}
        if any(numbers.values()):
            rates = _rates(numbers)
            if channel not in TELLS_OPENS:
                rates["open_rate"] = None
            rows.append({"channel": channel.value, "label": channel.label, **numbers, **rates})
    return sorted(rows, key=lambda row: -row["sent"])


def _rates(numbers: dict[str, int]) -> dict[str, float | None]:
    sent = numbers["sent"]
    return {
        "open_rate": numbers["opened"] / sent if sent else None,
        "click_rate": numbers["clicked"] / sent if sent else None,
    }


def programme_rows(limit: int = 8) -> list[dict[str, object]]:
    """Running journeys and the latest campaigns with their life-time counts; two queries for rows, one for counts."""
    journeys = list(Journey.objects.filter(state__in=["live", "paused"]).order_by("-id")[:limit])
    campaigns = list(Campaign.objects.exclude(state__in=["draft", "cancelled"]).order_by("-created_at", "-id")[:limit])
    found: dict[tuple[str, int], dict[str, int]] = {}
    wanted = ProgrammeCount.objects.filter(origin="journey", origin_id__in=[row.pk for row in journeys]) | (
        ProgrammeCount.objects.filter(origin="campaign", origin_id__in=[row.pk for row in campaigns])
    )
    for origin, origin_id, metric, count in wanted.values_list("origin", "origin_id", "metric", "count"):
        found.setdefault((origin, origin_id), {})[metric] = count
    rows = []
    for origin, programmes in (("journey", journeys), ("campaign", campaigns)):
        for programme in programmes:
            numbers = dict.fromkeys(("sent", "held", "suppressed", "opened", "clicked"), 0) | found.get(
                (origin, programme.pk), {}
            )
            rates = _rates(numbers)
            if origin == "journey":
                rates["open_rate"] = (
                    None  # its chat messages cannot tell opens, and the counts do not part the channels
                )
            rows.append({"origin": origin, "programme": programme, **numbers, **rates})
    return rows


def followers_now() -> int:
    """Net followers since the beginning of the log: follows less unfollows."""
    sums = (
        DailyCount.objects.filter(metric__in=["followed", "unfollowed"]).values("metric").annotate(total=Sum("count"))
    )
    totals = {row["metric"]: row["total"] for row in sums}
    return totals.get("followed", 0) - totals.get("unfollowed", 0)


def computed_at() -> datetime:
    return clock.now()
