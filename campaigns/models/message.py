from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from campaigns.enums import ACTIVE, WAITING, WENT_OUT, Origin, Reason, State, SuppressionReason
from contacts.enums import ChannelKind, Purpose


class MessageQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Messages to contacts this user's role may see."""
        scope = user.role.scope if user.role_id else "none"
        if scope == "all":
            return self
        if scope == "team" and user.team_id:
            return self.filter(Q(contact__owner=user) | Q(contact__team_id=user.team_id))
        return self.filter(contact__owner=user) if scope in {"own", "team"} else self.none()

    def waiting(self):
        return self.filter(state__in=WAITING)


class Message(models.Model):
    """One intended message, whoever asked for it. Planned by sending.submit, moved by the dispatcher only.

    Foreign keys without a database constraint: the ledger takes a million rows in one go, keeps its rows when a contact is
    erased, and is re-pointed by merges. Times are business time, except the lease and the attempt.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.TextField(unique=True)
    """Idempotency key made of stable ids: "campaign:7:wave:1:contact:42", "enrolment:9:step:a:1"."""
    contact = models.ForeignKey(
        "contacts.Contact", models.DO_NOTHING, db_constraint=False, related_name="messages", db_index=False
    )
    identity = models.ForeignKey(
        "contacts.Identity", models.DO_NOTHING, db_constraint=False, null=True, related_name="+", db_index=False
    )
    """The address chosen; null when no channel could be chosen."""
    pinned = models.BooleanField(default=False)
    """The asker named the address; no other may be taken."""
    channel = models.CharField(_("channel"), max_length=10, choices=ChannelKind.choices, blank=True)
    account_id = models.BigIntegerField(default=0)
    """channels_ingest.Channel it goes out by, 0 when none was chosen."""
    channels = ArrayField(models.CharField(max_length=10), default=list)
    """What was asked for, in order of preference."""
    content = models.ForeignKey(
        "campaigns.Content", models.PROTECT, db_constraint=False, null=True, related_name="messages", db_index=False
    )
    body = models.JSONField(null=True)
    """Instead of content, what a person of ours wrote: {"kind", "text", "data"}."""
    purpose = models.CharField(_("purpose"), max_length=14, choices=Purpose.choices)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin.choices)
    origin_id = models.BigIntegerField(default=0)
    lane = models.SmallIntegerField(default=1)
    """Order among due messages of one account: 0 transactional and service, 1 journeys, 2 campaigns."""
    ref = models.JSONField(default=dict)
    """The asker's own reference, copied into every event of this message."""
    context = models.JSONField(default=dict)
    """Extra merge fields: {"coupon": {"code": ...}}."""
    tags = ArrayField(models.CharField(max_length=40), default=list)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True)
    decisions = models.JSONField(default=list)
    """Every look at the gates, oldest first, with its facts (campaigns.sending.reasons says them as sentences)."""
    defer_quiet = models.BooleanField(default=True)
    """False: rather not at all than after the quiet hours."""
    paused = models.BooleanField(default=False)
    """Its campaign or journey is paused: not claimed."""
    hold_until = models.DateTimeField(null=True)
    next_at = models.DateTimeField()
    """When it is due: planning, end of the hold, next try; once it left, when that was (what caps and windows count)."""
    expires_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    """Real time."""
    fence = models.IntegerField(default=0)
    """Raised by every claim; a worker whose fence is old has lost the row and may not write it."""
    attempt_no = models.SmallIntegerField(default=0)
    attempt_id = models.UUIDField(null=True)
    planned_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    """First opening by a person."""
    machine_opened_at = models.DateTimeField(null=True)
    """First opening by a privacy proxy or scanner; not used for anything by default."""
    clicked_at = models.DateTimeField(null=True)
    platform_id = models.TextField(blank=True)
    error = models.TextField(blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(
                fields=["account_id", "lane", "next_at"],
                condition=Q(state__in=WAITING, paused=False),
                name="message_due",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state__in=[State.LEASED, State.ATTEMPTING]), name="message_leased"
            ),
            models.Index(
                fields=["expires_at"], condition=Q(state__in=WAITING, expires_at__isnull=False), name="message_expiring"
            ),
            models.Index(fields=["contact", "-id"], name="message_contact"),
            models.Index(
                fields=["contact", "next_at"],
                condition=Q(purpose="marketing", state__in=[*ACTIVE, State.SENT, State.DELIVERED, State.UNKNOWN]),
                name="message_cap",
            ),
            models.Index(
                fields=["identity", "next_at"],
                condition=Q(channel__in=["oa", "wecom", "weibo", "douyin"]),
                name="message_window",
            ),
            models.Index(fields=["origin", "origin_id", "-id"], name="message_origin"),
            models.Index(fields=["platform_id"], condition=~Q(platform_id=""), name="message_platform"),
            models.Index(F("id").desc(), condition=Q(state__in=[State.UNKNOWN, State.FAILED]), name="message_trouble"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=[*ACTIVE, *WENT_OUT]) | Q(identity__isnull=False),
                name="message_active_has_address",
            ),
            models.CheckConstraint(
                condition=Q(content__isnull=False) | Q(body__isnull=False), name="message_says_something"
            ),
        ]

    def __str__(self):
        return self.key

    @property
    def title(self) -> str:
        """What lists call it: the content's name, or the beginning of what somebody of ours wrote."""
        if self.content is not None:
            return self.content.name
        text = " ".join(str((self.body or {}).get("text", "")).split())
        return text if len(text) <= 60 else f"{text[:59]}…"


