"""Canned replies: what agents say often, written once."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contacts.enums import ChannelKind


class CannedReply(models.Model):
    """The body is Liquid (service_desk.canned names the fields), rendered for the customer when an agent puts it into the box."""

    title = models.CharField(_("title"), max_length=60)
    shortcut = models.CharField(_("shortcut"), max_length=20)
    """What is typed after the slash."""
    category = models.CharField(pgettext_lazy("canned reply", "category"), max_length=40, blank=True)
    channels = ArrayField(
        models.CharField(max_length=10, choices=ChannelKind.choices),
        verbose_name=_("channels"),
        default=list,
        blank=True,
    )
    """Where it is offered; empty: everywhere."""
    body = models.TextField(_("text"), max_length=2000)
    used = models.IntegerField(_("times used"), default=0)
    """How many replies were sent with it."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        constraints = [models.UniqueConstraint(Lower("shortcut"), name="canned_shortcut_once")]

    def __str__(self) -> str:
        return self.title
