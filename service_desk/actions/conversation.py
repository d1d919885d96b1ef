"""What agents do with a conversation. Each locks its row, writes a line into the thread and the audit log, and is seen at once by
everybody who has the conversation open."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from campaigns.enums import Origin
from campaigns.models import Message
from campaigns.sending import SendRequest, Way, submit
from contacts.enums import Purpose
from contacts.models import Contact
from scrm.core import audit, live
from scrm.core.models import Team, User
from scrm.core.notify import tell
from scrm.lib import clock
from service_desk import mentions
from service_desk.conversations import excerpt
from service_desk.enums import ConversationState, EntryKind
from service_desk.models import CannedReply, Conversation, Entry


class Outdated(Exception):
    """The conversation has moved on since the writer looked."""


class Closed(Exception):
    """The conversation is closed, or cannot go on because another one with the customer does. ``going`` is that other one."""

    def __init__(self, going: int | None = None) -> None:
        super().__init__()
        self.going = going


class CannotReply(Exception):
    """The gates say no. ``reason`` is a campaigns.enums.Reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def post_reply(
    *,
    conversation: Conversation,
    text: str,
    way: Way,
    version: int,
    by: User,
    data: dict[str, object] | None = None,
    canned: int | None = None,
) -> Entry:
    """Answer the customer through the ledger. ``way`` is one that campaigns.sending.ways offered, ``data`` goes into the body
    (comment_id, post_id, subject). Nothing is kept when the gates refuse. Raises Outdated, Closed, CannotReply."""
    # The customer first: that is the order of a merge too.
    Contact.objects.select_for_update(no_key=True).get(pk=conversation.contact_id)
    row = _locked(conversation, version)
    if row.state == ConversationState.CLOSED:
        raise Closed
    now = clock.now()
    if row.assignee_id is None:
        row.assignee = by
        _log(row, "taken", by, by)
    entry = Entry.objects.create(
        conversation=row,
        kind=EntryKind.REPLY,
        author=by,
        body=text,
        data={"type": way.kind, "channel": way.channel, **(data or {})},
        at=now,
    )
    row.state, row.snoozed_until = ConversationState.OPEN, None
    row.waiting_since, row.unread = None, 0
    row.last_at, row.last_kind, row.excerpt = now, EntryKind.REPLY, excerpt(way.kind, text)
    _save(row)
    if canned:
        CannedReply.objects.filter(pk=canned).update(used=F("used") + 1)
    audit.record(by, "conversation.replied", row, channel=way.channel)
    key = f"reply:{entry.pk}"
    request = SendRequest(
        key=key,
        contact_id=row.contact_id,
        content_id=None,
        body={"kind": way.kind, "text": text, "data": data or {}},
        purpose=Purpose.SERVICE,
        origin=Origin.AGENT,
        origin_id=by.pk,
        channels=[way.channel],
        ref={"conversation": row.pk, "entry": entry.pk},
        identity_id=way.identity_id,
    )
    entry.message_id = submit([request])[key]
    entry.save(update_fields=["message_id"])
    state, reason = Message.objects.values_list("state", "reason").get(pk=entry.message_id)
    if state not in {"queued", "held"}:
        raise CannotReply(reason)
    return entry


@transaction.atomic
def post_note(*, conversation: Conversation, text: str, by: User) -> Entry:
    """A note for us alone. Colleagues named with @ are told, with a link."""
    row = _locked(conversation)
    named = mentions.find(text, row.contact)
    entry = Entry.objects.create(
        conversation=row,
        kind=EntryKind.NOTE,
        author=by,
        body=text,
        data={"mentions": [user.pk for user in named]},
        at=clock.now(),
    )
    _save(row)
    others = [user for user in named if user.pk != by.pk]
    if others:
        told = format_lazy(
            _("{who} mentioned you in the conversation with {name}."), who=by.name, name=row.contact.display_name
        )
        tell(others, told, row.get_absolute_url())
    audit.record(by, "conversation.noted", row)
    return entry


