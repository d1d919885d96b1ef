"""One conversation as it was: what the customer said, what we said, notes, what happened; and as context what campaigns, journeys
and automatic replies wrote to the customer on the same account meanwhile."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.timezone import localtime

from campaigns.enums import Origin, State
from campaigns.models import Message
from contacts.enums import EventKind
from contacts.models import Event
from scrm.core.models import User
from service_desk import lines
from service_desk.enums import EntryKind
from service_desk.models import Conversation, Entry

PAGE = 60
CONTEXT_MOST = 40
CONTEXT_BEFORE = timedelta(days=2)
"""How far before the first entry context is shown: what the customer may be answering to."""


@dataclass(slots=True)
class Item:
    """One bubble or line of the thread. ``look`` is the class of the stylesheet: in, out, memo, bot, sys."""

    at: datetime
    look: str
    order: int
    who: str = ""
    text: str = ""
    kind: str = "text"
    data: dict[str, Any] = field(default_factory=dict)
    state: lines.ReplyState | None = None
    message_id: int | None = None
    channel: str = ""
    new_day: date | None = None

    @property
    def icon(self) -> str:
        return lines.TYPE_ICONS.get(self.kind, "")

    @property
    def type_text(self) -> str:
        return lines.type_text(self.kind)

    @property
    def is_public(self) -> bool:
        """Said in public, under a post."""
        return self.kind in {"comment", "mention"}


@dataclass(slots=True)
class Thread:
    items: list[Item]
    earlier: int | None
    """Id of the oldest entry shown, when there are older ones."""
    other: int
    """Id of the last reply of anybody but the reader: what a writer must have seen."""
    comment: Entry | None = None
    """The customer's last comment or mention, which can be answered in public."""
    last_is_public: bool = False


def read(conversation: Conversation, reader: User, before: int | None = None) -> Thread:
    """The newest page, or the one before an entry. Five queries."""
    rows = Entry.objects.filter(conversation=conversation).select_related("author")
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[: PAGE + 1])
    more, entries = len(found) > PAGE, found[:PAGE]
    messages = {
        m.pk: m
        for m in Message.objects.filter(pk__in=[e.message_id for e in entries if e.message_id]).only(
            "id", "state", "reason"
        )
    }
    items = [_item(entry, messages.get(entry.message_id), conversation) for entry in entries]
    since = min((item.at for item in items), default=conversation.opened_at)
    until = max((item.at for item in items), default=since) if before else None
    items += _context(conversation, since if more else since - CONTEXT_BEFORE, until)
    items.sort(key=lambda item: (item.at, item.order))
    _days(items)
    replies = Entry.objects.filter(conversation=conversation, kind=EntryKind.REPLY).exclude(author=reader)
    other = replies.order_by("-id").values_list("pk", flat=True).first() or 0
    said = [entry for entry in entries if entry.kind == EntryKind.CUSTOMER]
    public = [
        entry for entry in said if entry.data.get("type") in {"comment", "mention"} and entry.data.get("comment_id")
    ]
    return Thread(
        items,
        entries[-1].pk if more and entries else None,
        other,
        public[0] if public else None,
        bool(public and said and public[0].pk == said[0].pk),
    )


def _item(entry: Entry, message: Message | None, conversation: Conversation) -> Item:
    who = entry.author.name if entry.author else ""
    item = Item(entry.at, "sys", entry.pk, who, entry.body, str(entry.data.get("type") or "text"), entry.data)
    if entry.kind == EntryKind.CUSTOMER:
        item.look, item.who = "in", conversation.contact.display_name
    elif entry.kind == EntryKind.REPLY:
        item.look, item.message_id = "out", entry.message_id
        item.channel = str(entry.data.get("channel") or "")
        item.state = lines.reply_state(message.state, message.reason) if message else None
    elif entry.kind == EntryKind.NOTE:
        item.look = "memo"
    else:
        item.text = lines.log_text(entry.data, who)
    return item


def _context(conversation: Conversation, since: datetime, until: datetime | None) -> list[Item]:
    """Messages of campaigns, journeys and the system that left by this account, and automatic replies."""
    sent = (
        Message.objects.filter(
            contact=conversation.contact_id,
            account_id=conversation.account_id,
            next_at__gte=since,
            state__in=[State.SENT, State.DELIVERED, State.UNKNOWN],
        )
        .exclude(origin=Origin.AGENT)
        .select_related("content")
        .only("id", "state", "reason", "sent_at", "next_at", "origin", "body", "content__name")
        .order_by("-id")
    )
    replied = Event.objects.filter(
        contact_id=conversation.contact_id,
        account_id=conversation.account_id,
        kind=EventKind.AUTO_REPLIED,
        occurred_at__gte=since,
    )
    if until is not None:
        sent, replied = sent.filter(next_at__lte=until), replied.filter(occurred_at__lte=until)
    items = [
        Item(
            message.sent_at or message.next_at,
            "bot",
            0,
            str(message.get_origin_display()),
            message.title,
            "programme",
            state=lines.reply_state(message.state, message.reason),
            message_id=message.pk,
        )
        for message in sent[:CONTEXT_MOST]
    ]
    for event in replied.order_by("-occurred_at", "-id")[:CONTEXT_MOST]:
        text = str((event.properties or {}).get("text") or "")
        items.append(Item(event.occurred_at, "bot", 0, "", text, "auto"))
    return items


def _days(items: list[Item]) -> None:
    last = None
    for item in items:
        day = localtime(item.at).date()
        if day != last:
            item.new_day = last = day
