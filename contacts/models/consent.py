from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.enums import ChannelKind, ConsentState, Purpose


class Consent(models.Model):
    """The present state per contact, channel and purpose, with its proof. The history is in the event log."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, db_index=False, related_name="consents")
    channel = models.CharField(max_length=10, choices=ChannelKind.choices)
    purpose = models.CharField(max_length=14, choices=Purpose.choices, default=Purpose.MARKETING)
    state = models.CharField(max_length=10, choices=ConsentState.choices)
    proof = models.JSONField(default=dict)
    """{"how": "follow"|"double opt-in"|"staff"|"import"|"unsubscribe link", "event": id, ...}."""
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("consent")
        constraints = [models.UniqueConstraint(fields=["contact", "channel", "purpose"], name="consent_unique")]

    def __str__(self):
        return f"{self.channel} {self.purpose} {self.state}"
