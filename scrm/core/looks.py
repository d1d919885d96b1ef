"""Icon and name of each channel; the class ``c-<kind>`` of the stylesheet gives the colour."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

CHANNELS = {
    "oa": ("brand-wechat", _("Official Account")),
    "wecom": ("messages", _("WeCom")),
    "mp": ("app-window", _("Mini program")),
    "weibo": ("brand-weibo", _("Weibo")),
    "douyin": ("brand-tiktok", _("Douyin")),
    "xhs": ("notebook", _("Xiaohongshu")),
    "sms": ("device-mobile-message", _("SMS")),
    "email": ("mail", _("E-mail")),
    "call": ("phone", _("Phone")),
    "web": ("world", _("Web site")),
    "shop": ("shopping-bag", _("Shop")),
    "sys": ("settings", _("System")),
}

NOTE_ICONS = {
    "info": "info-circle",
    "ok": "circle-check",
    "warn": "alert-triangle",
    "bad": "alert-circle",
    "ai": "sparkles",
    "mute": "info-circle",
}

AVATAR_TONES = ["t-info", "t-ok", "t-warn", "t-ai", "c-mp", "c-call"]

VERBS = {
    "created": pgettext_lazy("audit", "created"),
    "added": pgettext_lazy("audit", "added"),
    "updated": pgettext_lazy("audit", "changed"),
    "removed": pgettext_lazy("audit", "removed"),
    "deleted": pgettext_lazy("audit", "removed"),
    "activated": pgettext_lazy("audit", "activated"),
    "deactivated": pgettext_lazy("audit", "deactivated"),
    "password_changed": pgettext_lazy("audit", "changed the password"),
    "logged_in": pgettext_lazy("audit", "logged in"),
    "opened": pgettext_lazy("audit", "set up"),
    "revealed": pgettext_lazy("audit", "revealed a contact point"),
    "exported": pgettext_lazy("audit", "exported"),
    "imported": pgettext_lazy("audit", "imported"),
    "merged": pgettext_lazy("audit", "merged"),
    "unmerged": pgettext_lazy("audit", "took apart again"),
    "approved": pgettext_lazy("audit", "approved"),
    "submitted": pgettext_lazy("audit", "submitted"),
    "sent": pgettext_lazy("audit", "sent"),
    "scheduled": pgettext_lazy("audit", "scheduled"),
    "published": pgettext_lazy("audit", "published"),
    "paused": pgettext_lazy("audit", "paused"),
    "resumed": pgettext_lazy("audit", "resumed"),
    "stopped": pgettext_lazy("audit", "stopped"),
    "cancelled": pgettext_lazy("audit", "cancelled"),
    "replayed": pgettext_lazy("audit", "replayed"),
    "tested": pgettext_lazy("audit", "tested"),
    "assigned": pgettext_lazy("audit", "assigned"),
    "tagged": pgettext_lazy("audit", "tagged"),
    "untagged": pgettext_lazy("audit", "untagged"),
    "confirmed": pgettext_lazy("audit", "confirmed"),
    "broken": pgettext_lazy("audit", "stopped working"),
    "checked": pgettext_lazy("audit", "checked the connection"),
    "discarded": pgettext_lazy("audit", "discarded"),
    "secrets_shown": pgettext_lazy("audit", "showed the keys"),
}
"""Words for audit verbs: by the whole verb, else by what stands after its last dot."""

LEVEL_ICONS = {level: NOTE_ICONS[level] for level in ("info", "ok", "warn", "bad")}
