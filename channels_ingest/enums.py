"""Choices of the channels room. No imports from models."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(models.TextChoices):
    """One per folder in ``connectors/``; the value is also the part of the webhook's address."""

    WECHAT_OA = "wechat_oa", _("WeChat Official Account")
    WEIBO = "weibo", _("Weibo")
    WEBHOOK = "webhook", _("Order system (signed webhook)")
    EMAIL = "email", _("E-mail (SMTP)")
    WEB = "web", _("Web site")


class State(models.TextChoices):
    ACTIVE = "active", pgettext_lazy("channel", "Active")
    PAUSED = "paused", pgettext_lazy("channel", "Paused")
    BROKEN = "broken", pgettext_lazy("channel", "Broken")


class DeliveryState(models.TextChoices):
    PENDING = "pending", pgettext_lazy("delivery", "Waiting")
    DONE = "done", pgettext_lazy("delivery", "Done")
    DEAD = "dead", pgettext_lazy("delivery", "Set aside")
    DISCARDED = "discarded", pgettext_lazy("delivery", "Discarded")


class BadReason(models.TextChoices):
    """Why input was refused at the edge, or could not be used later."""

    SIGNATURE = "signature", _("Wrong signature")
    STALE = "stale", _("Signature outside of the time window")
    OVERSIZED = "oversized", _("Too large")
    MALFORMED = "malformed", _("Malformed")
    DTD = "dtd", _("Document type or entity declared")
    UNDECRYPTABLE = "undecryptable", _("Cannot be decrypted")
    KEY = "key", _("Wrong write key")
    ORIGIN = "origin", _("Web site not allowed")
    REFUSED_EVENT = "refused_event", _("Event without a usable shape")
    UNKNOWN_EVENT = "unknown_event", _("Unknown event (kept)")


class Trustee(models.TextChoices):
    """Who brought a delivery; decides how far its identities are trusted."""

    PLATFORM = "platform", _("Platform callback")
    SERVER = "server", _("Server with the secret key")
    BROWSER = "browser", _("Browser")
