"""The guided script "your first ten minutes": steps whose state is read from the record, each with what to do and what to see."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from scrm.lib import clock
from scrm.sandbox import chat, mailbox, store


@dataclass(frozen=True)
class Facts:
    """What happened to this customer so far; times are business seconds."""

    acts: dict[str, float]
    """Kind of act -> when it was done first."""
    arrived: tuple[float, ...]
    """When messages and mails came that were not passive replies."""
    greeted: bool
    refused: bool
    shoe_days: tuple[str, ...]
    confirmed: float | None
    visited: frozenset[str]
    link: str
    confirm_mail: int | None
    told: dict[str, str]
    """Kinds of events in the product's log -> the product's page of the first one."""

    def came_after(self, moment: float | None) -> bool:
        return moment is not None and any(at >= moment for at in self.arrived)


@dataclass(frozen=True)
class Button:
    """``do`` is read by script.js: act, clock, open, tab, mail, say or visit."""

    label: Any
    do: str
    value: str = ""
    icon: str = "player-play"


@dataclass(frozen=True)
class Step:
    key: str
    title: Any
    text: Any
    see: Any
    done: Callable[[Facts], bool]
    buttons: Callable[[Facts], list[Button]]
    counter: Callable[[Facts], str] = lambda facts: ""


def _fixed(*buttons: Button) -> Callable[[Facts], list[Button]]:
    return lambda facts: list(buttons)


def _night() -> bool:
    """Whether it is the company's usual quiet time, 22:00 to 08:00."""
    hour = timezone.localtime(clock.now()).hour
    return hour >= 22 or hour < 8


_ANSWER = "2 越野，叫我知微就好"
_HALF = Button(_("+30 minutes"), "clock", "+30m", "player-track-next")
_MORNING = Button(_("To 08:00"), "clock", "08:00", "sunrise")
_FOLLOW = Button(_("Scan and follow"), "act", "follow", "qrcode")
_SAY = Button(_("Answer"), "say", "", "message-2")


def _waiting(facts: Facts) -> list[Button]:
    return [_MORNING, _HALF] if _night() else [_HALF, _MORNING]


def _looking(facts: Facts) -> list[Button]:
    look = Button(_("Look at a shoe"), "shoe", "", "shopping-bag")
    day = Button(_("+1 day"), "clock", "+1d", "player-track-next")
    today = timezone.localtime(clock.now()).date().isoformat()
    return [day, look] if today in facts.shoe_days else [look, day]


def _why(kind: str) -> Callable[[Facts], list[Button]]:
    """To the page of the message that was held or not sent, once the product told of it."""

    def buttons(facts: Facts) -> list[Button]:
        return [
            Button(_("Open the message in the product"), "visit", facts.told.get(kind) or "/messages/", "external-link")
        ]

    return buttons


def _morning(facts: Facts) -> list[Button]:
    minutes = Button(_("+15 minutes"), "clock", "+15m", "player-track-next")
    return [_MORNING, *(_why("message_held")(facts) if "message_held" in facts.told else []), minutes]


def _visit(label: Any, path: str) -> Callable[[Facts], list[Button]]:
    return _fixed(Button(label, "visit", path, "external-link"))


