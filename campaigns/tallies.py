"""Kept counts of the ledger (scrm.core.tallies, settings.TALLIES)."""

from campaigns.models import MessageCount
from scrm.core.tallies import Tally

MESSAGES = Tally(
    name="messages",
    table=MessageCount._meta.db_table,
    owner=("origin", "origin_id"),
    split=("state", "reason"),
    sums=("n", "opened", "clicked"),
    counted="SELECT origin, origin_id, CASE WHEN state IN ('leased', 'attempting') THEN 'queued' ELSE state END AS state, reason,"
    " count(*) AS n, count(opened_at) AS opened, count(clicked_at) AS clicked FROM campaigns_message GROUP BY 1, 2, 3, 4",
)
