from django.db import models


class Report(models.Model):
    """A heavy report: asked for by a page, computed by a pump, shown with the time it was computed. Real time."""

    name = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    key = models.CharField(max_length=64, unique=True)
    """Name and params."""
    wanted_at = models.DateTimeField(null=True)
    """Set while somebody waits for a fresh one."""
    leased_until = models.DateTimeField(null=True)
    computed_at = models.DateTimeField(null=True)
    data = models.JSONField(null=True)
    error = models.CharField(max_length=200, blank=True)
    seconds = models.FloatField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["wanted_at"], condition=models.Q(wanted_at__isnull=False), name="report_wanted")
        ]

    def __str__(self) -> str:
        return self.key
