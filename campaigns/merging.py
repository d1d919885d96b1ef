"""What becomes of our rows when two contacts become one, and two again (settings.CONTACT_MERGE_HANDLERS,
CONTACT_UNMERGE_HANDLERS)."""

from campaigns.models import Coupon, Message, OptIn
from contacts.models import Identity


def merged(survivor_id: int, other_id: int) -> None:
    """Messages, coupons and opt-ins go to the survivor, in the transaction of the merge."""
    for model in (Message, Coupon, OptIn):
        model.objects.filter(contact_id=other_id).update(contact_id=survivor_id)


def unmerged(survivor_id: int, other_id: int) -> None:
    """What went to an address that is the other's again goes back; coupons stay where they are, nobody can tell."""
    theirs = Identity.objects.filter(contact_id=other_id).values("pk")
    Message.objects.filter(contact_id=survivor_id, identity_id__in=theirs).update(contact_id=other_id)
    OptIn.objects.filter(contact_id=survivor_id, identity_id__in=theirs).update(contact_id=other_id)
