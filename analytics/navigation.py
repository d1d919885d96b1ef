from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Permission
from scrm.core.navigation import Item

ITEMS = [
    Item(_("Overview"), "analytics:overview", "layout-dashboard", Permission.ANALYTICS_VIEW, ""),
    Item(_("Effect and ROI"), "analytics:effect_list", "coin", Permission.ANALYTICS_VIEW, "insight"),
    Item(_("Funnel"), "analytics:funnel", "filter-dollar", Permission.ANALYTICS_VIEW, "insight"),
    Item(_("Cohorts"), "analytics:cohorts", "grid-dots", Permission.ANALYTICS_VIEW, "insight"),
    Item(_("Service figures"), "analytics:service", "headset", Permission.ANALYTICS_VIEW, "insight"),
    Item(_("Definitions"), "analytics:metric_list", "math-function", Permission.ANALYTICS_VIEW, "insight"),
]
