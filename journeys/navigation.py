from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Permission
from scrm.core.navigation import Item

ITEMS = [Item(_("Journeys"), "journeys:journey_list", "route", Permission.JOURNEYS_EDIT, "marketing")]
