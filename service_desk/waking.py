"""Snoozed conversations whose time has come."""

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from scrm.core import live
from scrm.core.notify import tell
from scrm.lib import clock
from service_desk.enums import ConversationState, EntryKind
from service_desk.models import Conversation, Entry

BATCH = 200


@transaction.atomic
def run_once() -> bool:
    """Wake a batch: state, log line and notification are one transaction, so each wakes once. True when there may be more."""
    now = clock.now()
    due = (
        Conversation.objects.filter(state=ConversationState.SNOOZED, snoozed_until__lte=now)
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("contact", "assignee")
        .order_by("snoozed_until")[:BATCH]
    )
    woken = list(due)
    for conversation in woken:
        conversation.state, conversation.snoozed_until = ConversationState.OPEN, None
        conversation.version += 1
        live.touch_on_commit("conversation", conversation.pk)
        if conversation.assignee is not None:
            told = format_lazy(_("The conversation with {name} is back."), name=conversation.contact.display_name)
            tell(conversation.assignee, told, conversation.get_absolute_url())
    Conversation.objects.bulk_update(woken, ["state", "snoozed_until", "version"])
    Entry.objects.bulk_create(
        [
            Entry(conversation=conversation, kind=EntryKind.LOG, data={"what": "woken", "by": "time"}, at=now)
            for conversation in woken
        ]
    )
    if woken:
        live.touch_on_commit("inbox")
    return len(woken) == BATCH


def lag() -> dict[str, float]:
    now = clock.now()
    due = Conversation.objects.filter(state=ConversationState.SNOOZED, snoozed_until__lte=now)
    oldest = due.order_by("snoozed_until").values_list("snoozed_until", flat=True).first()
    return {"waiting": due.count(), "oldest_seconds": (now - oldest).total_seconds() if oldest else 0}
