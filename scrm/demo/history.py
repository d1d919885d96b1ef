"""Half a year of the demo company, replayed day by day through the product's own code: intake, consumers, journeys,
gates, ledger.

Only the platforms are stood in for, by a link that accepts everything, since these customers live nowhere. The
business clock is frozen at each moment of the past; nothing is written around the product, so every figure adds up.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from campaigns import consent
from campaigns.actions import save_campaign, schedule_campaign
from campaigns.enums import State
from campaigns.models import Message
from campaigns.sending import outcomes
from channels_ingest.connectors import registry
from channels_ingest.connectors.base import Receipt
from contacts import intake
from contacts.enums import ChannelKind, ConsentState, EventKind, IdentityKind, Trust
from contacts.intake import Handle, Incoming
from contacts.models import Contact
from scrm.core import pumps
from scrm.demo import catalogue, people
from scrm.demo.company import SCENES, Demo
from scrm.lib import clock

CONTACTS, DAYS, SEED = 2000, 182, 20261121
NOON, NIGHT = time(14, 30), time(22, 30)
"""Moments at which the past is worked off; at night messages are held by the quiet hours."""
ROUND = [
    "consumers",
    "segments",
    "consumers",
    "journeys.advance",
    "launch",
    "dispatch",
    "consumers",
    "journeys.advance",
]
"""Pumps in the order in which one moment's work flows through them."""
ANALYSE = {3, 20, 90}
"""Days after which the planner learns how large the tables have become."""
CAMPAIGNS = [
    (40, "马拉松周提醒", "race"),
    (84, "秋季新品", "autumn"),
    (126, "周末越野活动", "race"),
    (168, "双 11 会员日", "double11"),
]
"""Day, name, content."""


@dataclass
class Person:
    """One made-up customer and what they are inclined to do."""

    number: int
    kind: str
    """follower, visitor or buyer (known by mail only)."""
    day: int
    name: str
    city: str
    region: str
    zone: str
    openid: str = ""
    email: str = ""
    anonymous: str = ""
    talks: bool = False
    orders: int = 0
    leaves: int = 0
    acts: list[tuple[datetime, Incoming]] = field(default_factory=list)


