from django.db import models


class Poll(models.Model):
    """How far a feed of an account has been read. All times are real time.

    Feeds answer newest first. ``since``: everything up to it is in the inbox. While a full page was met, the way down from
    ``top`` to ``since`` goes on below ``until``; when it is done, ``top`` becomes ``since``.
    """

    channel = models.ForeignKey("channels_ingest.Channel", models.CASCADE, related_name="polls")
    feed = models.CharField(max_length=24)
    since = models.BigIntegerField(default=0)
    until = models.BigIntegerField(default=0)
    top = models.BigIntegerField(default=0)
    next_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    polled_at = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)

    class Meta:
        verbose_name = "poll"
        constraints = [models.UniqueConstraint(fields=["channel", "feed"], name="poll_once")]
        indexes = [models.Index(fields=["next_at"], name="poll_due")]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.feed}"
