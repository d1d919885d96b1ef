"""What people did (audit), what people should know (notifications), and failed log-ins."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Level
from scrm.core.looks import LEVEL_ICONS


class AuditEntry(models.Model):
    """Who did what to which object, when (real time). Rows are only ever added; written by ``core.audit.record``."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("Time"), db_index=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    """None: the system itself."""
    verb = models.CharField(_("Action"), max_length=60)
    """``object.what_happened``, for example ``role.updated``."""
    target_type = models.CharField(max_length=60, blank=True)
    """``app_label.model``."""
    target_id = models.CharField(max_length=40, blank=True)
    target_label = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        verbose_name = _("audit entry")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["by", "-id"], name="audit_by"),
            models.Index(fields=["verb", "-id"], name="audit_verb"),
            models.Index(fields=["target_type", "target_id", "-id"], name="audit_target"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.target_label}"


class NotificationQuerySet(models.QuerySet):
    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at=None)


class Notification(models.Model):
    """A line for one user behind the bell. Written by ``core.notify.tell``."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_user"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notification_unread"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def icon(self) -> str:
        return LEVEL_ICONS.get(self.level, LEVEL_ICONS["info"])


class LoginAttempt(models.Model):
    """Failures in a row for an account from an address (``account`` empty: for the address over all accounts)."""

    account = models.CharField(max_length=254)
    ip = models.GenericIPAddressField()
    failures = models.PositiveIntegerField()
    last_at = models.DateTimeField(db_index=True)
    blocked_until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "ip"], name="login_attempt_once")]

    def __str__(self) -> str:
        return f"{self.account} {self.ip}"


class FirstRunToken(models.Model):
    """Hash of the token that may make the first administrator; the token itself is only printed on the console."""

    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="first_run_token_is_one")]

    def __str__(self) -> str:
        return self.created_at.isoformat()
