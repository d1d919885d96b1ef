"""Leads: people who showed that they may buy, with a score that can be read, and what sales does about them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.enums import OPEN_LEADS, LeadActKind, LeadState


class ScoreRule(models.Model):
    """So many points while a person meets the rule."""

    name = models.CharField(_("name"), max_length=80)
    points = models.IntegerField(_("points"))
    rule = models.JSONField(default=dict)
    """A segment rule (contacts.segments)."""
    active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("score rule")
        ordering = ["-points", "id"]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name; those we ship are shown in the reader's language."""
        return gettext(self.name)


class AssignRule(models.Model):
    """Who gets a new lead: the first rule by position that the person meets. Within the team whoever has the fewest open
    leads, among equals whoever got none for longest."""

    name = models.CharField(_("name"), max_length=80)
    position = models.IntegerField(default=0)
    rule = models.JSONField(default=dict)
    """A segment rule; empty: everybody."""
    team = models.ForeignKey(
        "core.Team", models.CASCADE, null=True, blank=True, verbose_name=_("team"), related_name="+"
    )
    """None: all sales people."""
    most_open = models.PositiveIntegerField(_("at most so many open leads a person"), default=50)
    active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("assignment rule")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return gettext(self.name)


class LeadQuerySet(models.QuerySet):
    def open(self) -> "LeadQuerySet":
        return self.filter(state__in=OPEN_LEADS)

    def visible_to(self, user) -> "LeadQuerySet":
        """By the role's scope: own leads, the team's, or all."""
        scope = user.role.scope if user.role_id else "none"
        if scope == "all":
            return self
        if scope == "team" and user.team_id:
            return self.filter(Q(owner=user) | Q(owner__team_id=user.team_id) | Q(owner=None, team_id=user.team_id))
        return self.filter(owner=user) if scope in {"own", "team"} else self.none()


class Lead(models.Model):
    """At most one open lead per contact. Times are business time."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="leads", db_index=False)
    state = models.CharField(_("state"), max_length=8, choices=LeadState.choices, default=LeadState.NEW)
    score = models.IntegerField(_("score"), default=0)
    reasons = models.JSONField(default=list)
    """[{"rule": id, "name", "points"}], most points first."""
    scored_at = models.DateTimeField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="leads", db_index=False
    )
    team = models.ForeignKey("core.Team", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    """None: by its score."""
    opened_at = models.DateTimeField()
    assigned_at = models.DateTimeField(null=True)
    first_act_at = models.DateTimeField(null=True)
    """When somebody first did something about it."""
    follow_up_at = models.DateTimeField(_("next follow-up"), null=True, blank=True)
    reminded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    lost_reason = models.CharField(_("reason"), max_length=200, blank=True)
    merged_from = models.BigIntegerField(null=True)
    """Contact it belonged to before a merge: undoing that gives it back."""
    version = models.IntegerField(default=1)

    objects = LeadQuerySet.as_manager()

    class Meta:
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        constraints = [
            models.UniqueConstraint(fields=["contact"], condition=Q(state__in=OPEN_LEADS), name="lead_one_open")
        ]
        indexes = [
            models.Index(fields=["contact", "-opened_at"], name="lead_contact"),
            models.Index(fields=["owner", "state", "-score", "-id"], name="lead_mine"),
            models.Index(F("score").desc(), F("id").desc(), condition=Q(state__in=OPEN_LEADS), name="lead_hot"),
            models.Index(fields=["-opened_at", "-id"], name="lead_recent"),
            models.Index(
                fields=["follow_up_at"],
                condition=Q(state__in=OPEN_LEADS, reminded_at=None, follow_up_at__isnull=False),
                name="lead_due",
            ),
            models.Index(fields=["scored_at"], condition=Q(state__in=OPEN_LEADS), name="lead_scored"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_LEADS


class LeadAct(models.Model):
    """History of a lead: what was done, by whom."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="acts", db_index=False)
    kind = models.CharField(max_length=8, choices=LeadActKind.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["lead", "-id"], name="leadact_lead")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def outcome(self) -> str:
        """How it ended, in words, for the act that closed it."""
        to = self.details.get("to")
        return str(LeadState(to).label) if to in LeadState.values else ""
