from django.urls import reverse
from django.utils.translation import gettext as _

from journeys.models import Journey
from scrm.core.enums import Permission
from scrm.core.first_steps import Step
from scrm.core.models import User


def steps(user: User) -> list[Step]:
    if not user.can(Permission.JOURNEYS_EDIT):
        return []
    live = Journey.objects.exclude(state="draft").exists()
    text = _("A recipe makes the welcome of new followers; it runs by itself once it is published.")
    return [
        Step("route", _("Publish a first journey"), text, reverse("journeys:journey_list"), _("Choose a recipe"), live)
    ]
