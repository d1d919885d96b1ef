from datetime import timedelta

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns import sending
from campaigns.enums import ContentState, Origin
from campaigns.enums import Reason as WhyNot
from campaigns.models import Content
from contacts import segments
from contacts.enums import ChannelKind
from journeys.enums import FALL_BACKS, Outcome
from journeys.graph import graph_of
from journeys.steps.base import Kind, Problem, StepForm, Told

NEXT = "next"
ORIGIN = Origin.JOURNEY.value
LOOKS = {
    ChannelKind.OA: ("brand-wechat", "c-oa"),
    ChannelKind.EMAIL: ("mail", "c-email"),
    ChannelKind.WECOM: ("messages", "c-wecom"),
    ChannelKind.SMS: ("device-mobile-message", "c-sms"),
}
CHANNELS = [ChannelKind.OA, ChannelKind.EMAIL]
"""Channels with a connector that can send."""

OUTCOME_OF = {
    WhyNot.WINDOW_CLOSED: Outcome.WINDOW_CLOSED,
    WhyNot.WINDOW_USED: Outcome.WINDOW_CLOSED,
    WhyNot.CAPPED: Outcome.CAPPED,
    WhyNot.NO_ADDRESS: Outcome.UNREACHABLE,
    WhyNot.UNREACHABLE: Outcome.UNREACHABLE,
    WhyNot.NO_VARIANT: Outcome.UNREACHABLE,
    WhyNot.NO_ACCOUNT: Outcome.UNREACHABLE,
    WhyNot.ADDRESS_GONE: Outcome.UNREACHABLE,
    WhyNot.NO_CONSENT: Outcome.SUPPRESSED,
    WhyNot.UNSUBSCRIBED: Outcome.SUPPRESSED,
    WhyNot.SUPPRESSED_ADDRESS: Outcome.SUPPRESSED,
}
"""Reason of the ledger -> branch; every other reason is a failure."""