class History:
    def __init__(self, demo: Demo, *, contacts: int = CONTACTS, days: int = DAYS, seed: int = SEED) -> None:
        self.demo, self.days = demo, days
        self.chance = random.Random(seed)
        self.zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
        self.first = clock.now().astimezone(self.zone).date() - timedelta(days=days)
        self.people = [self._person(number, contacts) for number in range(contacts)]
        self.last_message = 0

    def replay(self, say: Callable[[str], object] = lambda line: None) -> int:
        """All of it; answers how many events customers made. ``say`` hears from time to time how far it is."""
        waiting = sorted((act for person in self.people for act in self._life(person)), key=lambda act: act[0])
        told = 0
        with _accepting_platforms():
            for day in range(self.days):
                if day in ANALYSE:
                    _analyse()
                if day and day % max(self.days // 6, 1) == 0:
                    say(f"  day {day} of {self.days}")
                for tick in self._ticks(day):
                    moment = self._moment(self.first + timedelta(days=day), tick)
                    due = []
                    while told < len(waiting) and waiting[told][0] <= moment:
                        due.append(waiting[told][1])
                        told += 1
                    with clock.frozen(moment):
                        self._live(day, tick, due)
        return told

    def _ticks(self, day: int) -> list[time]:
        """Daily, so that whoever wrote is answered inside the 48 hours; at night now and then, so that some is held."""
        return [NOON, NIGHT] if day % 6 == 0 or day > self.days - 10 else [NOON]

    def _live(self, day: int, tick: time, due: list[Incoming]) -> None:
        answers = intake.append(due)
        agreed = [
            answer.contact_id
            for answer, event in zip(answers, due, strict=True)
            if event.kind == EventKind.EMAIL_CONFIRMED and answer.contact_id
        ]
        if agreed:
            consent.record(agreed, ChannelKind.EMAIL, ConsentState.GRANTED, {"how": "double opt-in"})
        if tick == NOON:
            for at, name, content in CAMPAIGNS:
                if at == day:
                    self._campaign(name, content)
        for name in ROUND:
            pump = pumps.pumps()[name]
            while pump.run():
                pass
        self._react()

    def _campaign(self, name: str, content: str) -> None:
        marketer = self.demo.users["marketer@shanye.example"]
        campaign = save_campaign(
            campaign=None,
            name=name,
            segment=self.demo.segments["可邮件联系"],
            content=self.demo.contents[content],
            channels=["email", "oa"] if content != "race" else ["email"],
            starts_at=None,
            expires_after_hours=72,
            by=marketer,
        )
        schedule_campaign(campaign=campaign, by=marketer)

    def _react(self) -> None:
        """People open and click what came since the last look."""
        now, events = clock.now(), []
        rows = (
            Message.objects.filter(pk__gt=self.last_message - 2000, state=State.SENT, sent_at=now)
            .select_related("content")
            .order_by("pk")
        )
        for message in rows:
            self.last_message = max(self.last_message, message.pk)
            outcome = outcomes.Outcome(*(getattr(message, name) for name in outcomes.Outcome.COLUMNS))
            reads = self.chance.random() < (0.42 if message.channel == ChannelKind.EMAIL else 0.7)
            if reads and message.channel == ChannelKind.EMAIL:
                events.append(self._own(EventKind.MESSAGE_OPENED, message, outcome, now))
            if reads and self.chance.random() < 0.33:
                events.append(self._own(EventKind.MESSAGE_CLICKED, message, outcome, now))
        if events:
            intake.append_own(events)

    def _own(self, kind: EventKind, message: Message, outcome: outcomes.Outcome, now: datetime) -> Incoming:
        return Incoming(
            kind=kind.value,
            channel=message.channel,
            occurred_at=now + timedelta(minutes=self.chance.randint(1, 240)),
            account_id=message.account_id,
            contact_id=message.contact_id,
            properties=outcomes.properties(outcome, content_name=message.content.name),
        )

    def _person(self, number: int, contacts: int) -> Person:
        share = number / contacts
        kind = "follower" if share < 0.78 else "visitor" if share < 0.93 else "buyer"
        city, region, zone = people.home(self.chance)
        # More and more of them: the company grows.
        day = int(self.days * (self.chance.random() ** 0.72))
        person = Person(number, kind, min(day, self.days - 1), people.name(self.chance), city, region, zone)
        if kind == "follower":
            person.openid = people.openid(self.chance)
            person.talks = self.chance.random() < 0.62
            person.orders = self.chance.choices([0, 1, 2, 3, 5], [60, 22, 10, 5, 3])[0]
            if self.chance.random() < 0.38:
                person.email = people.email(self.chance, number)
            if self.chance.random() < 0.06:
                person.leaves = self.chance.randint(2, 60)
        elif kind == "visitor":
            person.anonymous = f"demo-visitor-{number}"
        else:
            person.email = people.email(self.chance, number)
            person.orders = self.chance.choices([1, 2, 4], [70, 22, 8])[0]
        return person

    def _life(self, person: Person) -> Iterator[tuple[datetime, Incoming]]:
        """What one person does, in no order."""
        begin = self._some_time(person.day)
        if person.kind == "follower":
            yield from self._follower(person, begin)
        elif person.kind == "visitor":
            yield from self._looks(person, begin, self.chance.randint(1, 5))
        else:
            yield self._confirms(person, begin)
        for _number in range(person.orders):
            at = begin + timedelta(days=self.chance.expovariate(1 / 30) + 0.3)
            yield self._order(person, at)

    def _follower(self, person: Person, begin: datetime) -> Iterator[tuple[datetime, Incoming]]:
        scene, label = self.chance.choices(SCENES, [8, 5, 4, 3, 2])[0]
        source = {"kind": "qr_scene", "label": label, "account_id": self.demo.oa.pk}
        yield self._act(person, begin, EventKind.FOLLOWED, {"scene": scene, "scene_label": label}, source=source)
        if person.talks:
            named = {"name": person.name, "city": person.city, "region": person.region, "time_zone": person.zone}
            text = self.chance.choice(people.WORDS)
            yield self._act(
                person, begin + timedelta(minutes=2), EventKind.MESSAGE_IN, {"type": "text", "text": text}, traits=named
            )
            for _more in range(self.chance.randint(0, 3)):
                at = begin + timedelta(days=self.chance.random() * 60)
                yield self._act(
                    person, at, EventKind.MESSAGE_IN, {"type": "text", "text": self.chance.choice(people.WORDS)}
                )
        if self.chance.random() < 0.4:
            yield from self._looks(person, begin + timedelta(hours=1), self.chance.randint(1, 6))
        if person.email:
            yield self._confirms(person, begin + timedelta(days=self.chance.random() * 14 + 0.2))
        if person.leaves:
            yield self._act(person, begin + timedelta(days=person.leaves), EventKind.UNFOLLOWED, {})

    def _looks(self, person: Person, begin: datetime, days: int) -> Iterator[tuple[datetime, Incoming]]:
        """Product views on some days; a few people come back three days in a row."""
        eager = self.chance.random() < 0.12
        for number in range(max(days, 3) if eager else days):
            at = begin + timedelta(days=number if eager else number * self.chance.randint(1, 9))
            products = catalogue.PRODUCTS[:6] if eager else catalogue.PRODUCTS
            weights = catalogue.WEIGHTS[: len(products)]
            for product in self.chance.choices(products, weights, k=self.chance.randint(1, 3)):
                at += timedelta(minutes=self.chance.randint(1, 6))
                yield self._act(person, at, EventKind.PRODUCT_VIEWED, catalogue.viewed(product), web=True)

    def _confirms(self, person: Person, at: datetime) -> tuple[datetime, Incoming]:
        named = {"name": person.name, "city": person.city, "region": person.region, "time_zone": person.zone}
        return self._act(
            person, at, EventKind.EMAIL_CONFIRMED, {"form": "会员登记"}, web=True, traits=named, with_email=True
        )

    def _order(self, person: Person, at: datetime) -> tuple[datetime, Incoming]:
        chosen = self.chance.choices(catalogue.PRODUCTS, catalogue.WEIGHTS, k=self.chance.choice([1, 1, 1, 2, 3]))
        lines = [{"sku": sku, "name": name, "quantity": 1, "price": price} for sku, name, _category, price in chosen]
        number = f"SY{at:%y%m%d}{self.chance.randint(10**6, 10**7 - 1)}"
        facts = {
            "order_id": number,
            "total": str(sum(line["price"] for line in lines)),
            "currency": "CNY",
            "quantity": len(lines),
            "lines": lines,
        }
        return self._act(
            person, at, EventKind.ORDER_PAID, facts, web=True, with_email=not person.openid, external=number
        )

    def _act(
        self,
        person: Person,
        at: datetime,
        kind: EventKind,
        properties: dict,
        *,
        web: bool = False,
        traits: dict | None = None,
        source: dict | None = None,
        with_email: bool = False,
        external: str = "",
    ) -> tuple[datetime, Incoming]:
        handles = []
        if person.openid:
            handles.append(Handle(IdentityKind.OPENID.value, person.openid, self.demo.oa.pk, Trust.VERIFIED))
        if person.anonymous:
            handles.append(Handle(IdentityKind.ANONYMOUS.value, person.anonymous, self.demo.web.pk, Trust.OBSERVED))
        if with_email:
            handles.append(Handle(IdentityKind.EMAIL.value, person.email, 0, Trust.VERIFIED))
        return at, Incoming(
            kind=kind.value,
            channel=ChannelKind.WEB.value if web else ChannelKind.OA.value,
            occurred_at=at,
            account_id=self.demo.web.pk if web else self.demo.oa.pk,
            external_id=external,
            handles=tuple(handles),
            properties=properties,
            traits=traits or {},
            source=source,
        )

    def _some_time(self, day: int) -> datetime:
        """A moment of the day at which people are awake, more often in the evening."""
        hour = self.chance.choices(range(7, 24), [1, 2, 3, 4, 4, 5, 5, 4, 3, 3, 4, 5, 6, 8, 9, 7, 3])[0]
        return self._moment(
            self.first + timedelta(days=day), time(hour, self.chance.randint(0, 59), self.chance.randint(0, 59))
        )

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone)


def give_owners(demo: Demo) -> None:
    """A third of the known customers belong to the two salespeople."""
    for email, remainder in (("sales@shanye.example", 0), ("sales2@shanye.example", 3)):
        user = demo.users[email]
        mine = Contact.objects.living().filter(known=True, pk__in=_every(6, remainder))
        mine.update(owner=user, team=user.team)


def _every(step: int, remainder: int) -> list[int]:
    return [pk for pk in Contact.objects.living().values_list("pk", flat=True) if pk % step == remainder]


def _analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


class _Accepting:
    """Stands in for a platform's link: takes everything."""

    def __enter__(self) -> "_Accepting":
        return self

    def __exit__(self, *_error: object) -> None:
        return None

    def send(self, address: str, rendered: object, key: str) -> Receipt:
        return Receipt(f"demo-{key}")


@contextmanager
def _accepting_platforms() -> Iterator[None]:
    kept = dict(registry.CONNECTORS)
    for kind, connector in kept.items():
        if connector.open is not None:
            registry.CONNECTORS[kind] = replace(connector, open=lambda _channel: _Accepting())
    try:
        yield
    finally:
        registry.CONNECTORS.update(kept)
