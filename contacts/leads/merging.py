"""What a merge of two contacts does to their leads (settings.CONTACT_MERGE_HANDLERS), inside the merge's transaction."""

from contacts.enums import LeadState
from contacts.models import Lead
from scrm.lib import clock

MERGED = "merged"
"""As the reason of a lead that ended because the survivor had an open one."""


def merged(survivor_id: int, other_id: int) -> None:
    """The other's leads become the survivor's. Where both are open, the survivor's goes on and the other ends."""
    if Lead.objects.open().filter(contact_id=survivor_id).exists():
        Lead.objects.open().filter(contact_id=other_id).update(
            state=LeadState.LOST, lost_reason=MERGED, closed_at=clock.now()
        )
    Lead.objects.filter(contact_id=other_id).update(contact_id=survivor_id, merged_from=other_id)


def unmerged(survivor_id: int, other_id: int) -> None:
    """Leads that came with the merge go back, one that it ended is open again."""
    ids = list(Lead.objects.filter(contact_id=survivor_id, merged_from=other_id).values_list("pk", flat=True))
    back = Lead.objects.filter(pk__in=ids)
    back.update(contact_id=other_id, merged_from=None)  # first: the survivor may have an open one
    if not Lead.objects.open().filter(contact_id=other_id).exists():
        back.filter(state=LeadState.LOST, lost_reason=MERGED).update(
            state=LeadState.WORKING, lost_reason="", closed_at=None
        )
