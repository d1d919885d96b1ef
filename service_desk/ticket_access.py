"""The way to get a ticket: 404 for what the user may not see; the permission itself is checked by the view."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from scrm.core.access import fetch
from scrm.core.models import User
from service_desk.enums import BreachLevel
from service_desk.models import Breach, Ticket


def tickets_for(user: User) -> QuerySet[Ticket]:
    """With all that a list shows, and whether a promise was broken (``late``) or nearly (``soon``)."""
    noted = Breach.objects.filter(ticket=OuterRef("pk"))
    return (
        Ticket.objects.visible_to(user)
        .select_related("contact", "assignee", "team", "policy")
        .annotate(
            late=Exists(noted.filter(level=BreachLevel.BREACH)),
            soon=Exists(noted.filter(level=BreachLevel.WARNING)),
        )
    )


def ticket_for(user: User, pk: int) -> Ticket:
    return fetch(
        tickets_for(user).select_related("conversation__contact", "conversation__assignee", "opened_by"), pk=pk
    )


def of_team(user: User) -> Q:
    """Tickets of the user's teams or of a colleague there."""
    teams = [*user.managed_teams.values_list("pk", flat=True), *([user.team_id] if user.team_id else [])]
    return Q(team__in=teams) | Q(assignee__team__in=teams) | Q(assignee=user)
