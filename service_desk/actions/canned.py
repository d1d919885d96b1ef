"""Keeping canned replies."""

from django.db import transaction

from scrm.core import audit
from scrm.core.models import User
from service_desk.models import CannedReply


@transaction.atomic
def save_canned(*, canned: CannedReply, by: User) -> CannedReply:
    """Make or change one; the form has checked it."""
    canned.created_by = canned.created_by or by
    canned.save()
    audit.record(by, "canned_reply.saved", canned)
    return canned


@transaction.atomic
def delete_canned(*, canned: CannedReply, by: User) -> None:
    audit.record(by, "canned_reply.deleted", canned)
    canned.delete()