@transaction.atomic
def assign_conversation(
    *, conversation: Conversation, to: User | None, team: Team | None = None, note: str = "", by: User | None
) -> Conversation:
    """Give it to a colleague, a team or back to the queue. The new one is told; ``note`` becomes a private note."""
    row = _locked(conversation)
    if row.assignee_id == (to.pk if to else None) and row.team_id == (team.pk if team else None) and not note:
        return row
    row.assignee, row.team = to, team
    if to is None:
        _log(row, "released", by, team=team)
    else:
        _log(row, "taken" if by is not None and to.pk == by.pk else "assigned", by, to, team=team)
    if note:
        Entry.objects.create(conversation=row, kind=EntryKind.NOTE, author=by, body=note, data={}, at=clock.now())
    _save(row)
    if to is not None and (by is None or to.pk != by.pk):
        told = (
            format_lazy(_("{who} handed you the conversation with {name}."), who=by.name, name=row.contact.display_name)
            if by is not None
            else format_lazy(_("The conversation with {name} is yours now."), name=row.contact.display_name)
        )
        tell(to, told, row.get_absolute_url())
    audit.record(by, "conversation.assigned", row, to=to.pk if to else None, team=str(team) if team else "")
    return row


@transaction.atomic
def snooze_conversation(*, conversation: Conversation, until: datetime, by: User) -> Conversation:
    """Off the desk until a time (business clock) or the customer's next message. Raises Closed."""
    row = _locked(conversation)
    if row.state == ConversationState.CLOSED:
        raise Closed
    row.state, row.snoozed_until = ConversationState.SNOOZED, until
    row.assignee = row.assignee or by
    _log(row, "snoozed", by, until=until.isoformat())
    _save(row)
    audit.record(by, "conversation.snoozed", row)
    return row


@transaction.atomic
def close_conversation(*, conversation: Conversation, by: User | None) -> Conversation:
    """Done. The customer's next message opens a new one. Closing twice changes nothing."""
    row = _locked(conversation)
    if row.state == ConversationState.CLOSED:
        return row
    row.state, row.closed_at = ConversationState.CLOSED, clock.now()
    row.snoozed_until, row.waiting_since, row.unread = None, None, 0
    row.assignee = row.assignee or by
    _log(row, "closed", by)
    _save(row)
    audit.record(by, "conversation.closed", row)
    return row


@transaction.atomic
def reopen_conversation(*, conversation: Conversation, by: User) -> Conversation:
    """Back on the desk, from closed or snoozed. Raises Closed when another one with the customer is going on this account."""
    row = _locked(conversation)
    if row.state == ConversationState.OPEN:
        return row
    row.state, row.closed_at, row.snoozed_until = ConversationState.OPEN, None, None
    try:
        with transaction.atomic():
            _save(row)
    except IntegrityError:
        others = Conversation.objects.going().filter(contact_id=row.contact_id, account_id=row.account_id)
        raise Closed(others.values_list("pk", flat=True).first()) from None
    _log(row, "reopened", by)
    audit.record(by, "conversation.reopened", row)
    return row


def mark_read(*, conversation: Conversation) -> None:
    """Somebody of ours looks at it. No version: looking decides nothing."""
    if Conversation.objects.filter(pk=conversation.pk, unread__gt=0).update(unread=0):
        live.touch_on_commit("inbox")
        conversation.unread = 0


def _locked(conversation: Conversation, version: int | None = None) -> Conversation:
    row = (
        Conversation.objects.select_for_update(no_key=True, of=("self",))
        .select_related("contact", "assignee")
        .get(pk=conversation.pk)
    )
    if version is not None and row.version != version:
        raise Outdated
    return row


def _save(row: Conversation) -> None:
    row.version += 1
    row.save()
    live.touch_on_commit("inbox")
    live.touch_on_commit("conversation", row.pk)


def _log(row: Conversation, what: str, by: User | None, to: User | None = None, **data: object) -> None:
    """Names are kept as they were, so that the line reads the same when somebody is renamed."""
    told = {
        "what": what,
        "to": to.name if to else None,
        "team": str(data.pop("team")) if data.get("team") else None,
        **data,
    }
    told = {name: value for name, value in told.items() if value is not None}
    Entry.objects.create(conversation=row, kind=EntryKind.LOG, author=by, data=told, at=clock.now())
