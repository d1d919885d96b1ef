from django.utils.translation import gettext_lazy as _

from journeys.enums import Reason
from journeys.steps.base import Kind, Told


class Exit(Kind):
    """The run is over."""

    key, label, icon, tone, group = "exit", _("Exit"), "door-exit", "t-mute", "end"

    def tell(self, step, names):
        return Told(step["name"] or _("Exit"))

    def enter(self, people, node, walk):
        walk.finish(people, Reason.COMPLETED)

    def rehearse(self, node, rehearsal):
        rehearsal.add(_("Leaves the journey."))


KIND = Exit()
