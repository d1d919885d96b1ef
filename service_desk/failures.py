"""Replies of ours that did not reach the customer: the conversation waits again and its agent is told, once."""

from collections.abc import Sequence

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Least
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts.consumers import EventRow
from contacts.enums import EventKind
from scrm.core.enums import Level
from scrm.core.notify import tell
from service_desk.enums import ConversationState, EntryKind
from service_desk.models import Conversation, Entry

FAILED = {EventKind.MESSAGE_FAILED, EventKind.MESSAGE_SUPPRESSED, EventKind.MESSAGE_BOUNCED}


def note(events: Sequence[EventRow]) -> None:
    """A log line for each failed reply; its event's id makes it once. A closed conversation stays closed, but is told of too."""
    failed = [event for event in events if event.kind in FAILED and _entry_id(event)]
    if not failed:
        return
    known = set(Entry.objects.filter(event_id__in=[e.id for e in failed]).values_list("event_id", flat=True))
    replies = {
        entry.pk: entry
        for entry in Entry.objects.filter(pk__in=[_entry_id(e) for e in failed], kind=EntryKind.REPLY).select_related(
            "author", "conversation__contact"
        )
    }
    for event in sorted(failed, key=lambda event: event.id):
        reply = replies.get(_entry_id(event))
        if event.id in known or reply is None:
            continue
        reason = str(event.properties.get("reason") or "")
        Entry.objects.create(
            conversation_id=reply.conversation_id,
            kind=EntryKind.LOG,
            event_id=event.id,
            data={"what": "not_sent", "reason": reason, "entry": reply.pk},
            at=event.occurred_at,
        )
        going = Conversation.objects.filter(pk=reply.conversation_id)
        going.update(version=F("version") + 1)
        going.exclude(state=ConversationState.CLOSED).update(
            waiting_since=Coalesce(Least("waiting_since", Value(reply.at)), Value(reply.at))
        )
        if reply.author is not None:
            tell(
                reply.author,
                format_lazy(_("Your reply to {name} did not go out."), name=reply.conversation.contact.display_name),
                reverse("service_desk:conversation", args=[reply.conversation_id]),
                Level.BAD,
            )


def _entry_id(event: EventRow) -> int:
    ref = event.properties.get("ref")
    entry = ref.get("entry") if isinstance(ref, dict) else None
    return entry if isinstance(entry, int) else 0
