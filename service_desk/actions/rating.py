"""The customer's stars, from the public page."""

from django.db import transaction

from contacts.intake import append_own
from contacts.models import Contact
from service_desk import satisfaction
from service_desk.enums import SurveyState
from service_desk.flow import Desk, lock_tickets
from service_desk.models import Survey


@transaction.atomic
def rate_ticket(*, survey: Survey, stars: int, text: str) -> Survey:
    """Once: a second answer changes nothing. The customer is locked first, as rating is an act of theirs."""
    Contact.objects.select_for_update(no_key=True).filter(pk=survey.ticket.contact_id).first()
    row = Survey.objects.select_for_update(no_key=True).get(pk=survey.pk)
    if row.state == SurveyState.RATED:
        return row
    desk = Desk()
    desk.load(lock_tickets([row.ticket_id]))
    satisfaction.given(row, stars, text.strip(), desk.now)
    append_own(satisfaction.rate_all([row], desk))
    return row
