"""What becomes of conversations when two contacts become one, and two again (settings.CONTACT_MERGE_HANDLERS,
CONTACT_UNMERGE_HANDLERS). Nothing is deleted."""

from django.db.models import F

from campaigns.models import Message
from contacts.models import Event, Identity
from scrm.core import live
from scrm.lib import clock
from service_desk import conversations
from service_desk.enums import ConversationState, EntryKind
from service_desk.models import Conversation, Entry


def merged(survivor_id: int, other_id: int) -> None:
    """The other's conversations become the survivor's. Where both have one going on the same account the survivor's goes on, and
    the other one is closed with a line that points at it."""
    now = clock.now()
    rows = Conversation.objects.select_for_update(no_key=True).order_by("pk")
    going = list(rows.filter(contact_id__in=[survivor_id, other_id]).going())
    mine = {c.account_id: c for c in going if c.contact_id == survivor_id}
    for theirs in [c for c in going if c.contact_id == other_id and c.account_id in mine]:
        kept = mine[theirs.account_id]
        _log(theirs, now, what="merged", into=kept.pk, state=theirs.state)
        _log(kept, now, what="joined", other=theirs.pk)
        if theirs.state == ConversationState.OPEN:
            kept.state, kept.snoozed_until = ConversationState.OPEN, None
        waits = [moment for moment in (kept.waiting_since, theirs.waiting_since) if moment]
        kept.waiting_since = min(waits, default=None)
        kept.unread += theirs.unread
        if theirs.last_at > kept.last_at:
            kept.last_at, kept.excerpt, kept.last_kind = theirs.last_at, theirs.excerpt, theirs.last_kind
        inbound = [moment for moment in (kept.last_inbound_at, theirs.last_inbound_at) if moment]
        kept.last_inbound_at = max(inbound, default=None)
        kept.assignee_id = kept.assignee_id or theirs.assignee_id
        theirs.state, theirs.closed_at, theirs.waiting_since, theirs.unread = ConversationState.CLOSED, now, None, 0
        # The other's first: at no moment may the survivor have two.
        for changed in (theirs, kept):
            changed.version += 1
            changed.save()
            live.touch_on_commit("conversation", changed.pk)
    Conversation.objects.filter(contact_id=other_id).update(contact_id=survivor_id, version=F("version") + 1)
    live.touch_on_commit("inbox")


def unmerged(survivor_id: int, other_id: int) -> None:
    """Conversations go back with the address they run on, one that the merge closed goes on again, and what either person said
    in the time of the merge goes to that person's own conversation."""
    theirs = set(Identity.objects.filter(contact_id=other_id).values_list("pk", flat=True))
    rows = Conversation.objects.select_for_update(no_key=True).order_by("pk")
    held = list(rows.filter(contact_id=survivor_id))
    for conversation in [c for c in held if c.identity_id in theirs]:
        conversation.contact_id = other_id
        conversation.version += 1
        conversation.save()
    by_merge = {
        entry.conversation_id: entry
        for entry in Entry.objects.filter(
            conversation__in=[c.pk for c in held], kind=EntryKind.LOG, data__what="merged"
        ).order_by("pk")
    }
    going = {c.account_id for c in held if c.contact_id == other_id and c.state != ConversationState.CLOSED}
    for conversation in [c for c in held if c.contact_id == other_id and c.pk in by_merge]:
        if conversation.state == ConversationState.CLOSED and conversation.account_id not in going:
            conversation.state, conversation.closed_at = ConversationState.OPEN, None
            conversation.save()
            going.add(conversation.account_id)
            _log(conversation, clock.now(), what="unmerged")
    touched = _sort_out([c.pk for c in held], survivor_id, other_id, theirs)
    conversations.derive([*{c.pk for c in held} | touched])
    for pk in {c.pk for c in held} | touched:
        live.touch_on_commit("conversation", pk)
    live.touch_on_commit("inbox")


def _sort_out(ids: list[int], survivor_id: int, other_id: int, theirs: set[int]) -> set[int]:
    """Move entries of one person out of the other's conversations; answers where they went."""
    entries = list(
        Entry.objects.filter(conversation__in=ids, kind__in=[EntryKind.CUSTOMER, EntryKind.REPLY]).select_related(
            "conversation"
        )
    )
    events = dict(
        Event.objects.filter(id__in=[e.event_id for e in entries if e.event_id]).values_list("id", "identity_id")
    )
    messages = dict(
        Message.objects.filter(pk__in=[e.message_id for e in entries if e.message_id]).values_list("pk", "identity_id")
    )
    places: dict[tuple[int, int], Conversation] = {}
    touched: set[int] = set()
    for entry in entries:
        identity_id = events.get(entry.event_id) if entry.event_id else messages.get(entry.message_id)
        if identity_id is None:
            continue
        owner = other_id if identity_id in theirs else survivor_id
        if owner == entry.conversation.contact_id:
            continue
        key = (owner, entry.conversation.account_id)
        if key not in places:
            places[key] = _place(*key, entry, identity_id)
        Entry.objects.filter(pk=entry.pk).update(conversation=places[key])
        touched |= {places[key].pk, entry.conversation_id}
    return touched


def _place(contact_id: int, account_id: int, entry: Entry, identity_id: int) -> Conversation:
    """The person's conversation on the account: the one going, else the last, else a new one."""
    rows = Conversation.objects.filter(contact_id=contact_id, account_id=account_id)
    found = rows.going().first() or rows.order_by("-last_at", "-pk").first()
    return found or Conversation.objects.create(
        contact_id=contact_id,
        channel=entry.conversation.channel,
        account_id=account_id,
        identity_id=identity_id,
        opened_at=entry.at,
        last_at=entry.at,
    )


def _log(conversation: Conversation, at, **data: object) -> None:
    Entry.objects.create(conversation=conversation, kind=EntryKind.LOG, data=data, at=at)
