"""How the service desk did: first reply, resolution, satisfaction and broken promises of the tickets opened in a range."""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from scrm.core.models import Company
from service_desk.models import Ticket
from service_desk.queries.tickets import TicketFigures, ticket_figures

GOOD = 4
"""Stars from which an answer counts as satisfied."""
QUICK = 180
"""Seconds of the three-minute rate."""
WHAT = {
    "all": _("Tickets opened"),
    "replied": _("Answered by a person"),
    "quick": _("Answered within three minutes"),
    "solved": _("Solved"),
    "rated": _("Rated"),
    "good": _("Satisfied (4 or 5 stars)"),
    "breached": _("With a broken promise"),
}


def compute(*, first: str, last: str) -> dict[str, Any]:
    """{"total": numbers, "agents": [{"id", "name", ...numbers}]}; days as ISO text, both included. Times are seconds of
    working time."""
    tickets = list(opened(first, last).select_related("policy", "assignee"))
    figures = ticket_figures(tickets)
    by_agent: dict[int | None, list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        by_agent[ticket.assignee_id].append(ticket)
    agents = [
        {"id": pk, "name": rows[0].assignee.name if rows[0].assignee else "", **_numbers(rows, figures)}
        for pk, rows in by_agent.items()
    ]
    return {"total": _numbers(tickets, figures), "agents": sorted(agents, key=lambda row: (-row["all"], row["name"]))}


def opened(first: str, last: str) -> QuerySet[Ticket]:
    zone = ZoneInfo(Company.zone())
    start = datetime.combine(date.fromisoformat(first), time(), zone)
    end = datetime.combine(date.fromisoformat(last) + timedelta(days=1), time(), zone)
    return Ticket.objects.counted().filter(opened_at__gte=start, opened_at__lt=end)


def behind(first: str, last: str, what: str, agent: int | None = None) -> list[int]:
    """Ids of the tickets behind one number. Raises KeyError for an unknown one."""
    rows = opened(first, last).select_related("policy")
    tickets = list(rows if agent is None else rows.filter(assignee=agent or None))
    figures = ticket_figures(tickets)
    return [ticket.pk for ticket in tickets if _holds(what, figures[ticket.pk])]


def _holds(what: str, one: TicketFigures) -> bool:
    return {
        "all": True,
        "replied": one.first_reply_seconds is not None,
        "quick": one.first_reply_seconds is not None and one.first_reply_seconds <= QUICK,
        "solved": one.resolution_seconds is not None,
        "rated": one.stars is not None,
        "good": (one.stars or 0) >= GOOD,
        "breached": one.breaches > 0,
    }[what]


def _numbers(tickets: list[Ticket], figures: dict[int, TicketFigures]) -> dict[str, Any]:
    found = [figures[ticket.pk] for ticket in tickets]
    numbers: dict[str, Any] = {what: sum(_holds(what, one) for one in found) for what in WHAT}
    replies = [one.first_reply_seconds for one in found if one.first_reply_seconds is not None]
    solved = [one.resolution_seconds for one in found if one.resolution_seconds is not None]
    stars = [one.stars for one in found if one.stars is not None]
    return numbers | {
        "first_reply": median(replies) if replies else None,
        "resolution": median(solved) if solved else None,
        "stars": sum(stars) / len(stars) if stars else None,
    }
