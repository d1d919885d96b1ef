"""Lines of what we did to the person, and of changes to the profile."""

from datetime import datetime
from functools import partial

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts.enums import Purpose, Stage
from contacts.lines.line import Line, Note, Properties, Renderer, text_of


def message_sent(p: Properties) -> Line:
    return _message(_("Message sent"), p, icon="send")


def message_held(p: Properties) -> Line:
    until = text_of(p, "until", "held_until")
    notes = (Note(_("until %(when)s") % {"when": _local(until)}, "clock"),) if until else ()
    return _message(_("Message held"), p, *notes, icon="clock-pause", tone="warn")


def message_suppressed(p: Properties) -> Line:
    return _message(_("Message not sent"), p, icon="send-off", tone="mute")


def message_failed(p: Properties) -> Line:
    return _message(_("Message failed"), p, icon="alert-circle", tone="bad")


def message_delivered(p: Properties) -> Line:
    return _message(_("Message delivered"), p, icon="checks", tone="ok")


def message_bounced(p: Properties) -> Line:
    return _message(_("Message bounced"), p, icon="arrow-back-up", tone="bad")


def message_opened(p: Properties) -> Line:
    machine = (Note(_("by a mail program, not by a person"), "robot"),) if p.get("machine") else ()
    return _message(_("Opened the message"), p, *machine, icon="mail-opened")


def message_clicked(p: Properties) -> Line:
    url = text_of(p, "label", "url")
    return _message(_("Opened the link"), p, *((Note(url, "link"),) if url else ()), icon="click", tone="ok")


def coupon_issued(p: Properties) -> Line:
    code = text_of(p, "code")
    notes = (Note(code, "barcode"),) if code else ()
    return Line(_("Got the coupon"), text_of(p, "name", "batch_name"), notes=notes, icon="ticket", tone="info")


def stage_changed(p: Properties) -> Line:
    before, after = _stage(text_of(p, "from")), _stage(text_of(p, "to"))
    reason = text_of(p, "reason")
    moved = f"{before} → {after}" if before else after
    # The built-in rules are named in English; one that somebody named stays as it is.
    notes = tuple(Note(text) for text in (reason and _(reason), text_of(p, "by_name")) if text)
    return Line(_("Stage changed"), moved, notes=notes, icon="flag", tone="info")


def tag_added(p: Properties) -> Line:
    return Line(_("Tagged"), text_of(p, "tag", "name"), notes=_by(p), icon="tag", tone="mute")


def tag_removed(p: Properties) -> Line:
    return Line(_("Tag removed"), text_of(p, "tag", "name"), notes=_by(p), icon="tag-off", tone="mute")


def contact_merged(p: Properties) -> Line:
    return Line(_("Merged with another contact"), _number(p, "other"), icon="git-merge", tone="info")


def contact_unmerged(p: Properties) -> Line:
    return Line(_("Separated from another contact again"), _number(p, "other"), icon="git-branch", tone="info")


def consent(title: str, icon: str, tone: str, p: Properties) -> Line:
    how = how_label(text_of(p, "how"))
    notes = tuple(Note(text) for text in (how, text_of(p, "reason"), text_of(p, "by_name")) if text)
    return Line(_(title), _label(Purpose, text_of(p, "purpose")), notes=notes, icon=icon, tone=tone)


def how_label(how: str) -> str:
    """Words for the proof of a consent; an unknown one is shown as it is."""
    known = {
        "follow": _("by following"),
        "double opt-in": _("confirmed by e-mail"),
        "staff": _("entered by staff"),
        "import": _("by an import"),
        "unsubscribe link": _("by the unsubscribe link"),
        "form": _("by a form"),
        "unfollow": _("by unfollowing"),
    }
    return known.get(how, how)


def segment_entered(p: Properties) -> Line:
    return Line(
        _("Entered the segment"), text_of(p, "name", "segment_name", "segment"), icon="filter-plus", tone="mute"
    )


def segment_left(p: Properties) -> Line:
    return Line(_("Left the segment"), text_of(p, "name", "segment_name", "segment"), icon="filter-minus", tone="mute")


def journey_entered(p: Properties) -> Line:
    return Line(_("Entered the journey"), text_of(p, "name", "journey_name", "journey"), icon="route", tone="info")


