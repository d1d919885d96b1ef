"""Why somebody did or did not get a message: the decisions of its row, as sentences in the reader's language."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.enums import Reason, State, SuppressionReason
from campaigns.models import Message
from contacts.enums import ChannelKind, ConsentState, Purpose
from scrm.core import formats

Look = dict[str, Any]
TONES = {
    State.QUEUED: "info",
    State.HELD: "warn",
    State.LEASED: "info",
    State.ATTEMPTING: "info",
    State.SENT: "ok",
    State.DELIVERED: "ok",
    State.BOUNCED: "bad",
    State.SUPPRESSED: "mute",
    State.FAILED: "bad",
    State.EXPIRED: "mute",
    State.UNKNOWN: "warn",
}


@dataclass(slots=True)
class Step:
    """One thing that happened to the message."""

    at: datetime
    title: str
    icon: str
    tone: str
    sentences: list[str] = field(default_factory=list)


def headline(message: Message) -> str:
    """One sentence: what became of it."""
    channel = message.get_channel_display() if message.channel else ""
    if message.state == State.HELD and message.hold_until:
        return _("Waits until {until}: {reason}.").format(
            until=formats.absolute(message.hold_until)[:16], reason=_label(message.reason)
        )
    if message.state in {State.SENT, State.DELIVERED} and message.sent_at:
        return _("Sent by {channel} at {when}.").format(channel=channel, when=formats.absolute(message.sent_at)[:16])
    if message.reason:
        return _("{state}: {reason}").format(state=message.get_state_display(), reason=_label(message.reason))
    return str(message.get_state_display())


def steps(message: Message) -> list[Step]:
    """The whole story, oldest first."""
    found = [_step(look, message) for look in message.decisions]
    for at, title, icon, tone in (
        (message.delivered_at, _("Delivered"), "checks", "ok"),
        (message.machine_opened_at, _("Opened by a mail program, not by a person"), "robot", "mute"),
        (message.opened_at, _("Opened"), "mail-opened", "ok"),
        (message.clicked_at, _("A link was clicked"), "click", "ok"),
    ):
        if at:
            found.append(Step(at, title, icon, tone))
    return sorted(found, key=lambda step: step.at)


def _step(look: Look, message: Message) -> Step:
    at = datetime.fromisoformat(look["at"])
    tell = {
        "plan": _checked,
        "dispatch": _checked,
        "attempt": _attempted,
        "stopped": _stopped,
        "expired": _stopped,
        "lost": _lost,
        "render": _unrendered,
        "bounce": _bounced,
        "report": _reported,
        "settled": _settled,
    }.get(look.get("stage", ""), _other)
    return tell(at, look, message)


def _checked(at: datetime, look: Look, message: Message) -> Step:
    """One look at all the gates."""
    reason = look.get("reason", "")
    again = look["stage"] == "dispatch"
    sentences = [
        *_tried(look, message),
        *_chosen(look, message),
        *_quiet(look, at, message),
        *_caps(look, message),
        *_expiry(look, reason),
    ]
    if reason == Reason.NOT_APPROVED:
        sentences.append(_("Only approved content is sent."))
    if reason in {Reason.CHANNEL_BROKEN, Reason.CHANNEL_PAUSED}:
        sentences.append(_("It waits and goes out by itself when the channel works again."))
    if reason in {"", Reason.CHANNEL_BROKEN, Reason.CHANNEL_PAUSED}:
        return Step(
            at, _("Checked again: may be sent") if again else _("Planned: may be sent"), "shield-check", "ok", sentences
        )
    title = _("Checked again: {reason}") if again else _("Planned: {reason}")
    icon, tone = ("clock-pause", "warn") if reason == Reason.QUIET_HOURS else ("shield-x", "bad")
    return Step(at, title.format(reason=_label(reason)), icon, tone, sentences)


def _tried(look: Look, message: Message) -> Iterable[str]:
    """Channels that were passed over. What failed behind the one that was chosen does not matter."""
    order = {channel: n for n, channel in enumerate(message.channels)}
    chosen = order.get(look.get("channel") or "", len(order))
    for tried in look.get("tried") or []:
        if order.get(tried["channel"], -1) < chosen:
            yield _("{channel}: {why}").format(channel=_channel(tried["channel"]), why=_why(tried))


def _why(tried: Look) -> str:
    """Why one channel was passed over, with the facts."""
    reason = tried.get("reason", "")
    if reason == Reason.WINDOW_CLOSED:
        last = _latest(tried)
        if last is None:
            return _("the customer has never written here, so the platform allows no message.")
        return _("the reply window is closed; the customer’s last act here was at {when}.").format(when=last)
    if reason == Reason.WINDOW_USED:
        return _("the messages that the platform allows since the customer’s last act are used up.")
    if reason == Reason.SUPPRESSED_ADDRESS and tried.get("suppression") in SuppressionReason.values:
        return _("the address is on the suppression list ({why}).").format(
            why=SuppressionReason(tried["suppression"]).label
        )
    if reason == Reason.NO_CONSENT:
        if tried.get("consent") == ConsentState.PENDING:
            return _("the consent to marketing waits for its confirmation.")
        return _("no consent to marketing was given.")
    if reason == Reason.UNSUBSCRIBED and tried.get("consent_at"):
        return _("unsubscribed at {when}.").format(when=_clock(tried["consent_at"]))
    return _("{reason}.").format(reason=_label(reason))


def _chosen(look: Look, message: Message) -> Iterable[str]:
    channel = look.get("channel") or ("" if look.get("tried") else message.channel)
    if not channel:
        return
    yield _("Channel: {channel}.").format(channel=_channel(channel))
    window = look.get("window")
    if window:
        opened = (
            _("a message of the customer") if window["opened_by"] == "message" else _("a follow, scan or menu click")
        )
        yield _(
            "The reply window was opened by {what} at {when} and closes at {end}; {used} of {limit} messages used."
        ).format(
            what=opened,
            when=_clock(window["opened_at"]),
            end=_clock(window["closes_at"]),
            used=window["used"],
            limit=window["limit"],
        )


def _quiet(look: Look, at: datetime, message: Message) -> Iterable[str]:
    zone = look.get("zone")
    if not zone:
        return
    source = {"contact": _("the customer’s"), "region": _("from the region"), "company": _("the company’s")}.get(
        look.get("zone_from", ""), ""
    )
    where = _("{time} in {zone} ({source})").format(time=_in(at, zone), zone=zone, source=source)
    until = look.get("quiet_until")
    if message.purpose != Purpose.MARKETING:
        if until:
            yield _("It was {where}, within quiet hours; only marketing waits.").format(where=where)
    elif until:
        yield _("It was {where}: quiet hours until {until}.").format(
            where=where, until=_in(datetime.fromisoformat(until), zone)
        )
        hold = look.get("hold_until")
        if hold and datetime.fromisoformat(hold) != datetime.fromisoformat(until):
            yield _("Many messages wait for this moment, so they are spread; this one leaves at {when}.").format(
                when=_in(datetime.fromisoformat(hold), zone, seconds=True)
            )
        if look.get("reason") == Reason.LATE:
            yield _("The sender wanted it rather not at all than late.")
    else:
        yield _("It was {where}: no quiet hours.").format(where=where)


def _caps(look: Look, message: Message) -> Iterable[str]:
    caps = look.get("caps") or []
    if message.purpose != Purpose.MARKETING or not caps:
        return
    said = [
        _("{used} of {limit} in {days}").format(
            used=cap["used"], limit=cap["limit"], days=ngettext("1 day", "{n} days", cap["days"]).format(n=cap["days"])
        )
        for cap in caps
    ]
    full = look.get("reason") == Reason.CAPPED
    yield (_("Frequency cap reached: {uses}.") if full else _("Marketing messages so far: {uses}.")).format(
        uses=_(", ").join(said)
    )


def _expiry(look: Look, reason: str) -> Iterable[str]:
    if reason == Reason.EXPIRED and look.get("expires_at"):
        yield _("It was only worth sending until {when}.").format(when=_clock(look["expires_at"]))


def _attempted(at: datetime, look: Look, message: Message) -> Step:
    said = [_("The platform’s words: {words}").format(words=_error(look))] if look.get("error") else []
    result = look.get("result")
    title = {
        "send": _("Handed to the platform"),
        "retry": _("Try {n} failed").format(n=look.get("no", 1)),
        "next": _("Not taken: {reason}").format(reason=_label(look.get("reason", ""))),
        "lose": _("No answer: the platform may or may not have it"),
        "suppress": _("Not taken: {reason}").format(reason=_label(look.get("reason", ""))),
        "fail": _("Refused: {reason}").format(reason=_label(look.get("reason", ""))),
        "expire": _("Failed, and too late for another try"),
    }.get(result, str(result))
    if look.get("again_at"):
        if result == "next":
            said.append(_("The next channel is tried."))
        elif look.get("reason") == Reason.CHANNEL_BROKEN:
            said.append(_("It waits and goes out by itself when the channel works again."))
        else:
            said.append(_("Next try at {when}.").format(when=_clock(look["again_at"], seconds=True)))
    icon, tone = {
        "send": ("send", "ok"),
        "retry": ("refresh", "warn"),
        "next": ("arrow-forward-up", "warn"),
        "lose": ("help-circle", "warn"),
    }.get(result, ("alert-circle", "bad"))
    return Step(at, title, icon, tone, said)


def _stopped(at: datetime, look: Look, message: Message) -> Step:
    return Step(at, _("Stopped: {reason}").format(reason=_label(look.get("reason", ""))), "player-stop", "mute")


def _lost(at: datetime, look: Look, message: Message) -> Step:
    words = _(
        "The process was interrupted while the platform was being asked."
        " It is not sent again by itself, so that nobody gets it twice."
    )
    return Step(at, _("The platform may or may not have it"), "help-circle", "warn", [words])


def _unrendered(at: datetime, look: Look, message: Message) -> Step:
    return Step(at, _("The content could not be rendered"), "alert-circle", "bad", [str(look.get("error", ""))])


def _bounced(at: datetime, look: Look, message: Message) -> Step:
    return Step(
        at, _label(look.get("reason", "")), "arrow-back-up", "bad", [str(look["error"])] if look.get("error") else []
    )


def _reported(at: datetime, look: Look, message: Message) -> Step:
    said = [_("The platform’s words: {words}").format(words=look["error"])] if look.get("error") else []
    return Step(at, _("The platform reports that it was not delivered"), "alert-circle", "bad", said)


def _settled(at: datetime, look: Look, message: Message) -> Step:
    sent = look.get("result") == State.SENT
    title = _("{who} decided: it arrived") if sent else _("{who} decided: send it again")
    return Step(at, title.format(who=look.get("by", "")), "user-check", "ok" if sent else "info")


def _other(at: datetime, look: Look, message: Message) -> Step:
    return Step(at, str(look.get("stage", "")), "point", "mute")


def _error(look: Look) -> str:
    code = f" ({look['code']})" if look.get("code") else ""
    # Connectors give English sentences that are marked for translation in their own room.
    return _(look["error"]) + code


def _latest(tried: Look) -> str | None:
    moments = [tried[name] for name in ("last_inbound_at", "last_touch_at") if tried.get(name)]
    return _clock(max(moments, key=datetime.fromisoformat)) if moments else None


def _label(reason: str) -> str:
    return str(Reason(reason).label) if reason in Reason.values else reason


def _channel(kind: str) -> str:
    return str(ChannelKind(kind).label) if kind in ChannelKind.values else kind


def _clock(moment: str, *, seconds: bool = False) -> str:
    return formats.absolute(datetime.fromisoformat(moment))[: 19 if seconds else 16]


def _in(moment: datetime, zone: str, *, seconds: bool = False) -> str:
    """Wall-clock time in a zone: 11月20日 22:30."""
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:
        return formats.absolute(moment)
    day = date_format(local, "n月j日" if (get_language() or "").startswith("zh") else "M j")
    return f"{day} {local:%H:%M:%S}" if seconds else f"{day} {local:%H:%M}"