FOLLOW = Step(
    "follow",
    _("Follow"),
    _("You are a passer-by. Scan the QR code in the shop window and follow the account."),
    _(
        "Within two seconds: a contact with the source “scene QR code”, stage prospect, in the journey “Welcome”. "
        "The greeting comes at once and asks something."
    ),
    lambda facts: "follow" in facts.acts,
    _fixed(_FOLLOW),
)
ROAD = [
    FOLLOW,
    Step(
        "answer",
        _("Answer"),
        _("Answer the greeting, in the phone or with the button."),
        _("A message of the customer opens a window of 48 hours and 5 messages."),
        lambda facts: "text" in facts.acts,
        _fixed(_SAY),
    ),
    Step(
        "welcome",
        _("Welcome message"),
        _("Move the business clock on by half an hour. At night press “To 08:00” as well."),
        _(
            "The welcome message comes with the name, a personal link and a way to opt out. "
            "Between 22:00 and 08:00 it waits, and its page says so."
        ),
        lambda facts: facts.came_after(facts.acts.get("follow")),
        _waiting,
    ),
    Step(
        "open",
        _("Open the link"),
        _("Press the link in the message. It opens the shop in the phone."),
        _(
            "A click on the timeline. The shop's visitor now carries the personal link, which is only a hint of who it is."
        ),
        lambda facts: "open" in facts.acts,
        lambda facts: [Button(_("Open the link"), "open", facts.link, "link")] if facts.link else [],
    ),
    Step(
        "days",
        _("Three days of shoes"),
        _("Look at running shoes on three consecutive days: one shoe, one day on, and again."),
        _("Product views of an unknown visitor, told by the tracker in the shop."),
        lambda facts: len(facts.shoe_days) >= 3,
        _looking,
        lambda facts: f"{min(len(facts.shoe_days), 3)} / 3",
    ),
    Step(
        "form",
        _("Leave an e-mail"),
        _("Leave your e-mail address in the shop's form for the coupon."),
        _("The address is only claimed: a mail asks for confirmation before anything else is sent to it."),
        lambda facts: "email" in facts.acts,
        _fixed(Button(_("To the form"), "shop", "/shop/coupon/", "forms")),
    ),
    Step(
        "confirm",
        _("Confirm the address"),
        _("Open the mail, follow its link, and say that the follower is you."),
        _("Visitor and follower become one contact; the merge shows its evidence."),
        lambda facts: facts.confirmed is not None,
        lambda facts: [Button(_("Open the mail"), "mail", str(facts.confirm_mail or ""), "mail-opened")],
    ),
    Step(
        "coupon",
        _("The coupon"),
        _("Wait a moment. At night it waits for the morning: press “To 08:00”."),
        _("A 20-yuan coupon by the first channel that can reach the customer."),
        lambda facts: facts.came_after(facts.confirmed),
        lambda facts: [_MORNING] if _night() else [],
    ),
    Step(
        "segment",
        _("A segment"),
        _("As the marketer: build a segment with nested conditions and watch its live count."),
        _("The count follows every change; sales see only their own customers in it."),
        lambda facts: "segment" in facts.visited,
        _visit(_("Segments"), "/contacts/segments/"),
    ),
    Step(
        "campaign",
        _("A mail"),
        _("Write a mail with merge fields to the segment, check who gets it and why, and send it."),
        _(
            "Who gets it, who is held until when, who not and why. Then sent, opened and clicked as you open it on the phone."
        ),
        lambda facts: "campaign" in facts.visited,
        _visit(_("Campaigns"), "/campaigns/"),
    ),
    Step(
        "journey",
        _("Version 2"),
        _("Open the journey “Welcome”, add a step, dry-run it for this customer and publish."),
        _("People inside stay on version 1; who follows from now on runs version 2."),
        lambda facts: "journey" in facts.visited,
        _visit(_("Journeys"), "/journeys/"),
    ),
    Step(
        "overview",
        _("The overview"),
        _("As the manager: followers, prospects, sent, held, suppressed, opened and clicked."),
        _("What you just played is in the figures."),
        lambda facts: "overview" in facts.visited,
        _visit(_("Overview"), "/overview/"),
    ),
]
SILENT = [
    Step(
        "day",
        _("By day"),
        _("Set the clock to 10:00, so that quiet hours do not matter."),
        _("Business time moves everywhere at once."),
        lambda facts: "clock" in facts.acts or "follow" in facts.acts,
        _fixed(Button(_("To 10:00"), "clock", "10:00", "sun")),
    ),
    FOLLOW,
    Step(
        "silence",
        _("Say nothing"),
        _("Do not answer the greeting. Move the clock on by half an hour."),
        _("A follow opens three messages within one minute only. Half an hour later the gate says “window closed”."),
        lambda facts: facts.acts.get("clock_after_follow") is not None,
        _fixed(_HALF),
    ),
    Step(
        "fallback",
        _("The fall-back"),
        _("Open the message in the product: its page shows the decision and its reason."),
        _("The journey's fall-back branch acts: look for it in the log, and on the customer's timeline."),
        lambda facts: "fallback" in facts.visited,
        _why("message_suppressed"),
    ),
]
NIGHT = [
    Step(
        "evening",
        _("In the evening"),
        _("Set the clock to 21:45."),
        _("Quiet hours begin at 22:00 in the customer's time zone."),
        lambda facts: "clock" in facts.acts or "follow" in facts.acts,
        _fixed(Button(_("To 21:45"), "clock", "21:45", "moon")),
    ),
    FOLLOW,
    ROAD[1],
    Step(
        "held",
        _("Half an hour later"),
        _("Move the clock on by half an hour: it is 22:15 now."),
        _("The welcome message is held until 08:00. Its page says until when and why."),
        lambda facts: facts.acts.get("clock_after_follow") is not None,
        _fixed(_HALF),
    ),
    Step(
        "morning",
        _("In the morning"),
        _("Go to 08:00."),
        _("The message comes, spread over the first minutes after the quiet hours."),
        lambda facts: facts.came_after(facts.acts.get("clock_after_follow")),
        _morning,
    ),
]
CHAPTERS = {
    "road": (_("Your first ten minutes"), _("From a follow to the right message at a decent hour"), ROAD),
    "silent": (_("The customer never answers"), _("The window is closed, the fall-back branch acts"), SILENT),
    "night": (_("Late in the evening"), _("After 22:00 the message waits for 08:00"), NIGHT),
}