def journey_exited(p: Properties) -> Line:
    reason = text_of(p, "reason")
    known = {
        "completed": _("finished"),
        "finished": _("finished"),
        "goal": _("goal reached"),
        "exit": _("left by a rule"),
        "exited": _("left by a rule"),
        "unfollowed": _("unfollowed"),
        "rule": _("left by a rule"),
        "stopped": _("taken out by hand"),
        "ended": _("the journey was ended"),
        "merged": _("merged with another customer"),
    }
    notes = (Note(known.get(reason, reason)),) if reason else ()
    return Line(
        _("Left the journey"), text_of(p, "name", "journey_name", "journey"), notes=notes, icon="route-off", tone="mute"
    )


def reason_label(reason: str) -> str:
    """Words for the reason codes of the sending ledger; an unknown code is shown readably as it is."""
    known = {
        "quiet_hours": _("quiet hours of the recipient"),
        "channel_broken": _("the channel is broken"),
        "channel_paused": _("the channel is paused"),
        "retry": _("waiting to try again"),
        "contact_gone": _("the contact no longer exists"),
        "not_approved": _("the content is not approved"),
        "no_variant": _("the content has no text for this channel"),
        "no_account": _("no account is connected for the channel"),
        "no_address": _("no address on the channel"),
        "unreachable": _("no longer reachable at the address"),
        "suppressed_address": _("the address is on the suppression list"),
        "unsubscribed": _("unsubscribed"),
        "no_consent": _("no consent"),
        "window_closed": _("the 48-hour reply window is closed"),
        "window_used": _("the replies of this window are used up"),
        "capped": _("frequency cap reached"),
        "late": _("would be late because of quiet hours"),
        "expired": _("expired before it could be sent"),
        "cancelled": _("cancelled"),
        "address_gone": _("the platform says the address is gone"),
        "rejected": _("rejected by the platform"),
        "rendering": _("the content could not be rendered"),
        "exhausted": _("every try failed"),
        "uncertain": _("the platform may or may not have it"),
        "hard_bounce": _("bounced for good"),
        "soft_bounce": _("bounced for now"),
        "holdout": _("in the holdout"),
    }
    return known.get(reason, reason.replace("_", " "))


def _message(title: str, p: Properties, *notes: Note, icon: str, tone: str = "") -> Line:
    name = text_of(p, "title", "content_name", "name", "subject")
    origins = {
        "journey": _("from a journey"),
        "campaign": _("from a campaign"),
        "agent": _("by an agent"),
        "system": _("by the system"),
    }
    told = list(notes)
    if reason := text_of(p, "reason"):
        told.insert(0, Note(reason_label(reason), "info-circle", "warn" if tone in {"warn", "bad", "mute"} else ""))
    origin = text_of(p, "origin_name") or origins.get(text_of(p, "origin"), "")
    if origin:
        told.append(Note(origin))
    return Line(title, name, body=text_of(p, "text", "preview"), notes=tuple(told), icon=icon, tone=tone)


def _number(p: Properties, name: str) -> str:
    number = text_of(p, name)
    return f"#{number}" if number else ""


def _stage(value: str) -> str:
    return _label(Stage, value)


def _label(choices, value: str) -> str:
    return str(choices(value).label) if value in choices.values else value


def _local(moment: str) -> str:
    """An ISO moment in the time zone of the page."""
    return localtime(datetime.fromisoformat(moment)).strftime("%m-%d %H:%M")


def _by(p: Properties) -> tuple[Note, ...]:
    sources = {
        "manual": _("by hand"),
        "rule": _("by a rule"),
        "journey": _("by a journey"),
        "import": _("by an import"),
        "platform": _("by the platform"),
    }
    words = [sources.get(text_of(p, "source"), text_of(p, "source")), text_of(p, "by_name", "reason")]
    return tuple(Note(word) for word in words if word)


RENDERERS: dict[str, Renderer] = {
    "message_sent": message_sent,
    "message_held": message_held,
    "message_suppressed": message_suppressed,
    "message_failed": message_failed,
    "message_delivered": message_delivered,
    "message_bounced": message_bounced,
    "message_opened": message_opened,
    "message_clicked": message_clicked,
    "coupon_issued": coupon_issued,
    "stage_changed": stage_changed,
    "tag_added": tag_added,
    "tag_removed": tag_removed,
    "contact_merged": contact_merged,
    "contact_unmerged": contact_unmerged,
    "consent_granted": partial(consent, gettext_noop("Consent given"), "shield-check", "ok"),
    "consent_withdrawn": partial(consent, gettext_noop("Consent withdrawn"), "shield-x", "bad"),
    "segment_entered": segment_entered,
    "segment_left": segment_left,
    "journey_entered": journey_entered,
    "journey_exited": journey_exited,
}
