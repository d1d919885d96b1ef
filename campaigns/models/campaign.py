from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class CampaignState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SCHEDULED = "scheduled", _("Scheduled")
    SENDING = "sending", _("Sending")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class Campaign(models.Model):
    """One content to one segment. Its sends are rows of the ledger with origin ``campaign`` and this id."""

    name = models.CharField(_("name"), max_length=80)
    state = models.CharField(max_length=10, choices=CampaignState.choices, default=CampaignState.DRAFT)
    segment = models.ForeignKey(
        "contacts.Segment", models.PROTECT, null=True, blank=True, related_name="campaigns", verbose_name=_("segment")
    )
    content = models.ForeignKey(
        "campaigns.Content", models.PROTECT, null=True, blank=True, related_name="campaigns", verbose_name=_("content")
    )
    channels = models.JSONField(_("channels"), default=list)
    """Channel kinds in order of preference: each person gets it by the first that reaches them."""
    starts_at = models.DateTimeField(_("start"), null=True, blank=True)
    """Business time; None: at once when sent."""
    expires_after_hours = models.PositiveIntegerField(_("give up after hours"), default=72)
    version = models.IntegerField(default=1)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        indexes = [models.Index(fields=["-created_at", "-id"], name="campaign_recent")]

    def __str__(self):
        return self.name

    @property
    def editable(self) -> bool:
        return self.state in {CampaignState.DRAFT, CampaignState.SCHEDULED}


class Wave(models.Model):
    """One frozen audience of a campaign and how far its planning has come. Claimed by the launch pump with SKIP LOCKED."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="waves")
    number = models.PositiveSmallIntegerField(default=1)
    audience = models.IntegerField(default=0)
    planned = models.IntegerField(default=0)
    position = models.BigIntegerField(default=0)
    """Last contact id handed to the ledger."""
    frozen_at = models.DateTimeField(null=True)
    """Business time when the audience became rows; None before."""
    finished_at = models.DateTimeField(null=True)
    """When every member had its row in the ledger."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="wave_unique")]
        indexes = [models.Index(fields=["id"], condition=models.Q(finished_at=None), name="wave_open")]

    def __str__(self) -> str:
        return f"{self.campaign_id} #{self.number}"


class WaveMember(models.Model):
    """One person of a frozen audience."""

    wave = models.ForeignKey(Wave, models.CASCADE, related_name="members")
    contact_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["wave", "contact_id"], name="wavemember_unique")]

    def __str__(self) -> str:
        return f"{self.wave_id}: {self.contact_id}"
