"""Choices of the core room. Nothing here imports models."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Permission(TextChoices):
    """Everything a role can be allowed. The part before the dot is the group shown in the role editor."""

    CONTACTS_VIEW = "contacts.view", _("See contacts")
    CONTACTS_EDIT = "contacts.edit", _("Edit contacts")
    CONTACTS_REVEAL = "contacts.reveal", _("Reveal phone numbers and e-mail addresses (audited)")
    ORDERS_VIEW = "orders.view", _("See orders and the catalogue")
    LEADS_WORK = "leads.work", _("Work own leads")
    LEADS_MANAGE = "leads.manage", _("Manage leads, scores and assignment")
    SERVICE_WORK = "service.work", _("Work conversations and tickets")
    SERVICE_MANAGE = "service.manage", _("Manage the service desk: hours, targets, teams, canned replies")
    SEGMENTS_EDIT = "segments.edit", _("Edit segments")
    CONTENT_EDIT = "content.edit", _("Edit content and coupons")
    CONTENT_APPROVE = "content.approve", _("Approve content")
    CAMPAIGNS_EDIT = "campaigns.edit", _("Edit campaigns")
    CAMPAIGNS_SEND = "campaigns.send", _("Send campaigns")
    JOURNEYS_EDIT = "journeys.edit", _("Edit journeys")
    JOURNEYS_PUBLISH = "journeys.publish", _("Publish journeys")
    CHANNELS_VIEW = "channels.view", _("See channels and their health")
    CHANNELS_EDIT = "channels.edit", _("Connect and change channels")
    ANALYTICS_VIEW = "analytics.view", _("See reports")
    ANALYTICS_EDIT = "analytics.edit", _("Enter costs and set how orders are credited")
    ROLES_EDIT = "roles.edit", _("Manage users, roles and the company")
    AUDIT_VIEW = "audit.view", _("See the audit log")
    HEALTH_VIEW = "health.view", _("See system health")


PERMISSION_GROUPS = {
    "contacts": _("Contacts"),
    "orders": _("Orders"),
    "leads": pgettext_lazy("permissions", "Leads"),
    "service": _("Service desk"),
    "segments": _("Segments"),
    "content": _("Content"),
    "campaigns": _("Campaigns"),
    "journeys": _("Journeys"),
    "channels": _("Channels"),
    "analytics": _("Reports"),
    "roles": _("Administration"),
    "audit": _("Administration"),
    "health": _("Administration"),
}
"""Group heading for the part of a permission before its dot."""


class Scope(TextChoices):
    """Whose contacts a role sees."""

    OWN = "own", pgettext_lazy("scope", "Own contacts")
    TEAM = "team", pgettext_lazy("scope", "Contacts of the team")
    ALL = "all", pgettext_lazy("scope", "All contacts")


class Theme(TextChoices):
    AUTO = "auto", pgettext_lazy("theme", "Follow the system")
    LIGHT = "light", pgettext_lazy("theme", "Light")
    DARK = "dark", pgettext_lazy("theme", "Dark")


class Language(TextChoices):
    """Interface languages; each is called by its own name in every language."""

    CHINESE = "zh-hans", "简体中文"
    ENGLISH = "en", "English"


class Level(TextChoices):
    """Tone of a notification or toast; the values are the ``t-`` classes of the stylesheet."""

    INFO = "info", _("Information")
    OK = "ok", pgettext_lazy("level", "Done")
    WARN = "warn", _("Warning")
    BAD = "bad", _("Error")


class RoleKey(TextChoices):
    """The roles every installation starts with. They can be edited, not deleted."""

    ADMIN = "admin", pgettext_lazy("role", "Administrator")
    MARKETER = "marketer", pgettext_lazy("role", "Marketer")
    SALES = "sales", pgettext_lazy("role", "Sales")
    AGENT = "agent", pgettext_lazy("role", "Service agent")
    MANAGER = "manager", pgettext_lazy("role", "Manager")
