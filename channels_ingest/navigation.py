from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Permission
from scrm.core.navigation import Item

ITEMS = [
    Item(
        _("Channels"),
        "channels_ingest:channel_list",
        "plug-connected",
        Permission.CHANNELS_VIEW,
        "system",
        under="/channels/",
    )
]
