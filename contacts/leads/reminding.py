"""What time does to leads: scores of rules with a window are taken again, and follow-ups come due."""

from datetime import timedelta

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts.intake import append_own
from contacts.leads.opening import lead_url, reconsider
from contacts.models import Lead
from scrm.core import notify
from scrm.core.enums import Level
from scrm.lib import clock

RESCORE_AFTER = timedelta(hours=6)
BATCH = 500


def run() -> bool:
    """One batch of each; True when there may be more."""
    reminded = _remind()
    return _rescore() or reminded


def lag() -> dict[str, float]:
    now = clock.now()
    due = Lead.objects.open().filter(follow_up_at__lte=now, reminded_at=None).order_by("follow_up_at")
    oldest = due.values_list("follow_up_at", flat=True).first()
    return {"waiting": due.count(), "oldest_seconds": (now - oldest).total_seconds() if oldest else 0}


@transaction.atomic
def _remind() -> bool:
    """Once per planned follow-up: the mark and the notification are one transaction."""
    now = clock.now()
    rows = (
        Lead.objects.open()
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("owner", "contact")
        .filter(follow_up_at__lte=now, reminded_at=None)
        .order_by("follow_up_at")[:BATCH]
    )
    leads = list(rows)
    for lead in leads:
        lead.reminded_at = now
        if lead.owner and lead.owner.is_active:
            text = format_lazy(_("Follow-up is due: {name}"), name=lead.contact.display_name)
            notify.tell(lead.owner, text, lead_url(lead), Level.WARN)
    Lead.objects.bulk_update(leads, ["reminded_at"])
    return len(leads) == BATCH


@transaction.atomic
def _rescore() -> bool:
    now = clock.now()
    old = Lead.objects.open().filter(scored_at__lt=now - RESCORE_AFTER).order_by("scored_at")
    ids = list(old.values_list("contact_id", flat=True)[:BATCH])
    if not ids:
        return False
    told = reconsider(ids, now)
    # Whoever cannot be scored any more (merged away, forgotten) must not stand first in line for ever.
    Lead.objects.open().filter(contact_id__in=ids, scored_at__lt=now - RESCORE_AFTER).update(scored_at=now)
    append_own(told)
    return len(ids) == BATCH
