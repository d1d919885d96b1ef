"""Our part of the contact page (settings.CONTACT_PANELS)."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from contacts.models import Contact
from journeys.models import Enrolment
from journeys.queries import names
from journeys.steps import KINDS
from journeys.tree import walk
from scrm.core.enums import Permission

SHOWN = 6


def contact_enrolments(request: HttpRequest, contact: Contact) -> SafeString | None:
    """Journeys the person is or was in, latest first; None for who was in none."""
    rows = Enrolment.objects.filter(contact=contact).select_related("journey", "version").order_by("-id")
    runs = list(rows[:SHOWN])
    if not runs:
        return None
    known = names() if any(run.is_open for run in runs) else None
    for run in runs:
        run.step_name = _step_name(run, known) if run.is_open else ""
    context = {"runs": runs, "linked": request.user.can(Permission.JOURNEYS_EDIT)}
    return render_to_string("journeys/_contact_panel.html", context, request)


def _step_name(run: Enrolment, known) -> str:
    for step, _depth in walk(run.version.definition["steps"]):
        if step["key"] == run.step:
            return KINDS[step["kind"]].tell(step, known).title
    return ""
