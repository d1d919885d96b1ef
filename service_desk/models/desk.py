"""How the desk works: its settings, its people, and what it has learned."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from service_desk.enums import OfferState, Speech, SurveyState


class DeskSettings(models.Model):
    """A singleton; read it with ``DeskSettings.get()``."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    close_hours = models.PositiveIntegerField(
        _("Solved tickets close after (hours)"),
        default=96,
        validators=[MinValueValidator(1), MaxValueValidator(28 * 24)],
    )
    accept_seconds = models.PositiveIntegerField(
        _("Time to accept (seconds)"), default=300, validators=[MaxValueValidator(86400)]
    )
    """0: nobody has to accept."""
    grace_seconds = models.PositiveIntegerField(
        _("Offline before work goes back (seconds)"), default=600, validators=[MaxValueValidator(7 * 86400)]
    )
    capacity = models.PositiveIntegerField(
        _("Open tickets per agent"), default=8, validators=[MinValueValidator(1), MaxValueValidator(500)]
    )
    warn_percent = models.PositiveIntegerField(
        _("Warn at (percent of the time)"), default=80, validators=[MinValueValidator(10), MaxValueValidator(99)]
    )
    follow_up_days = models.PositiveIntegerField(
        _("Follow-ups after closing (days)"), default=30, validators=[MaxValueValidator(365)]
    )
    """How long after closing a further word of the customer opens a linked ticket."""
    thanks_reopen = models.BooleanField(_("A mere “thank you” reopens too"), default=False)
    survey = models.BooleanField(_("Ask for a rating when a ticket is solved"), default=True)
    low_stars = models.PositiveIntegerField(
        _("Alert the manager up to (stars)"), default=2, validators=[MaxValueValidator(5)]
    )
    version = models.IntegerField(default=1)

    class Meta:
        verbose_name = _("service desk settings")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="desk_settings_is_one")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def get(cls) -> "DeskSettings":
        """The row, or its defaults unsaved. One query, never writes."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)


class AgentProfile(models.Model):
    """What an agent can take on. Its row is the lock under which the router counts and gives work."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="agent_profile", primary_key=True
    )
    capacity = models.PositiveIntegerField(_("Open tickets at most"), null=True, blank=True)
    """None: as the desk's settings say."""
    skills = ArrayField(models.CharField(max_length=40), verbose_name=_("Skills"), default=list, blank=True)
    takes_work = models.BooleanField(_("Gets tickets by itself"), default=True)
    last_work_at = models.DateTimeField(null=True)
    """When work was last given or finished: ties go to who is longest without."""

    class Meta:
        verbose_name = _("agent")

    def __str__(self) -> str:
        return str(self.user)


class ChannelDesk(models.Model):
    """Where the tickets of a channel account go."""

    account_id = models.BigIntegerField(unique=True)
    """channels_ingest.Channel."""
    team = models.ForeignKey("core.Team", models.SET_NULL, verbose_name=_("Team"), null=True, blank=True)
    skill = models.CharField(_("Skill needed"), max_length=40, blank=True)
    agent_limit = models.PositiveIntegerField(_("Open tickets per agent from this channel"), null=True, blank=True)

    class Meta:
        verbose_name = _("routing of a channel")

    def __str__(self) -> str:
        return str(self.account_id)


class TicketOffer(models.Model):
    """A ticket was given to an agent by the router."""

    ticket = models.ForeignKey("service_desk.Ticket", models.CASCADE, related_name="offers", db_index=False)
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=OfferState.choices, default=OfferState.OFFERED)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("offer of a ticket")
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=Q(state="offered"), name="ticket_offer_one_open")
        ]
        indexes = [
            models.Index(fields=["ticket", "-id"], name="ticket_offer_order"),
            models.Index(fields=["at"], condition=Q(state="offered"), name="ticket_offer_open"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.state}"


class Correction(models.Model):
    """An agent says what a text really is; the detector learns from it."""

    text = models.TextField()
    label = models.CharField(max_length=10, choices=Speech.choices)
    said = models.CharField(max_length=10, choices=Speech.choices)
    """What the detector had said."""
    ticket = models.ForeignKey("service_desk.Ticket", models.SET_NULL, null=True, related_name="corrections")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("correction")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text[:60]


class DetectorVersion(models.Model):
    """A trained detector. The highest id is in force."""

    data = models.JSONField()
    """service_desk.complaints.Model.dump()."""
    report = models.JSONField(default=dict)
    """Measured on held-out sentences: accuracy, recall, precision, table."""
    correction_id = models.BigIntegerField(default=0)
    """It knows the corrections up to this one."""
    seed = models.CharField(max_length=32)
    """Fingerprint of the built-in sentences and rules it was trained with."""
    trained_at = models.DateTimeField()

    class Meta:
        verbose_name = _("version of the detector")

    def __str__(self) -> str:
        return f"v{self.pk}"


class Survey(models.Model):
    """The question after a solution, once per resolution cycle. ``agent`` is who solved it, whoever reads the answer."""

    ticket = models.ForeignKey("service_desk.Ticket", models.CASCADE, related_name="surveys", db_index=False)
    cycle = models.IntegerField()
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=SurveyState.choices, default=SurveyState.DUE)
    reason = models.CharField(max_length=40, blank=True)
    """Why it was not asked."""
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    stars = models.IntegerField(null=True)
    text = models.CharField(max_length=500, blank=True)
    rated_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("satisfaction question")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "cycle"], name="survey_once_per_cycle"),
            models.CheckConstraint(condition=Q(stars__isnull=True) | Q(stars__range=(1, 5)), name="survey_stars"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(state="due"), name="survey_due")]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.cycle}"

    def as_properties(self) -> dict[str, Any]:
        return {"ticket": self.ticket_id, "stars": self.stars, "agent": self.agent_id, "text": self.text}
