"""Dry run: one real customer goes through a design now, and nothing is written. Waits are skipped by looking ahead; messages
pass the real gates as of the time they would leave, with what is known of the customer today."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from liquid.exceptions import LiquidError
from nh3 import clean

from campaigns import sending
from campaigns.content import render
from campaigns.enums import Reason, State
from campaigns.models import Content, Variant
from campaigns.preview import sample_fields
from contacts import merge_fields, segments
from contacts.enums import ChannelKind, Stage
from contacts.models import Contact
from journeys import local_time
from journeys.enums import Outcome, TriggerKind
from journeys.event_names import event_label
from journeys.graph import Node, compile_definition
from journeys.steps import KINDS
from journeys.steps.base import Names, Text, Told
from journeys.steps.send import OUTCOME_OF
from journeys.times import duration
from journeys.tree import TRIGGER, Definition, find
from scrm.lib import clock

MOST_STEPS = 200


@dataclass(slots=True)
class Line:
    text: Text
    tone: str = ""


@dataclass(slots=True)
class Shown:
    """A message as the customer would see it."""

    channel: str
    subject: str = ""
    chat: SafeString | str = ""
    html: str = ""
    fault: str = ""


@dataclass(slots=True)
class Stop:
    """One step of the run."""

    key: str
    icon: str
    tone: str
    label: Text
    told: Told
    at: datetime
    """When the customer would get here, in the customer's own zone."""
    lines: list[Line] = field(default_factory=list)
    message: Shown | None = None


class Rehearsal:
    def __init__(self, definition: Definition, contact: Contact, names: Names, *, journey_id: int, acts: bool) -> None:
        """``acts``: whether the customer is taken to do what steps wait for."""
        self.definition, self.contact, self.names, self.journey_id, self.acts = (
            definition,
            contact,
            names,
            journey_id,
            acts,
        )
        self.real_now = self.now = clock.now()
        self.zone = local_time.zones_of([contact.pk]).get(contact.pk) or local_time.company_zone()
        self.rounds: dict[str, int] = {}
        self.coupon: dict[str, Any] | None = None
        self.stops: list[Stop] = []

    def run(self) -> list[Stop]:
        """Every step the customer would pass, in order."""
        graph = compile_definition(self.definition, journey_id=self.journey_id)
        self._enter()
        key = graph.start
        for _turn in range(MOST_STEPS):
            if key is None:
                break
            node = graph.nodes[key]
            kind, step = KINDS[node.kind], find(self.definition, key)
            icon, tone = kind.look(step)
            self.stops.append(Stop(key, icon, tone, kind.label, kind.tell(step, self.names), self._local()))
            if any(problem.level == "error" for problem in kind.check(step, self.names)):
                self.add(_("This step is not complete yet, so the dry run ends here."), tone="t-bad")
                break
            branch = kind.rehearse(node, self)
            key = node.target(branch) if branch is not None else None
        return self.stops

    # What steps call.

    def add(self, text: Text, tone: str = "") -> None:
        self.stops[-1].lines.append(Line(text, tone))

    def pass_time(self, due: datetime) -> None:
        self.now = due
        self.add(format_lazy(_("Goes on at {time}."), time=self._clock()))

    def choose_event(self, node: Node, happened: str, timed_out: str) -> str:
        name = event_label(node.config["event"])
        if self.acts:
            self.add(format_lazy(_("Taken as done: “{event}”. Goes on at once."), event=name))
            return happened
        self.now += duration(node.config["timeout"])
        text = _("Taken as not done: “{event}”. The time-out comes at {time}.")
        self.add(format_lazy(text, event=name, time=self._clock()))
        return timed_out

    def send(self, node: Node) -> str:
        """The gates' verdict at that time, the rendered message, and the branch that follows from it."""
        content = Content.objects.get(pk=node.config["content"])
        seen = sending.preview([self.contact.pk], content=content, channels=node.config["channels"], at=self.now)
        verdict = seen.lines[0]
        if verdict.state in {State.SUPPRESSED, State.EXPIRED}:
            outcome = OUTCOME_OF.get(Reason(verdict.reason), Outcome.FAILED)
            self.add(format_lazy(_("Would not be sent: {reason}."), reason=verdict.words), tone="t-bad")
            if outcome.value in node.targets:
                self.add(format_lazy(_("Takes the branch “{name}”."), name=outcome.label))
            else:
                self.add(_("There is no branch for this: simply goes on."))
            return outcome.value
        channel = ChannelKind(verdict.channel or node.config["channels"][0])
        if verdict.state == State.HELD:
            self.now = verdict.first_until or self.now
            text = _("Held: {reason}. Leaves by {channel} at {time}.")
            self.add(format_lazy(text, reason=verdict.words, channel=channel.label, time=self._clock()), tone="t-warn")
        else:
            self.add(format_lazy(_("Leaves by {channel} at once."), channel=channel.label), tone="t-ok")
        self.stops[-1].message = self._show(content, channel)
        return Outcome.SENT.value

    def _enter(self) -> None:
        trigger = self.definition["trigger"]
        told = Told(trigger_title(trigger, self.names))
        self.stops.append(Stop(TRIGGER, "bolt", "t-info", _("Trigger"), told, self._local()))
        self.add(_("Taken as happening now."))
        if trigger.get("rule"):
            if segments.matching(trigger["rule"], {self.contact.pk}, self.real_now):
                self.add(_("The entry condition holds today."), tone="t-ok")
            else:
                self.add(_("The entry condition does not hold today: the customer would not enter."), tone="t-bad")

    def _show(self, content: Content, channel: str) -> Shown:
        variants = {variant.language: variant for variant in Variant.objects.filter(content=content, channel=channel)}
        variant = variants.get(self.contact.language) or next(iter(variants.values()), None)
        if variant is None:
            return Shown(channel, fault=str(_("The content has no variant for the channel.")))
        fields = sample_fields(merge_fields.build([self.contact.pk])[self.contact.pk], variant)
        if self.coupon:
            fields["coupon"] = self.coupon
        try:
            rendered = render(variant, fields)
        except LiquidError as error:
            return Shown(channel, fault=str(error).splitlines()[0])
        chat = SafeString(clean(rendered.text, tags={"a"}, url_schemes={"http", "https"}))
        return Shown(channel, rendered.subject, chat, rendered.html)

    def _local(self) -> datetime:
        return self.now.astimezone(self.zone)

    def _clock(self) -> str:
        return self._local().strftime("%m-%d %H:%M")


def trigger_title(trigger: dict[str, Any], names: Names) -> Text:
    """What starts the journey, in words."""
    match trigger["kind"]:
        case TriggerKind.EVENT:
            return event_label(trigger["event"]) if trigger.get("event") else _("Choose what starts it")
        case TriggerKind.SEGMENT:
            name = names.segments.get(trigger.get("segment"), "—")
            return format_lazy(_("Enters the segment “{name}”"), name=name)
        case TriggerKind.STAGE:
            return format_lazy(_("Reaches the stage “{name}”"), name=_stage(trigger.get("stage")))
    return pgettext_lazy("trigger", "Added by hand")


def _stage(value: str | None) -> Text:
    return Stage(value).label if value in Stage.values else "—"
