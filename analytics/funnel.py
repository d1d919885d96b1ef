"""From follower to repeat customer, by source. The range selects who followed; every step comes after the one before.

follow (first one in the range) -> engaged (wrote, opened a link or looked at a product) -> first order -> second order,
all within WINDOW after the follow. Orders are those that count as revenue.
"""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contacts.models import Contact
from scrm.core.models import Company

WINDOW = timedelta(days=180)
STEPS = {
    "followed": _("Followed"),
    "engaged": _("Wrote, clicked or looked"),
    "first": pgettext_lazy("funnel", "First order"),
    "second": pgettext_lazy("funnel", "Second order"),
}
_ENGAGED = ["message_in", "message_clicked", "product_viewed", "form_submitted"]

_PEOPLE = """
    WITH entered AS (
        SELECT e.contact_id, min(e.occurred_at) AS at FROM contacts_event e
        WHERE e.kind = 'followed' AND e.occurred_at >= %(first)s AND e.occurred_at < %(last)s GROUP BY e.contact_id
    ), steps AS (
        SELECT c.id AS contact_id, c.source_kind, c.source_label, n.at AS followed, g.at AS engaged, o.first, o.second
        FROM entered n JOIN contacts_contact c ON c.id = n.contact_id AND c.merged_into_id IS NULL
        LEFT JOIN LATERAL (
            SELECT min(e.occurred_at) AS at FROM contacts_event e WHERE e.contact_id = n.contact_id
            AND e.kind = ANY(%(engaged)s) AND e.occurred_at >= n.at AND e.occurred_at < n.at + %(window)s) g ON true
        LEFT JOIN LATERAL (
            SELECT (array_agg(p.placed_at ORDER BY p.placed_at, p.id))[1] AS first,
                   (array_agg(p.placed_at ORDER BY p.placed_at, p.id))[2] AS second
            FROM contacts_order p WHERE p.contact_id = n.contact_id AND p.counts AND p.placed_at >= g.at
            AND p.placed_at < n.at + %(window)s) o ON g.at IS NOT NULL
    )
"""


def compute(*, first: str, last: str) -> dict[str, Any]:
    """{"rows": [{"kind", "label", "steps": [n, n, n, n]}], "steps": totals}; days as ISO text, both included."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PEOPLE + "SELECT source_kind, source_label, count(followed), count(engaged), count(first), count(second)"
            " FROM steps GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
            _values(first, last),
        )
        rows = [{"kind": kind, "label": label, "steps": list(numbers)} for kind, label, *numbers in cursor.fetchall()]
    totals = [sum(row["steps"][n] for row in rows) for n in range(len(STEPS))]
    return {"rows": rows, "steps": totals}


def people(first: str, last: str, step: str, source: tuple[str, str] | None) -> QuerySet[Contact]:
    """The contacts behind one number. ``source``: kind and label, None for all. Raises ValueError for an unknown step."""
    if step not in STEPS:
        raise ValueError(step)
    values = _values(first, last)
    narrowed = ""
    if source is not None:
        narrowed = " AND source_kind = %(kind)s AND source_label = %(label)s"
        values |= {"kind": source[0], "label": source[1]}
    with connection.cursor() as cursor:
        sql = cursor.mogrify(
            f"{_PEOPLE} SELECT contact_id FROM steps WHERE {step} IS NOT NULL{narrowed}", values
        ).decode()
    return Contact.objects.filter(pk__in=RawSQL(sql.replace("%", "%%"), []))


def _values(first: str, last: str) -> dict[str, Any]:
    zone = ZoneInfo(Company.zone())
    return {
        "first": datetime.combine(date.fromisoformat(first), time(), zone),
        "last": datetime.combine(date.fromisoformat(last) + timedelta(days=1), time(), zone),
        "window": WINDOW,
        "engaged": _ENGAGED,
    }
