"""Choices of the analytics room. No imports from models."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ProgrammeKind(models.TextChoices):
    CAMPAIGN = "campaign", _("Campaign")
    JOURNEY = "journey", _("Journey")


class TouchKind(models.TextChoices):
    CLICKED = "clicked", pgettext_lazy("touch", "Click")
    REPLIED = "replied", pgettext_lazy("touch", "Reply")
    OPENED = "opened", pgettext_lazy("touch", "Open")
    DELIVERED = "delivered", pgettext_lazy("touch", "Delivery")
