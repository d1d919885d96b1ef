from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts.enums import Stage
from journeys import marking
from journeys.steps.base import Kind, Problem, StepForm, Told


class StageForm(StepForm):
    stage = forms.ChoiceField(label=_("New stage"), choices=[("", _("Choose …")), *Stage.choices])


class StageStep(Kind):
    key, label, icon, tone, group = "stage", _("Lifecycle stage"), "stairs-up", "c-call", "act"
    form = StageForm

    def new(self):
        return {"stage": ""}, []

    def tell(self, step, names):
        stage = step["config"].get("stage")
        return Told(
            step["name"] or (Stage(stage).label if stage else _("Choose a stage")), _("Set the lifecycle stage")
        )

    def check(self, step, names):
        if step["config"].get("stage") not in Stage.values:
            yield Problem(step["key"], _("Choose the stage."))

    def enter(self, people, node, walk):
        ids = [person.contact_id for person in people]
        walk.events += marking.set_stage(node.config["stage"], ids, walk.now, journey_id=people[0].journey_id)
        walk.leave(people, "next")

    def rehearse(self, node, rehearsal):
        stage = node.config.get("stage")
        rehearsal.add(format_lazy(_("Is moved to the stage {stage}."), stage=Stage(stage).label if stage else "—"))
        return "next"


KIND = StageStep()
