from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contacts.enums import Stage


class ContactQuerySet(models.QuerySet):
    def living(self):
        """Without the tombstones that merges leave behind."""
        return self.filter(merged_into=None)

    def known(self):
        """Without the pool of unknown visitors."""
        return self.living().filter(known=True)

    def visible_to(self, user):
        """The living contacts this user's role may see: own, the team's, or all. Every list, count and search goes through here."""
        scope = user.role.scope if user.role_id else "none"
        if scope == "all":
            return self.living()
        if scope == "team" and user.team_id:
            return self.living().filter(Q(owner=user) | Q(team_id=user.team_id))
        if scope in {"own", "team"}:
            return self.living().filter(owner=user)
        return self.none()


class Contact(models.Model):
    """One person, known or not. Roll-ups are maintained set-based by intake in the transaction that appends the events."""

    name = models.CharField(_("name"), max_length=120, blank=True)
    name_grams = ArrayField(models.TextField(), default=list, editable=False)
    """scrm.lib.cjk.grams(name): one- and two-character grams, for substring search without pg_trgm."""
    known = models.BooleanField(default=False)
    """False for a visitor of whom only a browser is known: the pool of unknown visitors."""
    stage = models.CharField(_("stage"), max_length=12, choices=Stage.choices, default=Stage.PUBLIC)
    stage_since = models.DateTimeField(null=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="contacts"
    )
    team = models.ForeignKey(
        "core.Team", models.SET_NULL, null=True, blank=True, db_index=False, related_name="contacts"
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    """IANA name; blank: from the region, else the company's."""
    language = models.CharField(_("language"), max_length=10, blank=True)
    region = models.CharField(_("region"), max_length=60, blank=True)
    city = models.CharField(_("city"), max_length=60, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    source_kind = models.CharField(max_length=24, blank=True)
    """First touch: qr_scene, oa, web, import, order, api, campaign, referral."""
    source_label = models.CharField(max_length=120, blank=True)
    source_account_id = models.BigIntegerField(default=0)
    """Channel account of the first touch (channels_ingest.Channel), 0 when none."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    """Last act of the person (not of ours), business time, kept to the minute."""
    event_count = models.IntegerField(default=0)
    """Acts of the person. What we do to them is on the timeline too, but does not rewrite this row."""
    order_count = models.IntegerField(default=0)
    """Paid orders that are not wholly refunded."""
    order_total = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    """Sum of paid orders net of refunds, company currency."""
    first_order_at = models.DateTimeField(null=True)
    last_order_at = models.DateTimeField(null=True)
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, db_index=False, related_name="merged_from")
    version = models.IntegerField(default=1)
    """Raised by every edit of a person; a form carries it back so that nobody overwrites what they have not seen."""
    created_at = models.DateTimeField()

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        # Every act of a person updates the row: an index that a foreign key would add beside these only costs.
        indexes = [
            models.Index(fields=["merged_into"], name="contact_merged", condition=Q(merged_into__isnull=False)),
            GinIndex(fields=["name_grams"], name="contact_name_grams"),
            models.Index(
                F("last_seen_at").desc(), F("id").desc(), condition=Q(merged_into=None), name="contact_recent"
            ),
            models.Index(fields=["owner", "-last_seen_at", "-id"], name="contact_owner"),
            models.Index(fields=["team", "-last_seen_at", "-id"], name="contact_team"),
            models.Index(fields=["stage", "-last_seen_at", "-id"], name="contact_stage"),
            models.Index(fields=["source_kind"], name="contact_source"),
            models.Index(F("created_at").desc(), F("id").desc(), condition=Q(merged_into=None), name="contact_created"),
            models.Index(
                F("order_total").desc(),
                F("id").desc(),
                condition=Q(merged_into=None, order_count__gt=0),
                name="contact_value",
            ),
        ]

    def __str__(self):
        return self.display_name

    @property
    def display_name(self) -> str:
        """What pages call this person: the name, else a stable short number."""
        return self.name or (_("Customer {n}") if self.known else _("Visitor {n}")).format(n=self.pk)
