from django.db import models


class DailyCount(models.Model):
    """How often something happened on one company-local day, by channel.

    Made from the event log by the ``daily`` consumer; rebuildable.
    """

    day = models.DateField()
    metric = models.CharField(max_length=24)
    """A key of analytics.metrics.METRICS."""
    channel = models.CharField(max_length=10)
    detail = models.CharField(max_length=40, blank=True)
    """What the metric is split by beside the channel: the reason of a non-send, the stage of a move; else blank."""
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["metric", "day", "channel", "detail"], name="dailycount_unique")]

    def __str__(self) -> str:
        return f"{self.day} {self.metric} {self.channel} {self.detail}: {self.count}"


class ProgrammeCount(models.Model):
    """The same counts per programme (journey, campaign, system) over its whole life."""

    origin = models.CharField(max_length=12)
    origin_id = models.BigIntegerField()
    metric = models.CharField(max_length=24)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["origin", "origin_id", "metric"], name="programmecount_unique")]

    def __str__(self) -> str:
        return f"{self.origin} {self.origin_id} {self.metric}: {self.count}"


class FirstTouch(models.Model):
    """The first open and the first click of each message, so that one person who opens five times counts once."""

    message_id = models.BigIntegerField()
    metric = models.CharField(max_length=24)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message_id", "metric"], name="firsttouch_unique")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.metric}"
