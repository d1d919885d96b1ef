from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.enums import TagSource


class Tag(models.Model):
    name = models.CharField(_("name"), max_length=60, unique=True)
    group = models.CharField(_("group"), max_length=60, blank=True)
    description = models.CharField(_("meaning"), max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["group", "name"]

    def __str__(self):
        return self.name


class Tagging(models.Model):
    """One tag on one contact, with where it came from and how sure we are."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, db_index=False, related_name="taggings")
    tag = models.ForeignKey(Tag, models.CASCADE, db_index=False, related_name="taggings")
    source = models.CharField(max_length=10, choices=TagSource.choices, default=TagSource.MANUAL)
    confidence = models.FloatField(default=1.0)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "tag"], name="tagging_unique")]
        indexes = [models.Index(fields=["tag", "contact"], name="tagging_tag")]

    def __str__(self):
        return f"{self.contact_id} {self.tag_id}"