def facts_of(who: sqlite3.Row, product: list[dict[str, Any]]) -> Facts:
    openid = who["openid"]
    acts: dict[str, float] = {}
    visited, confirmed = set(), None
    for row in store.rows("select kind, detail, at from act where openid = ? order by id", openid):
        kind = row["kind"]
        if kind.startswith("script:"):
            visited.add(kind.removeprefix("script:"))
        if kind == "open" and "/c/" in row["detail"]:
            confirmed, kind = confirmed or row["at"], "confirm"
        if kind == "clock" and "follow" in acts:
            acts.setdefault("clock_after_follow", row["at"])
        acts.setdefault(kind, row["at"])
    told = next((item for item in product if item.get("kind") == "email_confirmed"), None)
    pages: dict[str, str] = {}
    for item in product:
        pages.setdefault(str(item.get("kind")), str(item.get("url") or ""))
    if product:
        confirmed = datetime.fromisoformat(str(told["at"])).timestamp() if told else None
    came = [
        row[0] for row in store.rows("select at from chat where openid = ? and via in ('custom', 'template')", openid)
    ]
    mails = mailbox.mails(who)
    sql = "select distinct day from shop_view where openid = ? and category = 'running-shoes' order by day"
    return Facts(
        acts=acts,
        arrived=tuple(came + [one["at"] for one in mails]),
        greeted=bool(store.value("select count(*) from chat where openid = ? and via = 'passive'", openid)),
        refused=bool(store.value("select count(*) from call where openid = ? and errcode in (45015, 45047)", openid)),
        shoe_days=tuple(row[0] for row in store.rows(sql, openid)),
        confirmed=confirmed,
        visited=frozenset(visited),
        link=next((url for url in chat.links(openid) if "/u/" not in url), ""),
        told=pages,
        confirm_mail=next((number for number, url in mailbox.mail_links(who) if "/c/" in url), None),
    )


def state(who: sqlite3.Row, product: list[dict[str, Any]]) -> dict[str, Any]:
    """The chapter's steps with ``done``, and the first one that is not. ``product``: the items of the product's log."""
    title, line, steps = CHAPTERS.get(who["chapter"], CHAPTERS["road"])
    facts = facts_of(who, product)
    shown = [
        {"step": step, "number": number, "done": step.done(facts), "counter": step.counter(facts)}
        for number, step in enumerate(steps, 1)
    ]
    current = next((one for one in shown if not one["done"]), None)
    if current:
        current["now"] = True
        current["buttons"] = current["step"].buttons(facts)
    return {
        "title": title,
        "line": line,
        "steps": shown,
        "current": current,
        "answer": _ANSWER.replace("知微", who["given"] or "知微"),
        "done": sum(one["done"] for one in shown),
        "total": len(shown),
        "chapters": [
            {"key": key, "title": chapter[0], "line": chapter[1], "on": key == who["chapter"]}
            for key, chapter in CHAPTERS.items()
        ],
    }
