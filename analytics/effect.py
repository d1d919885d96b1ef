"""What each campaign and journey brought and cost: one row per programme, from kept counts and credited orders."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, DecimalField, F, Q, QuerySet, Sum

from analytics import crediting
from analytics.enums import ProgrammeKind
from analytics.models import Credit, ProgrammeSent, Spend
from campaigns.enums import CouponState
from campaigns.models import Campaign, Coupon
from campaigns.queries import Funnel, funnels
from journeys.models import Journey

MOST = 500
_MONEY = DecimalField(max_digits=18, decimal_places=2)
_COUNTED = Q(order__counts=True)
Key = tuple[str, int]
"""Programme kind and id."""


@dataclass(slots=True)
class Cost:
    """Company currency."""

    messages: Decimal = Decimal(0)
    coupons: Decimal = Decimal(0)
    spend: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.messages + self.coupons + self.spend


@dataclass(slots=True)
class Effect:
    """Revenue is net of refunds; ``converted`` are people, each once."""

    kind: str
    pk: int
    name: str = ""
    state: str = ""
    state_label: str = ""
    sent: int = 0
    bounced: int = 0
    opened: int = 0
    clicked: int = 0
    converted: int = 0
    orders: int = 0
    revenue: Decimal = Decimal(0)
    cost: Cost = field(default_factory=Cost)

    @property
    def delivered(self) -> int:
        return self.sent - self.bounced

    @property
    def click_rate(self) -> float | None:
        return self.clicked / self.delivered if self.delivered else None

    @property
    def order_rate(self) -> float | None:
        return self.converted / self.delivered if self.delivered else None

    @property
    def roi(self) -> float | None:
        """(revenue - cost) / cost, None when nothing was spent."""
        return float((self.revenue - self.cost.total) / self.cost.total) if self.cost.total else None


def programmes(kind: str = "") -> list[Effect]:
    """Every campaign and journey that sent something, earned or cost, most revenue first; the newest MOST of each kind. About
    nine queries, however many there are."""
    found: list[Effect] = []
    if kind in ("", ProgrammeKind.CAMPAIGN):
        rows = Campaign.objects.exclude(state__in=["draft"]).order_by("-pk")[:MOST]
        found += [Effect("campaign", c.pk, c.name, c.state, str(c.get_state_display())) for c in rows]
    if kind in ("", ProgrammeKind.JOURNEY):
        rows = Journey.objects.exclude(state="draft").order_by("-pk")[:MOST]
        found += [Effect("journey", j.pk, j.name, j.state, str(j.get_state_display())) for j in rows]
    fill(found)
    found = [one for one in found if one.sent or one.orders or one.cost.total]
    return sorted(found, key=lambda one: (-one.revenue, -one.sent, one.kind, -one.pk))


def one(kind: str, programme: Campaign | Journey) -> Effect:
    row = Effect(kind, programme.pk, programme.name, programme.state, str(programme.get_state_display()))
    fill([row])
    return row


def fill(rows: list[Effect]) -> None:
    """Read the numbers of the rows."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row.pk)
    numbers = {(kind, pk): found for kind, ids in by_kind.items() for pk, found in funnels(kind, ids).items()}
    earned, costs = _earned(by_kind), _costs(by_kind)
    for row in rows:
        key = (row.kind, row.pk)
        if key in numbers:
            _take(row, numbers[key])
        row.orders, row.converted, row.revenue = earned.get(key, (0, 0, Decimal(0)))
        row.cost = costs.get(key, Cost())


def total(rows: Iterable[Effect]) -> Effect:
    """The foot of the table. People who were won by two programmes count in both rows and so twice here."""
    sums = Effect("", 0)
    for row in rows:
        for name in ("sent", "bounced", "opened", "clicked", "converted", "orders", "revenue"):
            setattr(sums, name, getattr(sums, name) + getattr(row, name))
        for name in ("messages", "coupons", "spend"):
            setattr(sums.cost, name, getattr(sums.cost, name) + getattr(row.cost, name))
    return sums


def credited(kind: str, pk: int) -> QuerySet[Credit]:
    """The orders behind ``orders`` and ``revenue``."""
    return Credit.objects.filter(_COUNTED, origin=kind, origin_id=pk)


def _take(row: Effect, found: Funnel) -> None:
    row.sent, row.opened, row.clicked, row.bounced = found.sent, found.opened, found.clicked, found.bounced


def _within(by_kind: dict[str, list[int]]) -> Q:
    wanted = Q(pk__in=[])
    for kind, ids in by_kind.items():
        wanted |= Q(origin=kind, origin_id__in=ids)
    return wanted


def _earned(by_kind: dict[str, list[int]]) -> dict[Key, tuple[int, int, Decimal]]:
    rows = Credit.objects.filter(_within(by_kind), _COUNTED).order_by().values_list("origin", "origin_id")
    rows = rows.annotate(
        orders=Count("pk"),
        people=Count("contact_id", distinct=True),
        net=Sum(F("order__total") - F("order__refunded"), output_field=_MONEY),
    )
    return {(kind, pk): (orders, people, net) for kind, pk, orders, people, net in rows}


def _costs(by_kind: dict[str, list[int]]) -> dict[Key, Cost]:
    found: dict[Key, Cost] = defaultdict(Cost)
    prices = {channel: held.price for channel, held in crediting.terms().items()}
    rows = ProgrammeSent.objects.filter(_within(by_kind))
    for kind, pk, channel, number in rows.values_list("origin", "origin_id", "channel", "count"):
        found[kind, pk].messages += number * prices.get(channel, Decimal(0))
    used = Coupon.objects.filter(_within(by_kind), state=CouponState.REDEEMED).order_by()
    for kind, pk, value in used.values_list("origin", "origin_id").annotate(value=Sum("batch__value")):
        found[kind, pk].coupons += value
    entered = Spend.objects.filter(_within(by_kind)).order_by().values_list("origin", "origin_id")
    for kind, pk, amount in entered.annotate(total=Sum("amount")):
        found[kind, pk].spend += amount
    return found
