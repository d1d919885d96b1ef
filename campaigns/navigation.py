from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Permission
from scrm.core.navigation import Item

ITEMS = [
    Item(_("Campaigns"), "campaigns:campaign_list", "speakerphone", Permission.CAMPAIGNS_EDIT, "marketing"),
    Item(_("Content"), "campaigns:content_list", "article", Permission.CONTENT_EDIT, "marketing"),
    Item(_("Coupons"), "campaigns:batch_list", "ticket", Permission.CONTENT_EDIT, "marketing"),
    Item(_("Messages"), "campaigns:message_list", "send", Permission.CONTACTS_VIEW, "marketing"),
]
