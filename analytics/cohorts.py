"""First-order cohorts: of those who bought first in a month, how many bought again so many months later."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from scrm.core.models import Company
from scrm.lib import clock

MONTHS = 12


def compute(*, months: int = MONTHS, until: str = "") -> dict[str, Any]:
    """{"cohorts": [{"month", "size", "back": [n, ...]}], "customers", "repeat"}, for the newest ``months`` cohorts with orders.

    ``back[k]`` are the people of the cohort with an order in the k-th month after their first, ``back[0]`` those with a second
    order in the same month. ``repeat``: customers with at least two orders, over all time. Months are the company's; ``until``
    (ISO day) ends the table, default today: months that have not ended are None when they have not begun.
    """
    zone = Company.zone()
    today = date.fromisoformat(until) if until else clock.now().astimezone(ZoneInfo(zone)).date()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH bought AS (
                SELECT contact_id, date_trunc('month', placed_at AT TIME ZONE %(zone)s)::date AS month, count(*) AS n
                FROM contacts_order WHERE counts GROUP BY 1, 2
            ), began AS (SELECT contact_id, min(month) AS month, sum(n) AS orders FROM bought GROUP BY 1
            ), moved AS (
                SELECT began.month AS cohort, (extract(year FROM bought.month) - extract(year FROM began.month)) * 12
                    + extract(month FROM bought.month) - extract(month FROM began.month) AS later, bought.n
                FROM bought JOIN began USING (contact_id)
            )
            SELECT cohort, later::int, count(*) FILTER (WHERE later > 0 OR n > 1), count(*) FILTER (WHERE later = 0),
                (SELECT count(*) FROM began), (SELECT count(*) FROM began WHERE orders > 1)
            FROM moved GROUP BY 1, 2 ORDER BY 1, 2
            """,
            {"zone": zone},
        )
        found = cursor.fetchall()
    cohorts: dict[date, dict[str, Any]] = {}
    for month, later, back, size, _customers, _repeat in found:
        row = cohorts.setdefault(month, {"month": f"{month:%Y-%m}", "size": 0, "back": {}})
        row["size"] += size
        row["back"][later] = back
    shown = [cohorts[month] for month in sorted(cohorts)[-months:]]
    for row in shown:
        row["back"] = _filled(row["back"], date.fromisoformat(f"{row['month']}-01"), today, months)
    customers, repeat = (found[0][4], found[0][5]) if found else (0, 0)
    return {"cohorts": shown, "customers": customers, "repeat": repeat, "months": months}


def _filled(back: dict[int, int], month: date, today: date, months: int) -> list[int | None]:
    passed = (today.year - month.year) * 12 + today.month - month.month
    return [back.get(later, 0) if later <= passed else None for later in range(months)]
