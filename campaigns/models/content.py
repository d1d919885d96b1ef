import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.enums import ContentFormat, ContentState
from contacts.enums import ChannelKind, Purpose


class Immutable(Exception):
    """Approved content is never changed: make a new version of its family."""


class Content(models.Model):
    """One version of one piece of content. Immutable once approved; a new version is a new row of the same family."""

    family = models.UUIDField(default=uuid.uuid4, editable=False)
    version = models.IntegerField(default=1)
    name = models.CharField(_("name"), max_length=80)
    purpose = models.CharField(_("purpose"), max_length=14, choices=Purpose.choices, default=Purpose.MARKETING)
    state = models.CharField(_("state"), max_length=10, choices=ContentState.choices, default=ContentState.DRAFT)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    """Copied onto each message when it is planned, so that retagging does not rewrite history."""
    system_key = models.CharField(max_length=40, blank=True)
    """Set for content the product itself needs (``confirm_email``); empty for what people write."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("content")
        verbose_name_plural = _("content")
        constraints = [
            models.UniqueConstraint(fields=["family", "version"], name="content_version_once"),
            models.UniqueConstraint(
                fields=["system_key", "version"], condition=~models.Q(system_key=""), name="content_system_once"
            ),
        ]
        indexes = [models.Index(fields=["state", "-updated_at", "-id"], name="content_recent")]

    def __str__(self):
        return self.name

    @property
    def stamp(self) -> str:
        """Changes with every save: a form carries it back, so that nobody overwrites what they have not seen."""
        return self.updated_at.isoformat()

    @property
    def sealed(self) -> bool:
        return self.state != ContentState.DRAFT

    def save(self, *args, **kwargs):
        """Raises Immutable when the stored row is approved and more than its state would change."""
        if self.pk and not kwargs.get("force_insert"):
            stored = type(self).objects.filter(pk=self.pk).first()
            fields = ["family", "version", "name", "purpose", "tags", "system_key"]
            if stored and stored.sealed and any(getattr(self, f) != getattr(stored, f) for f in fields):
                raise Immutable(str(stored))
        super().save(*args, **kwargs)


class Variant(models.Model):
    """The content for one channel in one language. Bodies are Liquid, rendered by campaigns.content."""

    content = models.ForeignKey(Content, models.CASCADE, related_name="variants")
    channel = models.CharField(_("channel"), max_length=10, choices=ChannelKind.choices)
    language = models.CharField(_("language"), max_length=10, default="zh-hans")
    format = models.CharField(_("format"), max_length=10, choices=ContentFormat.choices, default=ContentFormat.TEXT)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    preheader = models.CharField(_("preview text"), max_length=200, blank=True)
    body = models.TextField(_("body"), blank=True)
    data = models.JSONField(default=dict, blank=True)
    """Of a platform template {"template_id", "fields", "url"}; else empty."""

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        constraints = [models.UniqueConstraint(fields=["content", "channel", "language"], name="variant_once")]

    def __str__(self):
        return f"{self.get_channel_display()} {self.language}"

    def save(self, *args, **kwargs):
        """Raises Immutable when the content is approved."""
        if Content.objects.filter(pk=self.content_id).exclude(state=ContentState.DRAFT).exists():
            raise Immutable(str(self.content))
        super().save(*args, **kwargs)
