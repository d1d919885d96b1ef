"""Kept counts of this room (scrm.core.tallies, settings.TALLIES)."""

from journeys.models import EnrolmentCount
from scrm.core.tallies import Tally

ENROLMENTS = Tally(
    name="enrolments",
    table=EnrolmentCount._meta.db_table,
    owner=("journey_id",),
    split=("version_id",),
    sums=("n", "inside", "converted"),
    counted="SELECT journey_id, version_id, count(*) AS n, count(*) FILTER (WHERE state IN ('active', 'waiting')) AS inside,"
    " count(converted_at) AS converted FROM journeys_enrolment GROUP BY 1, 2",
)
