from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """What happened, append-only. Range-partitioned by month of ``occurred_at`` (SQL in the migration); ids are commit-ordered.

    Never created through the ORM: contacts.intake appends. There is no primary key on the partitions; ``id`` is indexed.
    """

    id = models.BigIntegerField(primary_key=True)
    contact = models.ForeignKey(
        "contacts.Contact", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    identity_id = models.BigIntegerField(null=True)
    kind = models.TextField()
    channel = models.TextField()
    account_id = models.BigIntegerField(default=0)
    """Channel account it came from, 0 for our own side."""
    occurred_at = models.DateTimeField()
    """Business time when it happened."""
    recorded_at = models.DateTimeField()
    """Business time when we stored it."""
    local_date = models.DateField()
    """Date of occurred_at in the company's time zone, stored at write time for daily trends."""
    properties = models.JSONField(default=dict)

    class Meta:
        db_table = "contacts_event"
        verbose_name = _("event")

    def __str__(self):
        return f"{self.kind} {self.id}"


class EventKey(models.Model):
    """Deduplication across months: (account, hash of the external id). Hash-partitioned; pruned by age for busy sources."""

    key = models.UUIDField(primary_key=True)
    account_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "contacts_eventkey"

    def __str__(self):
        return str(self.key)


class ConsumerCursor(models.Model):
    """How far a consumer has read the log. Moved in the transaction that applies the effects."""

    name = models.CharField(max_length=80, primary_key=True)
    position = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(null=True)
    """Real time."""

    def __str__(self):
        return f"{self.name} {self.position}"


class PoisonEvent(models.Model):
    """An event a consumer could not digest: set aside with its error, shown on the health page, replayable."""

    consumer = models.CharField(max_length=80)
    event_id = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    error = models.TextField()
    set_aside_at = models.DateTimeField()
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "event_id"], name="poison_once")]

    def __str__(self):
        return f"{self.consumer} {self.event_id}"
