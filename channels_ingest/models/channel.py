"""A channel account: one Official Account, one mail server, one web site."""

import secrets
from datetime import datetime

import orjson
from django.conf import settings as site
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from channels_ingest.enums import Kind, State
from scrm.lib import crypto

CREDENTIALS = "channel credentials"
"""Purpose that credentials are sealed for."""


def new_token() -> str:
    """Secret part of a webhook's address, or the public write key of a web site: 128 bits, letters and digits only."""
    return secrets.token_hex(16)


def new_server_secret() -> str:
    """What makes a public write key a server's."""
    return secrets.token_hex(24)


class ChannelQuerySet(models.QuerySet):
    def active(self) -> "ChannelQuerySet":
        return self.filter(state=State.ACTIVE)


class Channel(models.Model):
    """``settings`` are shown to everybody who sees channels; ``credentials`` are sealed and can only be written.

    Paused: nothing is sent; what comes in is still recorded (for a web site: refused). Broken: the platform refuses our
    credentials, nothing is sent until a person tries again; what comes in is still recorded.
    """

    kind = models.CharField(_("Kind"), max_length=16, choices=Kind.choices)
    name = models.CharField(_("Name"), max_length=60)
    token = models.CharField(max_length=64, unique=True, default=new_token)
    settings = models.JSONField(default=dict)
    credentials = models.BinaryField(null=True)
    """Sealed JSON object of strings."""
    state = models.CharField(_("State"), max_length=8, choices=State.choices, default=State.ACTIVE)
    broken_reason = models.CharField(max_length=300, blank=True)
    broken_at = models.DateTimeField(null=True)
    last_callback_at = models.DateTimeField(null=True)
    """Newest callback that was digested. All times of this table are real time."""
    last_sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    last_error_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    """Last time the platform checked our address and was given the right answer."""
    checked_at = models.DateTimeField(null=True)
    """Last time the connection was tried by a person, with success."""
    created_by = models.ForeignKey(site.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        verbose_name = _("channel account")
        verbose_name_plural = _("channel accounts")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="channel_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("channels_ingest:channel_detail", args=[self.pk])

    @property
    def secrets(self) -> dict[str, str]:
        """The opened credentials. Raises crypto.CannotOpen when the key they were sealed with is gone."""
        return orjson.loads(crypto.unseal(self.credentials, CREDENTIALS)) if self.credentials else {}

    def keep_secrets(self, values: dict[str, str]) -> None:
        """Replace the credentials (in memory; the caller saves)."""
        self.credentials = crypto.seal(orjson.dumps(values), CREDENTIALS)

    @property
    def held(self) -> dict[str, str]:
        """The same, empty when they cannot be opened any more: they have to be typed again."""
        try:
            return self.secrets
        except crypto.CannotOpen:
            return {}

    @property
    def worked_at(self) -> datetime | None:
        """When a call of ours last went well."""
        return max((at for at in (self.checked_at, self.last_sent_at) if at), default=None)

    @property
    def proven(self) -> bool:
        """Something has come in or gone out, or a check went well: it is really connected."""
        return bool(self.worked_at or self.last_callback_at)

    @property
    def present_error(self) -> str:
        """The last error, as long as nothing has gone well after it."""
        over = self.last_error_at and self.worked_at and self.worked_at > self.last_error_at
        return "" if over and self.state != State.BROKEN else self.last_error

    @property
    def webhook_url(self) -> str:
        """What the platform calls; for a web site the collector's base, for mail nothing."""
        if self.kind == Kind.WEB:
            return site.PUBLIC_URL
        if self.kind == Kind.EMAIL:
            return ""
        return site.PUBLIC_URL + reverse("channels_ingest:webhook", args=[self.kind, self.token])

    @property
    def rate_per_minute(self) -> int:
        """Most messages a minute that this account may send, over all campaigns; 0 = no limit of our own."""
        return int(self.settings.get("rate_per_minute") or 0)

    @property
    def sends(self) -> bool:
        return self.state == State.ACTIVE


class ChannelToken(models.Model):
    """The platform's access token of one account: one holder, refreshed under this row's lock."""

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="access_token")
    value = models.BinaryField(null=True)
    """Sealed."""
    expires_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    """The platform refused a token that had just been refreshed: no further refresh until a person tries again."""

    def __str__(self) -> str:
        return f"access token of {self.channel_id}"


class Quota(models.Model):
    """Calls per account, platform call and day (Beijing date, as platforms count), and their word that a quota is used up."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="quotas")
    call = models.CharField(max_length=40)
    day = models.DateField()
    used = models.IntegerField(default=0)
    exhausted_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "call", "day"], name="quota_once")]

    def __str__(self) -> str:
        return f"{self.call} {self.day}: {self.used}"
