"""Who of us is at the desk. Advice for people and for assignment, never a guard."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from scrm.lib import clock
from service_desk.enums import Presence

GONE_AFTER = timedelta(minutes=5)


class AgentPresence(models.Model):
    """What the agent chose, and when they last did something at the desk (real time)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="presence", primary_key=True)
    away = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("presence")

    def __str__(self) -> str:
        return str(self.state)

    @property
    def state(self) -> Presence:
        return presence_of(self.away, self.seen_at)


def presence_of(away: bool, seen_at: datetime | None) -> Presence:
    """Online: seen lately and not away by choice."""
    if seen_at is None or seen_at < clock.real_now() - GONE_AFTER:
        return Presence.OFFLINE
    return Presence.AWAY if away else Presence.ONLINE
