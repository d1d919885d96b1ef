"""Figures of tickets for other rooms. Set-based: four queries, however many tickets."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from scrm.lib import clock
from service_desk import sla
from service_desk.calendar import ALWAYS
from service_desk.enums import BreachLevel
from service_desk.models import Breach, CalendarVersion, Survey, Ticket, TicketSpan
from service_desk.sla import Span, Story


@dataclass(frozen=True, slots=True)
class TicketFigures:
    ticket_id: int
    first_reply_seconds: int | None
    """In working time under the ticket's promise; None: nobody replied."""
    resolution_seconds: int | None
    """Of the last cycle that has ended."""
    stars: int | None
    """Of the last rating."""
    breaches: int


def ticket_figures(tickets: QuerySet[Ticket] | Iterable[Ticket]) -> dict[int, TicketFigures]:
    """By ticket id. Pass ``Ticket.objects.counted()`` narrowed to what is wanted."""
    rows = list(tickets.select_related("policy") if isinstance(tickets, QuerySet) else tickets)
    ids = [row.pk for row in rows]
    spans: dict[int, list[Span]] = {pk: [] for pk in ids}
    for pk, state, since, until in (
        TicketSpan.objects.filter(ticket__in=ids).order_by("id").values_list("ticket_id", "state", "since", "until")
    ):
        spans[pk].append(Span(state, since, until))
    rated = Survey.objects.filter(ticket__in=ids).exclude(stars=None).order_by("cycle")
    stars = dict(rated.values_list("ticket_id", "stars"))
    broken = Counter(
        Breach.objects.filter(ticket__in=ids, level=BreachLevel.BREACH).values_list("ticket_id", flat=True).order_by()
    )
    hours, now = CalendarVersion.calendar(), clock.now()
    found = {}
    for row in rows:
        story = Story(row.opened_at, row.first_reply_at, spans[row.pk])
        worked = ALWAYS if row.policy is not None and row.policy.around_the_clock else hours
        found[row.pk] = TicketFigures(
            row.pk,
            sla.first_reply_seconds(story, worked),
            sla.resolution_seconds(story, worked, now),
            stars.get(row.pk),
            broken[row.pk],
        )
    return found
