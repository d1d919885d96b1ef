from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Permission
from scrm.core.navigation import Item

ITEMS = [
    Item(_("Inbox"), "service_desk:inbox", "inbox", Permission.SERVICE_WORK, "service"),
    Item(_("Tickets"), "service_desk:ticket_list", "lifebuoy", Permission.SERVICE_WORK, "service"),
    Item(_("Canned replies"), "service_desk:canned_list", "message-bolt", Permission.SERVICE_MANAGE, "service"),
    Item(_("Service settings"), "service_desk:desk_policies", "adjustments", Permission.SERVICE_MANAGE, "service"),
]
