from datetime import timedelta

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from journeys import marking
from journeys.steps.base import Kind, Problem, StepForm, Told

ACTS = [("add", _("Add the tag")), ("remove", _("Remove the tag"))]


class TagForm(StepForm):
    act = forms.ChoiceField(label=_("What to do"), choices=ACTS)
    tag = forms.TypedChoiceField(label=_("Tag"), coerce=int, empty_value=None)
    days = forms.IntegerField(label=_("Valid for days"), min_value=1, max_value=3650)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["tag"].choices = [("", _("Choose …")), *self.names.tags.items()]


class TagStep(Kind):
    key, label, icon, tone, group = "tag", pgettext_lazy("step", "Tag"), "tag", "c-wecom", "act"
    form = TagForm

    def new(self):
        return {"act": "add", "tag": None, "days": None}, []

    def tell(self, step, names):
        config = step["config"]
        name = names.tags.get(config.get("tag"), _("Choose a tag"))
        if config.get("act") == "remove":
            return Told(step["name"] or name, _("Remove the tag"))
        days = config.get("days")
        return Told(
            step["name"] or name, format_lazy(_("Valid for {days} days"), days=days) if days else _("Add the tag")
        )

    def check(self, step, names):
        tag = step["config"].get("tag")
        if tag is None:
            yield Problem(step["key"], _("Choose the tag."))
        elif tag not in names.tags:
            yield Problem(step["key"], _("The chosen tag no longer exists."))

    def enter(self, people, node, walk):
        ids = [person.contact_id for person in people]
        if node.config["act"] == "remove":
            walk.events += marking.remove_tag(node.config["tag"], ids, walk.now)
        else:
            days = node.config.get("days")
            expires_at = walk.now + timedelta(days=days) if days else None
            walk.events += marking.add_tag(node.config["tag"], ids, walk.now, expires_at)
        walk.leave(people, "next")

    def rehearse(self, node, rehearsal):
        name = rehearsal.names.tags.get(node.config.get("tag"), "—")
        text = _("The tag {name} is removed.") if node.config.get("act") == "remove" else _("Gets the tag {name}.")
        rehearsal.add(format_lazy(text, name=name))
        return "next"


KIND = TagStep()
