from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Segment(models.Model):
    """A rule (dynamic: kept fresh) or a frozen list (static)."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    rule = models.JSONField(default=dict)
    static = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    member_count = models.IntegerField(default=0)
    refreshed_at = models.DateTimeField(null=True)
    broken_reason = models.CharField(max_length=200, blank=True)
    """Set when the rule names something that is gone; the last members are kept, marked stale."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")

    def __str__(self):
        return self.name


class SegmentMember(models.Model):
    """Materialised membership; entries and exits are events, exactly once, in the transaction that changes the row."""

    segment = models.ForeignKey(Segment, models.CASCADE, db_index=False, related_name="members")
    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="segment_memberships")
    entered_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "contact"], name="segmentmember_unique")]

    def __str__(self):
        return f"{self.segment_id} {self.contact_id}"
