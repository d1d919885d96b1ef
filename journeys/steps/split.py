from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts import segments
from journeys.steps.base import Kind, Problem, Told

ELSE = "else"
MOST_BRANCHES = 8


class Split(Kind):
    """Named branches, each with a rule; everybody takes the first whose rule holds, the others the last."""

    key, label, icon, tone, group = "split", _("Split by condition"), "arrows-split-2", "t-ai", "flow"
    template = "journeys/steps/_split.html"
    needs_branches = True

    def new(self):
        return {}, [
            {"key": "b1", "name": "", "rule": {}, "steps": []},
            {"key": ELSE, "name": "", "steps": []},
        ]

    def tell(self, step, names):
        return Told(step["name"] or self.label, _("The first branch whose condition holds"))

    def check(self, step, names):
        for branch in step["branches"]:
            if branch["key"] == ELSE:
                continue
            name = branch["name"] or branch_name(branch)
            if not branch.get("rule"):
                yield Problem(
                    step["key"], format_lazy(_("Branch {name} has no condition."), name=name), branch=branch["key"]
                )
                continue
            for trouble in segments.validate(branch["rule"]):
                yield Problem(
                    step["key"],
                    format_lazy("{name}: {trouble}", name=name, trouble=trouble.message),
                    branch=branch["key"],
                )

    def enter(self, people, node, walk):
        rest = people
        for branch in node.branches:
            if branch["key"] == ELSE or not rest:
                continue
            met = segments.matching(branch["rule"], {person.contact_id for person in rest}, walk.now)
            walk.leave([person for person in rest if person.contact_id in met], branch["key"])
            rest = [person for person in rest if person.contact_id not in met]
        walk.leave(rest, ELSE)

    def rehearse(self, node, rehearsal):
        for branch in node.branches:
            if branch["key"] == ELSE or not branch.get("rule"):
                continue
            if segments.matching(branch["rule"], {rehearsal.contact.pk}, rehearsal.real_now):
                rehearsal.add(
                    format_lazy(_("Takes the branch {name}: its condition holds today."), name=branch_name(branch))
                )
                return branch["key"]
        rehearsal.add(_("No condition holds today: takes the branch for everybody else."))
        return ELSE


def branch_name(branch):
    """The name people gave, else one made of the key."""
    if branch["name"]:
        return branch["name"]
    if branch["key"] == ELSE:
        return _("Everybody else")
    return format_lazy(_("Branch {n}"), n=branch["key"].removeprefix("b"))


KIND = Split()
