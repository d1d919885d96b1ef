"""QR codes with a scene: they tell where a follower came from."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SceneCode(models.Model):
    """One permanent code of an Official Account (the platform allows 100,000 per account)."""

    channel = models.ForeignKey("channels_ingest.Channel", models.CASCADE, related_name="scene_codes")
    scene = models.CharField(_("Scene"), max_length=64)
    """What the platform gives back in the follow and scan events, 1 to 64 characters."""
    label = models.CharField(_("Place or purpose"), max_length=120)
    ticket = models.CharField(max_length=200)
    url = models.CharField(max_length=300)
    """What the code says; the picture is drawn from it."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("scene code")
        verbose_name_plural = _("scene codes")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["channel", "scene"], name="scene_once")]

    def __str__(self) -> str:
        return self.label
