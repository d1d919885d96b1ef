"""Consumer: acts of people make and warm leads, orders win them."""

from contacts import leads
from contacts.consumers.reading import EventRow
from contacts.enums import EventKind
from contacts.intake import append_own
from scrm.lib import clock

_ACTS = frozenset(
    {
        EventKind.FOLLOWED,
        EventKind.SCANNED,
        EventKind.MESSAGE_IN,
        EventKind.COMMENTED,
        EventKind.PAGE_VIEWED,
        EventKind.PRODUCT_VIEWED,
        EventKind.CART_UPDATED,
        EventKind.FORM_SUBMITTED,
        EventKind.IDENTIFIED,
        EventKind.EMAIL_CONFIRMED,
        EventKind.MESSAGE_CLICKED,
        EventKind.TAG_ADDED,
        EventKind.CONTACT_MERGED,
    }
)


def consume(events: list[EventRow]) -> None:
    """Idempotent: who has an open lead gets no second one, and a lead that is closed stays closed."""
    now = clock.now()
    acted = {event.contact_id for event in events if event.kind in _ACTS or event.kind.startswith("track:")}
    bought = {event.contact_id for event in events if event.kind == EventKind.ORDER_PAID}
    told = leads.won_by_order(bought, now) if bought else []
    if acted:
        told += leads.reconsider(acted, now)
    append_own(told)
