"""What the running system last did: one row per pump and per queue, kept for the health page. Real time throughout."""

from django.db import models


class PumpRun(models.Model):
    """The last run of a pump (scrm.core.pumps); a failure stays visible until a later run succeeds."""

    name = models.CharField(primary_key=True, max_length=60)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    """Failed runs in a row."""

    def __str__(self) -> str:
        return self.name


class Canary(models.Model):
    """A hint sent through each queue every few seconds: when it last left and when it last came back."""

    queue = models.CharField(primary_key=True, max_length=30)
    sent_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True)
    round_trip_ms = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return self.queue
