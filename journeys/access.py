"""Fetch or 404."""

from contacts.models import Contact
from journeys.models import Enrolment, Journey, Version
from scrm.core.access import fetch
from scrm.core.models import User


def journey_for(user: User, pk: int) -> Journey:
    """Journeys belong to the whole company; what a role may do with them is a permission."""
    return fetch(Journey, pk=pk)


def version_for(user: User, journey: Journey, number: int) -> Version:
    return fetch(journey.versions.all(), number=number)


def enrolment_for(user: User, journey: Journey, pk: int) -> Enrolment:
    """Only runs of customers whom the user may see."""
    rows = enrolments_visible_to(user).filter(journey=journey).select_related("contact", "version")
    return fetch(rows, pk=pk)


def enrolments_visible_to(user: User):
    rows = Enrolment.objects.all()
    if user.role_id and user.role.scope == "all":
        return rows
    return rows.filter(contact__in=Contact.objects.visible_to(user))
