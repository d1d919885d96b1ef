"""Tickets on the profile of a contact (settings.CONTACT_PANELS)."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from contacts.models import Contact
from scrm.core.enums import Permission
from service_desk.enums import SurveyState
from service_desk.models import Survey, Ticket

SHOWN = 5


def contact_tickets(request: HttpRequest, contact: Contact) -> SafeString | None:
    """The last tickets with their stars; for who works at the desk a way to open one. Two queries."""
    may = request.user.can(Permission.SERVICE_WORK)
    rows = list(Ticket.objects.filter(contact=contact).select_related("assignee").order_by("-pk")[: SHOWN + 1])
    if not rows and not may:
        return None
    rated = Survey.objects.filter(ticket__in=rows, state=SurveyState.RATED).order_by("cycle") if rows else []
    stars = {survey.ticket_id: survey.stars for survey in rated}
    context = {
        "contact": contact,
        "rows": [{"ticket": row, "stars": stars.get(row.pk)} for row in rows[:SHOWN]],
        "more": len(rows) > SHOWN,
        "may": may,
    }
    return render_to_string("service_desk/_contact_tickets.html", context, request)