class MessageCount(models.Model):
    """How many messages of a programme are in a state for a reason, and how many of those were opened and clicked. Written by
    triggers on the ledger and by scrm.core.tallies alone; the sum over a programme's rows is exact. Who is leased or attempting
    counts as queued: a matter of seconds, and a dispatcher that works writes two rows less for every handful."""

    origin = models.CharField(max_length=10)
    origin_id = models.BigIntegerField()
    state = models.CharField(max_length=10)
    reason = models.CharField(max_length=20, blank=True)
    n = models.BigIntegerField()
    opened = models.BigIntegerField()
    clicked = models.BigIntegerField()
    folded = models.BooleanField(default=False)
    """False: one statement's change, not yet added up."""

    class Meta:
        indexes = [
            models.Index(fields=["origin", "origin_id"], name="messagecount_sum"),
            models.Index(fields=["id"], condition=Q(folded=False), name="messagecount_fresh"),
        ]

    def __str__(self):
        return f"{self.origin} {self.origin_id} {self.state} {self.reason}: {self.n}"


class Suppression(models.Model):
    """An address that is not written to, found by its blind index; the address itself is not kept."""

    kind = models.CharField(max_length=16)
    """contacts.IdentityKind of the address."""
    scope = models.BigIntegerField(default=0)
    index = models.UUIDField()
    reason = models.CharField(_("reason"), max_length=12, choices=SuppressionReason.choices)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppression list")
        constraints = [models.UniqueConstraint(fields=["kind", "scope", "index"], name="suppression_once")]

    def __str__(self):
        return f"{self.kind} {self.index}"


class Pace(models.Model):
    """The token bucket of one channel account; times are real time."""

    account_id = models.BigIntegerField(primary_key=True)
    tokens = models.FloatField()
    refilled_at = models.DateTimeField()
    rest_until = models.DateTimeField(null=True)
    """The platform asked for a rest (quota, rate) or does not answer: nothing is claimed before."""
    failures = models.IntegerField(default=0)
    """Failed connections in a row; each doubles the rest."""
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("sending pace")

    def __str__(self):
        return str(self.account_id)


class DeliveryReport(models.Model):
    """What a platform said about a message of ours, until the message is found: the report may come before our own transaction
    has kept the platform's id."""

    account_id = models.BigIntegerField()
    platform_id = models.TextField()
    delivered = models.BooleanField()
    detail = models.CharField(max_length=200, blank=True)
    """The platform's words when it was not delivered."""
    at = models.DateTimeField()
    """Business time of the report."""
    kept_at = models.DateTimeField()
    """Real time."""

    class Meta:
        verbose_name = _("delivery report")
        constraints = [models.UniqueConstraint(fields=["account_id", "platform_id"], name="deliveryreport_once")]

    def __str__(self):
        return self.platform_id
