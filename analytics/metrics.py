"""The metric registry: every number of every screen is defined here once, with its formula in words."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contacts.enums import EventKind


@dataclass(frozen=True, slots=True)
class Metric:
    """``events``: the kinds that add to it. ``once``: at most once per message. ``detail``: the property it is split by.
    ``good``: +1 when more is better, -1 when less is, 0 when neither."""

    key: str
    name: Promise
    formula: Promise
    unit: Promise
    icon: str
    good: int
    events: tuple[str, ...]
    once: bool = False
    detail: str = ""


_messages, _people, _times = (
    pgettext_lazy("unit", "messages"),
    pgettext_lazy("unit", "people"),
    pgettext_lazy("unit", "times"),
)
_money, _ratio = pgettext_lazy("unit", "yuan"), pgettext_lazy("unit", "ratio")

METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in [
        Metric("followed", _("New followers"), _("Follow events of the day; a person who follows again counts again."),
               _people, "user-plus", 1, (EventKind.FOLLOWED,)),
        Metric("unfollowed", _("Unfollowed"), _("Unfollow events of the day."),
               _people, "user-minus", -1, (EventKind.UNFOLLOWED,)),
        Metric("stage", _("Stage changes"), _("Moves into a lifecycle stage, by the stage people moved to."),
               _people, "flag", 0, (EventKind.STAGE_CHANGED,), detail="to"),
        Metric("inbound", _("Messages from customers"), _("Messages that customers wrote to us."),
               _messages, "message", 1, (EventKind.MESSAGE_IN,)),
        Metric("sent", _("Sent"), _("Messages the platform accepted."),
               _messages, "send", 1, (EventKind.MESSAGE_SENT,)),
        Metric("held", _("Held"), _("Messages that waited for a decent hour before they were sent or given up."),
               _messages, "moon", 0, (EventKind.MESSAGE_HELD,), once=True, detail="reason"),
        Metric("suppressed", _("Not sent"), _("Messages that a gate stopped for good, by reason."),
               _messages, "hand-stop", -1, (EventKind.MESSAGE_SUPPRESSED,), detail="reason"),
        Metric("failed", _("Failed"), _("Messages the platform refused for good."),
               _messages, "alert-circle", -1, (EventKind.MESSAGE_FAILED, EventKind.MESSAGE_BOUNCED), once=True, detail="reason"),
        Metric("opened", _("Opened"), _("Messages opened at least once, on the day of the first open; opens by machines left out."),
               _messages, "mail-opened", 1, (EventKind.MESSAGE_OPENED,), once=True),
        Metric("clicked", _("Clicked"), _("Messages with at least one click, on the day of the first click."),
               _messages, "click", 1, (EventKind.MESSAGE_CLICKED,), once=True),
        Metric("orders", _("Orders"), _("Paid orders."), _times, "shopping-bag", 1, (EventKind.ORDER_PAID,)),
        Metric("merged", _("Merged people"), _("Two contacts that turned out to be one person."),
               _people, "arrows-join", 0, (EventKind.CONTACT_MERGED,)),
        Metric("coupons", _("Coupons issued"), _("Coupons given to customers."), _times, "ticket", 0, (EventKind.COUPON_ISSUED,)),
    ]
}  # fmt: skip

EFFECT_METRICS = [
    Metric(
        "e_sent",
        _("Sent"),
        _("Messages that left: accepted by the platform, bounced ones included."),
        _messages,
        "send",
        1,
        (),
    ),
    Metric(
        "e_delivered",
        _("Delivered"),
        _("Sent − bounced."),
        _messages,
        "checks",
        1,
        (),
    ),
    Metric(
        "e_opened",
        _("Opened"),
        _("Messages opened at least once by a person; only e-mail can tell."),
        _messages,
        "mail-opened",
        1,
        (),
    ),
    Metric(
        "e_clicked",
        _("Clicked"),
        _("Messages with at least one click. Click rate = clicked / delivered."),
        _messages,
        "click",
        1,
        (),
    ),
    Metric(
        "converted",
        _("Converted"),
        _("People with an order credited to the programme, each once. Order rate = converted / delivered."),
        _people,
        "user-check",
        1,
        (),
    ),
    Metric(
        "credited",
        _("Orders"),
        _(
            "Paid orders in the company's currency, not wholly refunded, whose last click or reply before the"
            " order was on a message of the programme, inside the channel's window (default 5 days; SMS also "
            "12 hours after delivery; opens off). Each order is credited once."
        ),
        _times,
        "shopping-bag",
        1,
        (),
    ),
    Metric(
        "revenue",
        _("Revenue"),
        _("Sum of the credited orders, net of refunds."),
        _money,
        "coin",
        1,
        (),
    ),
    Metric(
        "cost",
        _("Cost"),
        _(
            "Messages sent × price of the channel + value of redeemed coupons that the programme issued + "
            "entered spend."
        ),
        _money,
        "receipt",
        -1,
        (),
    ),
    Metric(
        "roi",
        _("ROI"),
        _("(Revenue − cost) / cost; none when nothing was spent. It is no proof of an effect: that takes a holdout."),
        _ratio,
        "percentage",
        1,
        (),
    ),
    Metric(
        "repeat_rate",
        _("Repeat rate"),
        _("Customers with at least two orders / customers with at least one, over all time."),
        _ratio,
        "repeat",
        1,
        (),
    ),
    Metric(
        "cohort",
        _("Cohort"),
        _(
            "Of those whose first order was in the month: people with another order so many months later "
            "(month 0: a second one in the same month)."
        ),
        _people,
        "grid-dots",
        0,
        (),
    ),
    Metric(
        "funnel",
        _("Funnel"),
        _(
            "Who followed in the range, then wrote, clicked, looked at a product or sent a form, then "
            "ordered, then ordered again; each step after the one before, within 180 days of the follow."
        ),
        _people,
        "filter-dollar",
        0,
        (),
    ),
    Metric(
        "first_reply",
        _("First reply"),
        _("Median working time from opening to the first public reply of a person; automatic replies do not count."),
        pgettext_lazy("unit", "time"),
        "message-reply",
        -1,
        (),
    ),
    Metric(
        "satisfaction",
        _("Satisfaction"),
        _("Answers with 4 or 5 stars / answers. Answer rate = answers / solved tickets."),
        _ratio,
        "star",
        1,
        (),
    ),
]
"""Numbers of programmes and reports; they are computed, not counted from single events."""

BY_EVENT: dict[str, Metric] = {kind: metric for metric in METRICS.values() for kind in metric.events}
