"""What a merge of two contacts does to their runs (settings.CONTACT_MERGE_HANDLERS), inside the merge's transaction."""

from django.db import connection

from contacts import intake
from journeys import engine
from journeys.enums import OPEN_STATES, Reason
from journeys.models import Enrolment
from scrm.lib import clock

FROM = "merged_from"
"""In a run's context: the contact it belonged to, so that unmerging gives it back."""


def on_merge(survivor_id: int, other_id: int) -> None:
    """The other's runs become the survivor's. Where both are inside the same journey the survivor's run goes on and the
    other one ends; a second once-only run is kept as history under a run key of its own."""
    survivors = set(
        Enrolment.objects.filter(contact_id=survivor_id, state__in=OPEN_STATES).values_list("journey_id", flat=True)
    )
    doubled = list(
        Enrolment.objects.filter(contact_id=other_id, state__in=OPEN_STATES, journey_id__in=survivors)
        .order_by("id")
        .values_list("id", flat=True)
    )
    with connection.cursor() as cursor:
        events = engine.take_out_quietly(cursor, doubled, Reason.MERGED, clock.now()) if doubled else []
        cursor.execute(
            "UPDATE journeys_enrolment e SET contact_id = %(survivor)s,"
            " run = CASE WHEN EXISTS (SELECT FROM journeys_enrolment s WHERE s.journey_id = e.journey_id"
            " AND s.contact_id = %(survivor)s AND s.run = e.run) THEN left(e.run, 60) || ':m' || e.id ELSE e.run END,"
            " context = e.context || jsonb_build_object(%(key)s, %(other)s)"
            " WHERE e.contact_id = %(other)s",
            {"survivor": survivor_id, "other": other_id, "key": FROM},
        )
        _repoint(cursor, other_id)
    if events:
        intake.append_own(events)


def on_unmerge(survivor_id: int, other_id: int) -> None:
    """Runs that came with the merge go back; one that was ended by it stays ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE journeys_enrolment SET contact_id = %s, context = context - %s, run = regexp_replace(run, ':m[0-9]+$', '')"
            " WHERE contact_id = %s AND (context ->> %s)::bigint = %s",
            [other_id, FROM, survivor_id, FROM, other_id],
        )
        _repoint(cursor, survivor_id)


def _repoint(cursor, before: int) -> None:
    """Subscriptions follow their runs."""
    cursor.execute(
        "UPDATE journeys_subscription s SET contact_id = e.contact_id FROM journeys_enrolment e"
        " WHERE e.id = s.enrolment_id AND s.contact_id = %s AND e.contact_id <> s.contact_id",
        [before],
    )
