"""A small shop with customers who talk: contacts, an account, conversations, and events put through the ticket consumer."""

import itertools
from datetime import UTC, datetime, timedelta

from channels_ingest.models import Channel
from contacts import consumers
from contacts.consumers import EventRow
from contacts.enums import ChannelKind
from contacts.models import Contact
from scrm.lib import cjk, clock
from service_desk.consumers import tickets
from service_desk.models import Conversation, Ticket

MONDAY = datetime(2026, 6, 29, 2, 0, tzinfo=UTC)
"""10:00 in Shanghai, in office hours."""
COMPLAINT = "鞋子才穿一周就开胶了，质量太差"
_numbers = itertools.count(1)


def person(name: str = "小林", **fields) -> Contact:
    return Contact.objects.create(
        name=name,
        name_grams=cjk.grams(name),
        known=True,
        first_seen_at=MONDAY,
        last_seen_at=MONDAY,
        created_at=MONDAY,
        **fields,
    )


def account(**fields) -> Channel:
    return Channel.objects.create(kind="weibo", name=f"微博 {next(_numbers)}", **fields)


def talk(contact: Contact, channel: Channel, **fields) -> Conversation:
    return Conversation.objects.create(
        contact=contact, channel=ChannelKind.WEIBO, account_id=channel.pk, opened_at=MONDAY, last_at=MONDAY, **fields
    )


def event(contact: Contact, channel: Channel, text: str, at: datetime = MONDAY, kind="message_in", **more) -> EventRow:
    properties = {"type": "text", "text": text, **more}
    return EventRow(1000 + next(_numbers), contact.pk, None, kind, ChannelKind.WEIBO, channel.pk, at, at, properties)


def reply(conversation: Conversation, at: datetime, origin: str = "agent") -> EventRow:
    return EventRow(
        1000 + next(_numbers),
        conversation.contact_id,
        None,
        "message_sent",
        ChannelKind.WEIBO,
        conversation.account_id,
        at,
        at,
        {"origin": origin, "ref": {"conversation": conversation.pk}},
    )


def hear(*events: EventRow) -> None:
    """Through the consumer, at the time of the last event."""
    with clock.frozen(max(row.occurred_at for row in events)):
        tickets.consume(list(events))


def story(ticket: Ticket) -> list[str]:
    return list(ticket.spans.order_by("id").values_list("state", flat=True))


def told(ticket: Ticket) -> list[str]:
    """Kinds of the events that the log holds of a ticket, in order."""
    return [row.kind for row in consumers.since(0, 10_000) if row.properties.get("ticket") == ticket.pk]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
