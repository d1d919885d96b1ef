from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Permission
from scrm.core.navigation import Item

ITEMS = [
    Item(_("Contacts"), "contacts:contact_list", "users", Permission.CONTACTS_VIEW, "customers"),
    Item(_("Orders"), "contacts:order_list", "shopping-bag", Permission.ORDERS_VIEW, "customers"),
    Item(_("Products"), "contacts:product_list", "package", Permission.ORDERS_VIEW, "customers"),
    Item(_("Segments"), "contacts:segment_list", "filter", Permission.CONTACTS_VIEW, "customers"),
    Item(_("Tags"), "contacts:tag_list", "tags", Permission.CONTACTS_VIEW, "customers"),
    Item(_("Stage rules"), "contacts:stage_rule_list", "flag", Permission.CONTACTS_VIEW, "customers"),
    Item(_("Leads"), "contacts:lead_list", "target-arrow", Permission.LEADS_WORK, "sales", under="/leads/"),
    Item(_("Lead rules"), "contacts:lead_rule_list", "adjustments", Permission.LEADS_MANAGE, "sales"),
]
