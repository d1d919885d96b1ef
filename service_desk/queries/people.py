"""The customer beside the thread, and the colleagues a conversation may go to."""

from dataclasses import dataclass

from django.db.models import Count, Q

from contacts.models import Contact, Identity, Order, Tagging
from contacts.reach import CHANNEL_OF, POINT_KINDS
from scrm.core.enums import Permission
from scrm.core.models import User
from service_desk.access import colleagues
from service_desk.enums import ConversationState, Presence, TicketState
from service_desk.lines import excerpt_text
from service_desk.models import AgentPresence, Conversation, Ticket
from service_desk.models.presence import presence_of


@dataclass(frozen=True, slots=True)
class Known:
    """What the pane says about a customer. Contact points are masked for everybody: to reveal one is the profile's business."""

    contact: Contact
    tags: list[str]
    points: list[tuple[str, str]]
    orders: list[Order] | None
    """None: the reader may not see orders."""
    tickets: list[Ticket]
    others: list[Conversation]


def known(conversation: Conversation, reader: User) -> Known:
    """Five queries."""
    contact = conversation.contact
    tags = Tagging.objects.filter(contact=contact).order_by("tag__name").values_list("tag__name", flat=True)[:12]
    points = [
        (CHANNEL_OF[kind].value, hint)
        for kind, hint in Identity.objects.filter(contact=contact, kind__in=POINT_KINDS)
        .order_by("kind", "id")
        .values_list("kind", "hint")[:4]
    ]
    orders = None
    if reader.can(Permission.ORDERS_VIEW):
        orders = list(Order.objects.filter(contact=contact).order_by("-placed_at")[:3])
    tickets = Ticket.objects.filter(contact=contact, state__in=[TicketState.OPEN, TicketState.PENDING])
    others = Conversation.objects.filter(contact=contact).exclude(pk=conversation.pk).order_by("-last_at")
    shown = list(others[:5])
    for other in shown:
        other.shown = excerpt_text(other.excerpt)
    return Known(
        contact,
        list(tags),
        points,
        orders,
        list(tickets.select_related("assignee").order_by("-priority", "-opened_at")[:5]),
        shown,
    )


@dataclass(frozen=True, slots=True)
class Colleague:
    user: User
    state: Presence
    open: int
    """Conversations on this person's desk."""


def desk() -> list[Colleague]:
    """Everybody at the desk with presence and load: online first, then by load. Two queries."""
    opened = Count("conversations", filter=Q(conversations__state=ConversationState.OPEN))
    held = {p.user_id: p for p in AgentPresence.objects.all()}
    found = []
    for user in colleagues().annotate(opened=opened):
        presence = held.get(user.pk)
        found.append(Colleague(user, presence.state if presence else presence_of(False, None), user.opened))
    order = {Presence.ONLINE: 0, Presence.AWAY: 1, Presence.OFFLINE: 2}
    return sorted(found, key=lambda c: (order[c.state], c.open, c.user.name))
