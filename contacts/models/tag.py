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


class TagCount(models.Model):
    """On how many contacts a tag is, and when it was last put on one. Written by triggers on the taggings and by
    scrm.core.tallies alone; the sum over a tag's rows is exact."""

    tag = models.ForeignKey(Tag, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="counts")
    n = models.BigIntegerField()
    last_at = models.DateTimeField(null=True)
    folded = models.BooleanField(default=False)
    """False: one statement's change, not yet added up."""

    class Meta:
        indexes = [
            models.Index(fields=["tag"], name="tagcount_sum"),
            models.Index(fields=["id"], condition=models.Q(folded=False), name="tagcount_fresh"),
        ]

    def __str__(self):
        return f"{self.tag_id}: {self.n}"
