"""What the views of the inbox share: where to go back to, and the context of a page."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from channels_ingest.models import Channel
from contacts.enums import ChannelKind
from scrm.core.enums import Level
from scrm.core.pages import done
from scrm.lib import clock
from service_desk import actions
from service_desk import composer as box
from service_desk.enums import ConversationState, EntryKind, Presence
from service_desk.lines import excerpt_text, waited
from service_desk.models import AgentPresence, Conversation
from service_desk.models.presence import presence_of
from service_desk.queries import inbox as lists
from service_desk.queries import people, thread

WAITS_LONG = 3600
"""Seconds after which a customer who waits is shown in red."""


def list_context(request: HttpRequest, on: int | None = None) -> dict[str, Any]:
    listed = lists.read(request.user, lists.Wish.read(request.GET))
    now = clock.now()
    for row in listed.rows:
        row.shown = excerpt_text(row.excerpt)
        row.ours = row.last_kind == EntryKind.REPLY
        row.ticket = listed.tickets.get(row.pk)
        seconds = (now - row.waiting_since).total_seconds() if row.waiting_since else 0
        row.waited = waited(row.waiting_since, now) if row.waiting_since else ""
        row.tone = "bad" if seconds > WAITS_LONG else "warn"
    return {"listed": listed, "wish": listed.wish, "on": on, "channel_choices": lists.CHANNELS}


def thread_context(request: HttpRequest, conversation: Conversation, **shown: Any) -> dict[str, Any]:
    found = thread.read(conversation, request.user)
    written = box.make(conversation, found, request.user, **shown)
    return {
        "conversation": conversation,
        "contact": conversation.contact,
        "thread": found,
        "box": written,
        "ways": [{"way": way, "label": box.label(way)} for way in written.offered],
        "waited": waited(conversation.waiting_since, clock.now()) if conversation.waiting_since else "",
        "account": Channel.objects.filter(pk=conversation.account_id).only("id", "name").first(),
        "kept": lists.Wish.read(request.GET).kept,
        "closed": conversation.state == ConversationState.CLOSED,
        "snoozed": conversation.state == ConversationState.SNOOZED,
        "mine": conversation.assignee_id == request.user.pk,
    }


def page_context(request: HttpRequest, conversation: Conversation | None, **shown: Any) -> dict[str, Any]:
    """The whole workbench."""
    actions.note_seen(user=request.user)
    if conversation is not None:
        actions.mark_read(conversation=conversation)
    context = {**list_context(request, conversation.pk if conversation else None), "presence": presence(request)}
    if conversation is not None:
        context |= thread_context(request, conversation, **shown)
        context["known"] = people.known(conversation, request.user)
        names = [colleague.user.name for colleague in people.desk() if colleague.user.pk != request.user.pk]
        context["box"].colleagues = names
    context["own_address"] = reverse("service_desk:inbox")
    return context


def presence(request: HttpRequest) -> dict[str, Any]:
    held = AgentPresence.objects.filter(user=request.user).first()
    state = held.state if held else presence_of(False, None)
    return {"state": state, "label": state.label, "online": state == Presence.ONLINE}


def kept(request: HttpRequest) -> str:
    """The query string of the list that a form carries along, cleaned."""
    return lists.Wish.read(QueryDict(request.POST.get("back", "")[:600])).kept


def back(request: HttpRequest, conversation: Conversation, text: str, level: Level = Level.OK) -> HttpResponse:
    """To the conversation again, in the list it was opened from."""
    query = kept(request)
    address = conversation.get_absolute_url()
    return done(request, f"{address}?{query}" if query else address, text, level)


def channel_label(kind: str) -> str:
    return str(ChannelKind(kind).label) if kind in ChannelKind.values else kind
