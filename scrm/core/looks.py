"""Icon and name of each channel; the class ``c-<kind>`` of the stylesheet gives the colour."""

from django.utils.translation import gettext_lazy as _

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
    "created": _("created"),
    "added": _("added"),
    "updated": _("changed"),
    "removed": _("removed"),
    "deleted": _("removed"),
    "activated": _("activated"),
    "deactivated": _("deactivated"),
    "password_changed": _("changed the password"),
    "logged_in": _("logged in"),
    "opened": _("set up"),
    "revealed": _("revealed a contact point"),
    "exported": _("exported"),
    "imported": _("imported"),
    "merged": _("merged"),
    "unmerged": _("took apart again"),
    "approved": _("approved"),
    "submitted": _("submitted"),
    "sent": _("sent"),
    "scheduled": _("scheduled"),
    "published": _("published"),
    "paused": _("paused"),
    "resumed": _("resumed"),
    "stopped": _("stopped"),
    "cancelled": _("cancelled"),
    "replayed": _("replayed"),
    "tested": _("tested"),
    "assigned": _("assigned"),
    "tagged": _("tagged"),
    "untagged": _("untagged"),
    "confirmed": _("confirmed"),
}
"""Words for audit verbs: by the whole verb, else by what stands after its last dot."""

LEVEL_ICONS = {level: NOTE_ICONS[level] for level in ("info", "ok", "warn", "bad")}
