from collections import defaultdict

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from journeys.steps.base import Kind, Problem, StepForm, Told

BODY = "body"
MOST_ROUNDS = 20


class RepeatForm(StepForm):
    times = forms.IntegerField(label=_("Rounds at most"), min_value=1, max_value=MOST_ROUNDS)


class Repeat(Kind):
    """Go through the steps inside several times. Every round is a visit of its own, with messages of its own."""

    key, label, icon, tone, group = "repeat", _("Repeat"), "repeat", "t-ai", "flow"
    form = RepeatForm
    needs_branches = True

    def new(self):
        return {"times": 2}, [{"key": BODY, "name": "", "steps": []}]

    def tell(self, step, names):
        times = step["config"].get("times") or "—"
        return Told(step["name"] or format_lazy(_("{times} rounds"), times=times), _("Then go on below"))

    def check(self, step, names):
        if not step["config"].get("times"):
            yield Problem(step["key"], _("A loop without a bound would never end. Say how many rounds at most."))
        if not step["branches"][0]["steps"]:
            yield Problem(step["key"], _("There is nothing to repeat. Add steps inside."))

    def enter(self, people, node, walk):
        rounds = defaultdict(list)
        for person in people:
            rounds[person.context.get("loops", {}).get(node.key, 0)].append(person)
        for done, group in rounds.items():
            on = done < node.config["times"] and node.target(BODY) != node.key
            for person in group:
                person.keep("loops", {**person.context.get("loops", {}), node.key: done + 1 if on else 0})
            if not on:
                walk.leave(group, "next")
            elif done:
                walk.again(group, BODY)
            else:
                walk.leave(group, BODY)

    def rehearse(self, node, rehearsal):
        done = rehearsal.rounds.get(node.key, 0)
        if done < (node.config.get("times") or 0) and node.target(BODY) != node.key:
            rehearsal.rounds[node.key] = done + 1
            rehearsal.add(format_lazy(_("Round {n} begins."), n=done + 1))
            return BODY
        rehearsal.rounds[node.key] = 0
        rehearsal.add(_("All rounds are done: goes on."))
        return "next"


KIND = Repeat()
