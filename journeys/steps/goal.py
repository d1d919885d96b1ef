from django.utils.translation import gettext_lazy as _

from journeys.enums import Reason
from journeys.steps.base import Kind, Told


class Goal(Kind):
    """The run is over and counts as a success."""

    key, label, icon, tone, group = "goal", _("Goal"), "flag-check", "t-ok", "end"

    def tell(self, step, names):
        return Told(step["name"] or _("Goal reached"))

    def enter(self, people, node, walk):
        walk.finish(people, Reason.GOAL, converted=True)

    def rehearse(self, node, rehearsal):
        rehearsal.add(_("Counts as a success and leaves the journey."))


KIND = Goal()
