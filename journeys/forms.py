"""Input of the journeys room beside the settings of single steps (journeys.steps)."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contacts.enums import Stage
from journeys.enums import Reentry, TriggerKind
from journeys.event_names import LEAVING, STARTING, TRACK, WAITABLE, event_choices
from journeys.models import Journey
from journeys.recipes import RECIPES
from journeys.steps.base import Names, StepForm
from journeys.tree import Definition
from journeys.where import OPERATORS


class JourneyForm(forms.Form):
    """A new journey, a copy, or another name."""

    name = forms.CharField(label=_("Name"), max_length=80)
    recipe = forms.ChoiceField(required=False, choices=[("", "")], widget=forms.HiddenInput)

    def __init__(self, *args: Any, journey: Journey | None = None, **kwargs: Any) -> None:
        self.journey = journey
        super().__init__(*args, **kwargs)
        self.fields["recipe"].choices = [("", _("Start from nothing")), *((key, r.name) for key, r in RECIPES.items())]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"].strip()
        taken = Journey.objects.filter(name=name)
        if self.journey:
            taken = taken.exclude(pk=self.journey.pk)
        if taken.exists():
            raise ValidationError(_("There is a journey of that name already."))
        return name


class TriggerForm(StepForm):
    """Trigger, re-entry, goal and exit. The entry condition is edited beside it, as a rule."""

    kind = forms.ChoiceField(label=_("Starts when"), choices=TriggerKind.choices)
    event = forms.ChoiceField(label=_("Event"))
    own_event = forms.CharField(label=_("Own event of the web site"), max_length=60)
    segment = forms.TypedChoiceField(label=_("Segment"), coerce=int, empty_value=None)
    stage = forms.ChoiceField(label=_("Stage"), choices=[("", _("Choose …")), *Stage.choices])
    policy = forms.ChoiceField(label=_("Entering again"), choices=Reentry.choices)
    gap_days = forms.IntegerField(label=_("At least days apart"), min_value=0, max_value=3650)
    key = forms.CharField(label=_("One run per"), max_length=40)
    goal = forms.ChoiceField(label=_("Goal"))
    exit = forms.ChoiceField(label=_("Leaves early when"))

    def __init__(self, *args: Any, names: Names, **kwargs: Any) -> None:
        super().__init__(*args, names=names, **kwargs)
        held = {**self.initial, **self.data.dict()} if self.data else self.initial
        self.fields["event"].choices = event_choices(STARTING, held.get("event"))
        self.fields["goal"].choices = [("", _("No goal")), *event_choices(WAITABLE, held.get("goal"))[1:]]
        self.fields["exit"].choices = [("", _("Never early")), *event_choices(LEAVING, held.get("exit"))[1:]]
        self.fields["segment"].choices = [("", _("Choose …")), *names.segments.items()]

    def apply(self, definition: Definition) -> Definition:
        """The definition with these settings; conditions on properties and the rule stay as they are."""
        data, trigger = self.cleaned_data, definition["trigger"]
        event = data["event"]
        if data["own_event"]:
            event = TRACK + data["own_event"].strip().removeprefix(TRACK)
        kept = trigger["where"] if event == trigger["event"] else []
        definition["trigger"] = {
            **trigger,
            "kind": data["kind"],
            "event": event,
            "where": kept,
            "segment": data["segment"],
            "stage": data["stage"],
            "key": data["key"].strip(),
        }
        definition["reentry"] = {"policy": data["policy"] or Reentry.NEVER.value, "gap_days": data["gap_days"] or 0}
        definition["goal"] = _rule(definition.get("goal"), data["goal"])
        exits = definition.get("exits") or [None]
        definition["exits"] = [rule for rule in [_rule(exits[0], data["exit"]), *exits[1:]] if rule]
        return definition

    @classmethod
    def start(cls, definition: Definition) -> dict[str, Any]:
        trigger, reentry = definition["trigger"], definition["reentry"]
        exits = definition.get("exits") or [{}]
        return {
            **trigger,
            "policy": reentry["policy"],
            "gap_days": reentry["gap_days"],
            "goal": (definition.get("goal") or {}).get("event", ""),
            "exit": exits[0].get("event", ""),
        }


class ConditionForm(forms.Form):
    """One condition on a property of an event."""

    property = forms.CharField(max_length=60)
    op = forms.ChoiceField(choices=[(key, label) for key, (label, _test) in OPERATORS.items()])
    value = forms.CharField(max_length=200)


def _rule(before: dict[str, Any] | None, event: str) -> dict[str, Any] | None:
    if not event:
        return None
    return before if before and before["event"] == event else {"event": event, "where": []}
