from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.enums import OptInState


class Link(models.Model):
    """One address inside one content version. What a message carries is a signed token of (link, message), so a million
    recipients need no row each."""

    content = models.ForeignKey("campaigns.Content", models.CASCADE, related_name="links")
    url = models.TextField()
    digest = models.UUIDField()
    """First half of sha256(url), because a long url does not fit an index."""
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("tracked link")
        verbose_name_plural = _("tracked links")
        constraints = [models.UniqueConstraint(fields=["content", "digest"], name="link_once")]

    def __str__(self):
        return self.url


class OptIn(models.Model):
    """One double opt-in: a claimed e-mail address waits for its owner's word."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="opt_ins")
    identity = models.ForeignKey("contacts.Identity", models.CASCADE, related_name="+")
    submission = models.TextField(unique=True)
    """Idempotency: the event that asked for it."""
    form = models.CharField(max_length=120, blank=True)
    link_message = models.ForeignKey(
        "campaigns.Message", models.SET_NULL, null=True, db_constraint=False, related_name="+"
    )
    """The message whose personal link brought the visitor: observed evidence of who it may be."""
    message = models.ForeignKey("campaigns.Message", models.SET_NULL, null=True, db_constraint=False, related_name="+")
    """The confirmation mail."""
    state = models.CharField(max_length=10, choices=OptInState.choices, default=OptInState.PENDING)
    answer = models.CharField(max_length=8, blank=True)
    """"me" or "not_me", when the page asked."""
    requested_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("opt-in")
        indexes = [models.Index(fields=["identity", "-requested_at"], name="optin_identity")]

    def __str__(self):
        return self.submission