class SendForm(StepForm):
    content = forms.TypedChoiceField(label=_("Content"), coerce=int, empty_value=None)
    first = forms.ChoiceField(label=_("First by"))
    second = forms.ChoiceField(label=_("Else by"))
    expires_hours = forms.IntegerField(label=_("Give up after hours"), min_value=1, max_value=720)
    recheck = forms.BooleanField(label=_("Check the entry condition again before sending"))
    fall_backs = forms.MultipleChoiceField(
        label=_("Own branches for"),
        choices=[(key, Outcome(key).label) for key in FALL_BACKS],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        approved, others = [], []
        for content in self.names.contents.values():
            if content.state == ContentState.APPROVED:
                approved.append((content.pk, content.name))
            elif content.state == ContentState.DRAFT:
                others.append((content.pk, content.name))
        groups = [(_("Approved"), approved), (_("Not approved yet"), others)]
        self.fields["content"].choices = [("", _("Choose …")), *((name, rows) for name, rows in groups if rows)]
        channels = [(channel.value, channel.label) for channel in CHANNELS]
        self.fields["first"].choices = channels
        self.fields["second"].choices = [("", _("Nothing else")), *channels]

    def config(self):
        data = self.cleaned_data
        channels = [channel for channel in (data["first"], data["second"]) if channel]
        return {
            "content": data["content"],
            "channels": list(dict.fromkeys(channels)),
            "expires_hours": data["expires_hours"],
            "recheck": data["recheck"],
        }

    @classmethod
    def start(cls, config):
        channels = [*config.get("channels", []), "", ""]
        return {**config, "first": channels[0], "second": channels[1]}


class Send(Kind):
    """Ask the ledger to send a content by the first channel that reaches the person, and wait for its last word."""

    key, label, icon, tone, group = "send", pgettext_lazy("step", "Message"), "send", "c-oa", "reach"
    form = SendForm
    template = "journeys/steps/_send.html"

    def new(self):
        return {"content": None, "channels": ["oa"], "expires_hours": None, "recheck": False}, []

    def look(self, step):
        channels = step["config"].get("channels") or ["oa"]
        return LOOKS.get(channels[0], (self.icon, self.tone))

    def tell(self, step, names):
        config = step["config"]
        content = names.contents.get(config.get("content"))
        channels = " → ".join(str(ChannelKind(channel).label) for channel in config.get("channels", []))
        return Told(step["name"] or (content.name if content else _("Choose a content")), channels)

    def check(self, step, names):
        config, key = step["config"], step["key"]
        if not config.get("channels"):
            yield Problem(key, _("Choose at least one channel."))
        content = names.contents.get(config.get("content"))
        if content is None:
            text = (
                _("The chosen content no longer exists.") if config.get("content") else _("Choose the content to send.")
            )
            yield Problem(key, text)
            return
        if content.state != ContentState.APPROVED:
            text = _("“{name}” is not approved. Have it approved first, or choose another content.")
            yield Problem(key, format_lazy(text, name=content.name))
        for channel in config.get("channels", []):
            if channel not in content.channels:
                text = _("“{name}” has no variant for {channel}.")
                yield Problem(key, format_lazy(text, name=content.name, channel=ChannelKind(channel).label))
        for branch in step["branches"]:
            if branch["key"] not in {NEXT, *FALL_BACKS}:
                yield Problem(key, _("This branch can never be taken. Remove it."), branch=branch["key"])

    def enter(self, people, node, walk):
        config = node.config
        if config.get("recheck"):
            rule = graph_of(node.version_id).definition["trigger"].get("rule")
            if rule:
                met = segments.matching(rule, {person.contact_id for person in people}, walk.now)
                walk.leave([person for person in people if person.contact_id not in met], "recheck")
                people = [person for person in people if person.contact_id in met]
        if not people:
            return
        purpose = Content.objects.values_list("purpose", flat=True).get(pk=config["content"])
        expires_at = walk.now + timedelta(hours=config["expires_hours"]) if config.get("expires_hours") else None
        key, content_id, channels = node.key, config["content"], config["channels"]
        walk.send(
            [
                sending.SendRequest(
                    key=message_key(person.id, key, person.visit),
                    contact_id=person.contact_id,
                    content_id=content_id,
                    purpose=purpose,
                    origin=ORIGIN,
                    origin_id=person.journey_id,
                    channels=channels,
                    ref={"enrolment": person.id, "step": key, "visit": person.visit},
                    context=_merge_fields(person),
                    expires_at=expires_at,
                )
                for person in people
            ]
        )
        walk.park(people, None)

    def resume(self, people, node, walk):
        by_outcome = {}
        for person in people:
            by_outcome.setdefault(person.wake or Outcome.SENT.value, []).append(person)
        for outcome, group in by_outcome.items():
            walk.leave(group, outcome)

    def rehearse(self, node, rehearsal):
        return rehearsal.send(node)


def message_key(enrolment_id: int, step: str, visit: int) -> str:
    """The ledger's idempotency key of a send step's message."""
    return f"j:{enrolment_id}:{step}:{visit}"


_ORDER = {"order_id": "number", **{name: name for name in ("total", "carrier", "tracking_number", "amount")}}


def _merge_fields(person) -> dict[str, dict[str, str]]:
    """The coupon of the run, and the order or cart that its entry event was about."""
    found = {"coupon": coupon} if (coupon := person.kept("coupon")) else {}
    event = person.kept("event") or {}
    if event.get("order_id"):
        found["order"] = {field: str(event[name]) for name, field in _ORDER.items() if name in event}
    elif event.get("cart_id"):
        found["cart"] = {"total": str(event.get("total", ""))}
    return found


def outcome_of(kind: str, reason: str) -> str:
    """Branch for a message_* event: its kind and, when it was not sent, the ledger's reason."""
    if kind == "message_sent":
        return Outcome.SENT.value
    if reason in WhyNot.values:
        return OUTCOME_OF.get(WhyNot(reason), Outcome.FAILED).value
    return Outcome.FAILED.value


KIND = Send()
