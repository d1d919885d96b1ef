from collections import defaultdict
from datetime import time, timedelta

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from journeys import local_time
from journeys.enums import Unit
from journeys.steps.base import Kind, Problem, StepForm, Told
from journeys.times import LONGEST, duration, duration_text

MODES = [("for", _("For a while")), ("until", _("Until a time of day"))]


class WaitForm(StepForm):
    mode = forms.ChoiceField(label=_("Wait"), choices=MODES)
    amount = forms.IntegerField(label=_("How long"), min_value=1, max_value=100_000)
    unit = forms.ChoiceField(label=_("Unit"), choices=Unit.choices)
    time = forms.TimeField(label=_("Time of day"), widget=forms.TimeInput({"type": "time"}, format="%H:%M"))
    days = forms.IntegerField(label=_("Days later"), min_value=0, max_value=365)
    weekday = forms.TypedChoiceField(
        label=_("Day of the week"),
        choices=[("", _("Any day")), *((str(n), name) for n, name in WEEKDAYS.items())],
        coerce=int,
        empty_value=None,
    )

    def config(self):
        data = self.cleaned_data
        if data["mode"] == "until":
            at = data["time"].strftime("%H:%M") if data["time"] else ""
            return {"mode": "until", "time": at, "days": data["days"] or 0, "weekday": data["weekday"]}
        return {"mode": "for", "amount": data["amount"], "unit": data["unit"] or Unit.MINUTES.value}


class Wait(Kind):
    """Wait for a while, or until a time of day where the person is."""

    key, label, icon, tone, group = "wait", _("Wait"), "clock-pause", "t-warn", "flow"
    form = WaitForm
    template = "journeys/steps/_wait.html"

    def new(self):
        return {"mode": "for", "amount": 1, "unit": Unit.DAYS.value}, []

    def tell(self, step, names):
        config = step["config"]
        if config.get("mode") != "until":
            return Told(step["name"] or duration_text(config), _("Then go on"))
        at = config.get("time") or "—"
        if config.get("weekday") is not None:
            title = format_lazy("{day} {time}", day=WEEKDAYS[config["weekday"]], time=at)
        elif config.get("days"):
            title = format_lazy(_("{days} days later at {time}"), days=config["days"], time=at)
        else:
            title = format_lazy(_("Until {time}"), time=at)
        return Told(step["name"] or title, _("In the customer's own time zone"))

    def check(self, step, names):
        config = step["config"]
        if config.get("mode") == "until":
            if not config.get("time"):
                yield Problem(step["key"], _("Say until which time of day to wait."))
        elif not config.get("amount"):
            yield Problem(step["key"], _("Say how long to wait."))
        elif duration(config) > LONGEST:
            yield Problem(step["key"], _("A wait can last two years at most."))

    def enter(self, people, node, walk):
        if node.config.get("mode") != "until":
            walk.park(people, walk.now + duration(node.config))
            return
        walk.know_zones(people)
        by_zone = defaultdict(list)
        for person in people:
            by_zone[walk.zone(person.contact_id)].append(person)
        for zone, group in by_zone.items():
            walk.park(group, _until(node.config, zone, walk.now))

    def rehearse(self, node, rehearsal):
        if node.config.get("mode") == "until":
            due = _until(node.config, rehearsal.zone, rehearsal.now)
        else:
            due = rehearsal.now + (duration(node.config) if node.config.get("amount") else timedelta())
        rehearsal.pass_time(due)
        return "next"


def _until(config, zone, now):
    clock = time.fromisoformat(config["time"])
    return local_time.next_at(zone, now, clock, config.get("days") or 0, config.get("weekday"))


KIND = Wait()
