"""Ready designs. A recipe names what it needs (contents, a coupon batch); what is not chosen yet shows as a problem at its
step, so that a recipe can be opened at once and completed in the builder."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from contacts.models import Segment, Tag
from journeys.steps.base import Text
from journeys.tree import Definition, Step
from scrm.lib import hints

Slots = dict[str, int | None]
RUNNING_SHOES = [{"property": "category", "op": "eq", "value": "running-shoes"}]
THREE_DAYS = {
    "all": [
        {
            "kind": "event", "event": "product_viewed", "where": RUNNING_SHOES, "measure": "days_in_a_row", "op": "gte",
            "value": 3, "days": 30,
        },
        {
            "any": [
                {"kind": "identity", "identity": "openid", "state": "reachable"},
                {"kind": "identity", "identity": "email", "state": "verified"},
            ]
        },
    ]
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    key: str
    name: Text
    text: Text
    icon: str
    slots: dict[str, Text]
    """What it needs: slot -> what to choose. Slots end in ``_content`` or ``_batch``."""
    build: Callable[[Slots], Definition]

    def make(self, **slots: int | None) -> Definition:
        """The definition, with the ids of contents and batches that are known. Makes the tags and the segment that it uses
        where there are none."""
        return self.build({name: slots.get(name) for name in self.slots})


def _step(
    key: str, kind: str, config: dict[str, Any] | None = None, branches: list[dict] | None = None, name: str = ""
) -> Step:
    return {"key": key, "kind": kind, "name": name, "config": config or {}, "branches": branches or []}


def _send(key: str, content: int | None, channels: list[str], branches: list[dict] | None = None) -> Step:
    config = {"content": content, "channels": channels, "expires_hours": None, "recheck": False}
    return _step(key, "send", config, branches)


def _trigger(event: str) -> dict[str, Any]:
    return {"kind": "event", "event": event, "where": [], "segment": None, "stage": "", "rule": {}, "key": ""}


def _joins(segment: int) -> dict[str, Any]:
    return {"kind": "segment_entry", "event": "", "where": [], "segment": segment, "stage": "", "rule": {}, "key": ""}


def _tag(name: str) -> int:
    return Tag.objects.get_or_create(name=name)[0].pk


def _segment(name: str, description: str, rule: dict[str, Any]) -> int:
    """The segment with this rule, whatever it is called; made when there is none."""
    found = Segment.objects.filter(static=False, rule=rule).order_by("pk").first()
    if found is None:
        taken = set(Segment.objects.filter(name__startswith=name).values_list("name", flat=True))
        free = next(one for one in (name, *(f"{name} {n}" for n in range(2, len(taken) + 3))) if one not in taken)
        found = Segment.objects.create(name=free, description=description, rule=rule)
        hints.poke_on_commit("segments")
    return found.pk


def welcome(slots: Slots) -> Definition:
    """Half an hour after the follow. Who never wrote cannot be answered on an Official Account (48-hour window): they are
    marked and get the mail instead, if there is an address."""
    missed = {
        "key": "window_closed",
        "name": "",
        "steps": [
            _step("s4", "tag", {"act": "add", "tag": _tag(_("Window missed")), "days": 90}),
            _send("s5", slots["mail_content"], ["email"]),
            _step("s6", "exit"),
        ],
    }
    return {
        "trigger": _trigger("followed"),
        "reentry": {"policy": "never", "gap_days": 0},
        "goal": None,
        "exits": [{"event": "unfollowed", "where": []}],
        "steps": [
            _step("s1", "wait", {"mode": "for", "amount": 30, "unit": "minutes"}),
            _send(
                "s2", slots["welcome_content"], ["oa"],
                [{"key": "next", "name": "", "steps": [_step("s3", "exit")]}, missed],
            ),
        ],
        "last": 6,
    }  # fmt: skip


def category_coupon(slots: Slots) -> Definition:
    """Somebody who looks at running shoes three days in a row means it: a coupon by the first channel that reaches them.

    It starts with the segment and not with the third look, since many look while they are still unknown to us: they meet the
    rule at the moment in which they have told, and confirmed, who they are.
    """
    segment = _segment(
        _("Running shoes three days in a row"),
        _("Customers we can write to who looked at running shoes on three days in a row"),
        THREE_DAYS,
    )
    return {
        "trigger": _joins(segment),
        "reentry": {"policy": "after_exit", "gap_days": 30},
        "goal": {"event": "order_paid", "where": []},
        "exits": [],
        "steps": [
            _step("s1", "coupon", {"batch": slots["coupon_batch"]}),
            _send("s2", slots["coupon_content"], ["oa", "email"]),
            _step("s3", "wait", {"mode": "for", "amount": 7, "unit": "days"}),
            _step("s4", "exit"),
        ],
        "last": 4,
    }


def _per(event: str, key: str, where: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {**_trigger(event), "key": key, "where": where or []}


def _notice(event: str, key: str, slot: str) -> Callable[[Slots], Definition]:
    """One message about an order at once: its content is transactional, so it waits for no morning and counts for no cap."""

    def build(slots: Slots) -> Definition:
        return {
            "trigger": _per(event, key),
            "reentry": {"policy": "never", "gap_days": 0},
            "goal": None,
            "exits": [],
            "steps": [_send("s1", slots[slot], ["oa", "email"]), _step("s2", "exit")],
            "last": 2,
        }

    return build


def unpaid_cart(slots: Slots) -> Definition:
    """An hour after the cart was first filled; once per cart. Whoever orders or pays in the meantime is left alone."""
    return {
        "trigger": _per("cart_updated", "cart_id", [{"property": "total", "op": "gte", "value": "0.01"}]),
        "reentry": {"policy": "never", "gap_days": 0},
        "goal": {"event": "order_paid", "where": []},
        "exits": [{"event": "order_placed", "where": []}],
        "steps": [
            _step("s1", "wait", {"mode": "for", "amount": 1, "unit": "hours"}),
            _send("s2", slots["cart_content"], ["oa", "email"]),
            _step("s3", "wait", {"mode": "for", "amount": 3, "unit": "days"}),
            _step("s4", "exit"),
        ],
        "last": 4,
    }


RECIPES = {
    recipe.key: recipe
    for recipe in (
        Recipe(
            "welcome",
            pgettext_lazy("recipe", "Welcome"),
            gettext_lazy(
                "30 minutes after a follow: a message on the Official Account, or a mail when its window is closed."
            ),
            "hand-stop",
            {
                "welcome_content": gettext_lazy("Welcome message (Official Account)"),
                "mail_content": gettext_lazy("Welcome mail"),
            },
            welcome,
        ),
        Recipe(
            "category_coupon",
            gettext_lazy("Three days of running shoes, then a coupon"),
            gettext_lazy("Running shoes viewed on three days in a row: a coupon by the first channel that reaches."),
            "ticket",
            {
                "coupon_batch": gettext_lazy("Coupon batch"),
                "coupon_content": gettext_lazy("Message with the coupon code"),
            },
            category_coupon,
        ),
        Recipe(
            "order_paid",
            gettext_lazy("Thanks for the order"),
            gettext_lazy("As soon as an order is paid, also at night, once per order."),
            "shopping-bag-check",
            {"paid_content": gettext_lazy("Message about the payment (transactional)")},
            _notice("order_paid", "order_id", "paid_content"),
        ),
        Recipe(
            "order_shipped",
            gettext_lazy("The parcel is on its way"),
            gettext_lazy("When an order is shipped, with carrier and tracking number, once per parcel."),
            "truck-delivery",
            {"shipped_content": gettext_lazy("Message about the parcel (transactional)")},
            _notice("order_shipped", "parcel_id", "shipped_content"),
        ),
        Recipe(
            "order_refunded",
            gettext_lazy("The refund is made"),
            gettext_lazy("When money goes back, once per refund."),
            "receipt-refund",
            {"refund_content": gettext_lazy("Message about the refund (transactional)")},
            _notice("order_refunded", "refund_id", "refund_content"),
        ),
        Recipe(
            "unpaid_cart",
            gettext_lazy("Cart not paid for an hour"),
            gettext_lazy("An hour after the cart was filled and nothing was ordered: a reminder, once per cart."),
            "shopping-cart-question",
            {"cart_content": gettext_lazy("Reminder of the cart")},
            unpaid_cart,
        ),
    )
}
