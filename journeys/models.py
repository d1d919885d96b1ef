from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from journeys.enums import OPEN_STATES, EnrolmentState, JourneyState, Reason, VersionState

IS_OPEN = Q(state__in=OPEN_STATES)


class Journey(models.Model):
    """A programme people run through, one by one. What they run through is in its versions."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    state = models.CharField(max_length=8, choices=JourneyState.choices, default=JourneyState.DRAFT)
    recipe = models.CharField(max_length=40, blank=True)
    """Key of the recipe it was made from (journeys.recipes), blank for an own design."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    """Real time of the last publish, pause, resume or end: what the engine's index of live journeys is keyed on."""

    class Meta:
        verbose_name = _("journey")
        verbose_name_plural = _("journeys")
        indexes = [models.Index(fields=["changed_at"], name="journey_changed")]

    def __str__(self) -> str:
        return self.name

    @property
    def takes_people(self) -> bool:
        return self.state == JourneyState.LIVE

    @property
    def is_over(self) -> bool:
        return self.state == JourneyState.ENDED


class Version(models.Model):
    """One design of a journey. A draft changes with every edit; a published one never does, and the people who entered
    by it stay on it."""

    journey = models.ForeignKey(Journey, models.CASCADE, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField()
    """See journeys.tree for the shape."""
    state = models.CharField(max_length=10, choices=VersionState.choices, default=VersionState.DRAFT)
    revision = models.IntegerField(default=1)
    """Raised by every edit of the draft: an edit of an older revision is refused."""
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    edited_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("version")
        constraints = [
            models.UniqueConstraint(fields=["journey", "number"], name="version_number"),
            models.UniqueConstraint(fields=["journey"], condition=Q(state="draft"), name="version_one_draft"),
            models.UniqueConstraint(fields=["journey"], condition=Q(state="published"), name="version_one_published"),
        ]

    def __str__(self) -> str:
        return f"{self.journey} v{self.number}"


class DraftEdit(models.Model):
    """The definition as it was before an edit of the draft, for undo. The last fifty are kept, none after publishing."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="edits")
    revision = models.IntegerField()
    definition = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "revision"], name="draftedit_once")]

    def __str__(self) -> str:
        return f"{self.version_id} r{self.revision}"


class EnrolmentQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state__in=OPEN_STATES)


class Enrolment(models.Model):
    """One person's run through one version of a journey. Rows are moved set-based by journeys.engine only.

    ``run`` and ``slot`` carry the re-entry policy as unique keys: *never* has the same ``run`` every time, *after exit* a
    ``slot`` that is taken while the person is inside, *always* neither.
    """

    journey = models.ForeignKey(Journey, models.CASCADE, related_name="enrolments", db_index=False)
    version = models.ForeignKey(Version, models.CASCADE, related_name="enrolments", db_index=False)
    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="enrolments")
    state = models.CharField(max_length=8, choices=EnrolmentState.choices, default=EnrolmentState.ACTIVE)
    step = models.CharField(max_length=24)
    visit = models.IntegerField(default=1)
    """Raised when a repeat sends the person round again; part of every idempotency key."""
    due_at = models.DateTimeField(null=True)
    """When the engine has to look at it next, business time. Null while only an event can move it on."""
    wake = models.CharField(max_length=20, blank=True)
    """What woke it: ``happened``, or the outcome of a message. Blank: its time came."""
    wake_event_id = models.BigIntegerField(default=0)
    """Event that brought the person to where they are, 0 when it was time. Later events count as "since this step"."""
    context = models.JSONField(default=dict)
    """What steps left for later ones: {"event": {...}, "coupon": {...}, "loops": {step: rounds}}."""
    entered_at = models.DateTimeField()
    entry_event_id = models.BigIntegerField(default=0)
    """Position in the event log at entry."""
    run = models.CharField(max_length=80)
    slot = models.CharField(max_length=80, null=True)
    converted_at = models.DateTimeField(null=True)
    """First time the goal was reached, also after leaving."""
    exited_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True)
    trail = models.TextField(blank=True, default="", db_default="")
    """The way so far, a line per stretch that was walked without a pause: epoch seconds, then ``step>branch`` in order.
    Kept in the row, which the engine writes anyway: a table of its own cost a third of its speed."""
    faults = models.SmallIntegerField(default=0)
    """Failed attempts at the present step; each next one waits twice as long."""
    fault = models.CharField(max_length=200, blank=True)

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        constraints = [
            models.UniqueConstraint(fields=["journey", "contact", "run"], name="enrolment_run"),
            models.UniqueConstraint(
                fields=["journey", "contact", "slot"], condition=IS_OPEN & Q(slot__isnull=False), name="enrolment_slot"
            ),
        ]
        indexes = [
            models.Index(
                fields=["journey", "due_at"], condition=IS_OPEN & Q(due_at__isnull=False), name="enrolment_due"
            ),
            models.Index(fields=["journey", "-id"], name="enrolment_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


class Subscription(models.Model):
    """An enrolment waits for an event of its person. The event deletes the row and wakes the enrolment in one
    transaction; the time-out is the enrolment's ``due_at``."""

    enrolment = models.OneToOneField(Enrolment, models.CASCADE, primary_key=True)
    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="+", db_index=False)
    kind = models.TextField()
    where = models.JSONField(default=list)
    floor_id = models.BigIntegerField(default=0)
    """Only events after this position of the log count."""
    floor_at = models.DateTimeField(null=True)
    """Only events that happened at or after this time count."""
    checked = models.BooleanField(default=False)
    """The log was read once more after the row was committed, for events that came in between."""

    class Meta:
        indexes = [
            models.Index(fields=["contact", "kind"], name="subscription_contact"),
            models.Index(fields=["enrolment"], condition=Q(checked=False), name="subscription_unchecked"),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment_id} {self.kind}"


class StepCount(models.Model):
    """How many entered a step (branch ``in``) and left it (any other branch). Deltas are only ever inserted, so that
    workers never wait for each other; ``compact`` adds them up. Read with Sum."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="counts", db_index=False)
    step = models.CharField(max_length=24)
    branch = models.CharField(max_length=24)
    n = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["version", "step", "branch"], name="stepcount_sum")]

    def __str__(self) -> str:
        return f"{self.step}>{self.branch} {self.n}"


class EnrolmentCount(models.Model):
    """How many people entered by a version, are inside, and converted. Written by triggers on the enrolments and by
    scrm.core.tallies alone; the sum over a journey's rows is exact."""

    journey = models.ForeignKey(Journey, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="people")
    version = models.ForeignKey(Version, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="people")
    n = models.BigIntegerField()
    inside = models.BigIntegerField()
    converted = models.BigIntegerField()
    folded = models.BooleanField(default=False)
    """False: one statement's change, not yet added up."""

    class Meta:
        indexes = [
            models.Index(fields=["journey"], name="enrolmentcount_sum"),
            models.Index(fields=["id"], condition=Q(folded=False), name="enrolmentcount_fresh"),
        ]

    def __str__(self) -> str:
        return f"{self.journey_id} {self.n} {self.inside} {self.converted}"
