"""The question after a solution: asked once per resolution cycle through the ledger, answered on a public page or by a digit
in the chat. The stars belong to who solved it, whoever has the ticket when the answer comes."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

from campaigns.enums import Origin
from campaigns.sending import SendRequest, submit, tokens
from contacts.consumers import EventRow
from contacts.enums import EventKind, Purpose
from contacts.intake import Incoming
from scrm.core.enums import Language, Level, Permission
from scrm.core.models import User
from scrm.core.notify import tell
from scrm.lib import clock
from service_desk.enums import SurveyState
from service_desk.flow import Desk
from service_desk.models import DeskSettings, Survey

TOKEN = "survey"
ANSWER_BY = timedelta(days=7)
"""A digit in the chat counts as an answer this long; the page stays open as long as the ticket does."""
BATCH = 100
_STARS = re.compile(r"^([1-5])\s*(?:分|星|颗星|stars?)?[.。!！~]*$")


def address(survey: Survey) -> str:
    path = reverse("service_desk:rate", args=[tokens.make(TOKEN, survey.pk)])
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def stars_in(text: str, survey: Survey | None, at: datetime) -> int | None:
    """The rating that a chat message is, when the question is open."""
    if survey is None or survey.state != SurveyState.ASKED or survey.asked_at is None:
        return None
    found = _STARS.match(unicodedata.normalize("NFKC", text).strip().lower())
    return int(found[1]) if found and at - survey.asked_at <= ANSWER_BY else None


def given(survey: Survey | None, stars: int, text: str, at: datetime) -> Survey:
    assert survey is not None
    survey.state, survey.stars, survey.text, survey.rated_at = SurveyState.RATED.value, stars, text, at
    return survey


def rate_all(surveys: Sequence[Survey], desk: Desk) -> list[Incoming]:
    """Store ratings, alert managers of low ones; answers the events to append."""
    if not surveys:
        return []
    Survey.objects.bulk_update(surveys, ["state", "stars", "text", "rated_at"])
    tickets = {work.ticket.pk: work.ticket for work in desk.works}
    told = []
    for survey in surveys:
        ticket = tickets[survey.ticket_id]
        told.append(
            Incoming(
                EventKind.SATISFACTION_RATED.value,
                ticket.channel or "sys",
                survey.rated_at or desk.now,
                contact_id=ticket.contact_id,
                properties=survey.as_properties(),
            )
        )
        if survey.stars is not None and survey.stars <= desk.settings.low_stars:
            line = format_lazy(
                gettext_lazy("{stars} of 5 stars for ticket #{n}: {title}"),
                stars=survey.stars,
                n=ticket.pk,
                title=ticket.title,
            )
            tell(managers_of(ticket), line, reverse("service_desk:ticket", args=[ticket.pk]), Level.WARN)
    return told


def managers_of(ticket) -> list[User]:
    """The manager of the ticket's team or of its assignee's, else everybody who manages the desk."""
    for team in (ticket.team, ticket.assignee.team if ticket.assignee else None):
        if team is not None and team.manager is not None and team.manager.is_active:
            return [team.manager]
    return list(User.objects.able(Permission.SERVICE_MANAGE))


def ask_due() -> bool:
    """Ask the questions that are due, in one transaction with what is planned; the ledger's key makes it once. True when there
    may be more."""
    with transaction.atomic():
        due = list(
            Survey.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(state=SurveyState.DUE)
            .select_related("ticket__conversation", "ticket__contact")
            .order_by("id")[:BATCH]
        )
        if not due:
            return False
        now, enabled = clock.now(), DeskSettings.get().survey
        requests = []
        for survey in due:
            ticket = survey.ticket
            if not enabled or ticket.is_active or ticket.dismissed or ticket.conversation is None:
                survey.state, survey.reason = SurveyState.SKIPPED.value, "reopened" if ticket.is_active else "off"
            else:
                survey.state, survey.asked_at = SurveyState.ASKED.value, now
                requests.append(_request(survey))
        Survey.objects.bulk_update(due, ["state", "reason", "asked_at"])
        if requests:
            submit(requests)
    return len(due) == BATCH


def note_outcomes(events: Sequence[EventRow]) -> None:
    """What the ledger said of a question: one that was not sent is not open, so a digit means nothing."""
    unsent: dict[int, str] = {}
    for event in events:
        ref = event.properties.get("ref")
        if event.kind != EventKind.MESSAGE_SENT and isinstance(ref, dict) and isinstance(ref.get("survey"), int):
            unsent[ref["survey"]] = str(event.properties.get("reason") or "")[:40]
    for reason in set(unsent.values()):
        pks = [pk for pk, why in unsent.items() if why == reason]
        Survey.objects.filter(pk__in=pks, state=SurveyState.ASKED).update(state=SurveyState.SKIPPED, reason=reason)


def words_for(survey: Survey) -> str:
    language = survey.ticket.contact.language
    with translation.override(language if language in Language.values else Language.CHINESE):
        return gettext(
            "Your matter is settled. How did we do? Reply with a digit from 1 to 5 (5 is best), or tell us here: {link}"
        ).format(link=address(survey))


def _request(survey: Survey) -> SendRequest:
    ticket = survey.ticket
    return SendRequest(
        key=f"survey:{survey.pk}",
        contact_id=ticket.contact_id,
        content_id=None,
        body={"kind": "text", "text": words_for(survey), "data": {}},
        purpose=Purpose.SERVICE,
        origin=Origin.SYSTEM,
        origin_id=survey.pk,
        channels=[ticket.conversation.channel],
        ref={"survey": survey.pk, "ticket": ticket.pk},
        identity_id=ticket.conversation.identity_id,
    )
