"""What a conversation says, in the reader's language: log lines, excerpts without words, states of replies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from campaigns.enums import Reason, State
from campaigns.queries import reason_label
from scrm.core import formats

TYPES = {
    "image": gettext_lazy("[Picture]"),
    "voice": gettext_lazy("[Voice message]"),
    "video": gettext_lazy("[Video]"),
    "location": gettext_lazy("[Location]"),
    "link": gettext_lazy("[Link]"),
    "file": gettext_lazy("[File]"),
    "comment": gettext_lazy("[Comment]"),
    "mention": gettext_lazy("[Mention]"),
}
TYPE_ICONS = {
    "image": "photo",
    "voice": "microphone",
    "video": "video",
    "location": "map-pin",
    "link": "link",
    "file": "file",
}


def type_text(kind: str) -> str:
    return str(TYPES.get(kind) or _("[Message]"))


def excerpt_text(excerpt: str) -> str:
    """The line of the list; a message without words is called by its type."""
    if excerpt.startswith("[") and excerpt.endswith("]") and excerpt[1:-1].isascii() and " " not in excerpt:
        return type_text(excerpt[1:-1])
    return excerpt


def waited(since: datetime, now: datetime) -> str:
    """How long somebody has waited, in the largest unit."""
    minutes = max(int((now - since).total_seconds()) // 60, 0)
    if minutes < 60:
        return ngettext("waits %(n)s min", "waits %(n)s min", minutes) % {"n": minutes}
    if minutes < 1440:
        return ngettext("waits %(n)s hour", "waits %(n)s hours", minutes // 60) % {"n": minutes // 60}
    return ngettext("waits %(n)s day", "waits %(n)s days", minutes // 1440) % {"n": minutes // 1440}


def log_text(data: dict[str, Any], who: str) -> str:
    """One line about what happened. ``who`` is empty when nobody of ours did it."""
    what, to, team = data.get("what", ""), data.get("to", ""), data.get("team", "")
    if what == "assigned":
        return _("{who} handed it to {to}").format(who=who, to=to) if who else _("Assigned to {to}").format(to=to)
    if what == "released":
        if team:
            return _("{who} gave it to the team {team}").format(who=who or _("The system"), team=team)
        return _("{who} put it back into the queue").format(who=who or _("The system"))
    if what == "snoozed":
        until = formats.absolute(datetime.fromisoformat(data["until"]))[:16]
        return _("{who} snoozed it until {until}").format(who=who, until=until)
    if what == "woken":
        return (
            _("Back on the desk: the customer wrote")
            if data.get("by") == "message"
            else _("Back on the desk: it is time")
        )
    if what == "not_sent":
        return _("A reply did not go out: {reason}").format(reason=reason_label(str(data.get("reason", ""))))
    plain = {
        "taken": _("{who} took the conversation") if who else _("Taken by {to}"),
        "closed": _("{who} closed the conversation") if who else _("Closed"),
        "reopened": _("{who} reopened the conversation"),
        "followed": _("Goes on from conversation #{previous}"),
        "merged": _("Two contacts were merged: it goes on in conversation #{into}"),
        "joined": _("Two contacts were merged: conversation #{other} belongs here too"),
        "unmerged": _("The contacts were separated again"),
    }.get(what)
    return plain.format(who=who, to=to, **_numbers(data)) if plain else str(what)


def _numbers(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data.get(name, "") for name in ("previous", "into", "other")}


@dataclass(frozen=True, slots=True)
class ReplyState:
    """Where a reply of ours is, beside its bubble."""

    text: str
    icon: str
    tone: str = ""
    failed: bool = False


def reply_state(state: str, reason: str) -> ReplyState:
    if state == State.DELIVERED:
        return ReplyState(_("Delivered"), "checks")
    if state == State.SENT:
        return ReplyState(_("Sent"), "check")
    if state in {State.QUEUED, State.HELD, State.LEASED, State.ATTEMPTING}:
        if reason in {Reason.CHANNEL_BROKEN, Reason.CHANNEL_PAUSED, Reason.RETRY}:
            return ReplyState(_("Waits: {reason}").format(reason=reason_label(reason)), "clock-pause", "warn")
        return ReplyState(pgettext("reply", "On its way"), "clock")
    if state == State.UNKNOWN:
        return ReplyState(_("May have arrived: the platform gave no answer"), "help-circle", "warn")
    return ReplyState(_("Not sent: {reason}").format(reason=reason_label(reason)), "alert-circle", "bad", failed=True)


def why_closed(reason: str) -> str:
    """Why this channel takes no reply now, for the person who wants to write."""
    if reason == Reason.WINDOW_CLOSED:
        return _("The platform’s reply window is closed: it takes nothing from us until the customer writes again.")
    if reason == Reason.WINDOW_USED:
        return _(
            "The messages that the platform allows in this window are used up; the customer’s next message gives new ones."
        )
    if reason == Reason.UNREACHABLE:
        return _("The customer does not follow us any more, so nothing arrives here.")
    return _("{reason}.").format(reason=reason_label(reason))


def comment_words() -> str:
    return _("Public reply to the comment")


def too_long(length: int, most: int) -> str:
    return _("Too long for this channel: {length} of {most}. Shorten it or send two messages.").format(
        length=length, most=most
    )
