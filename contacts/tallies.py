"""Kept counts of this room (scrm.core.tallies, settings.TALLIES)."""

from contacts.models import TagCount
from scrm.core.tallies import Tally

TAGS = Tally(
    name="tags",
    table=TagCount._meta.db_table,
    owner=("tag_id",),
    split=(),
    sums=("n",),
    latest=("last_at",),
    remembered="EXISTS (SELECT FROM contacts_tag WHERE contacts_tag.id = tag_id)",
    counted="SELECT tag_id, count(*) AS n, max(created_at) AS last_at FROM contacts_tagging GROUP BY 1",
)
