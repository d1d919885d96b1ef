from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.enums import IdentityKind, MergeState, Trust


class Identity(models.Model):
    """One handle of a person on one channel. The value is sealed; ``index`` finds it exactly; ``hint`` is what pages show."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, db_index=False, related_name="identities")
    kind = models.CharField(max_length=16, choices=IdentityKind.choices)
    scope = models.BigIntegerField(default=0)
    """Channel account id for kinds that are only unique within one (openid), else 0."""
    index = models.UUIDField()
    """scrm.lib.crypto.blind_index(kind, normalised value)."""
    index_key = models.SmallIntegerField(default=1)
    """Which ring key made the index (rotation)."""
    value = models.BinaryField()
    """Sealed normalised value, purpose ``identity``."""
    hint = models.CharField(max_length=80)
    """Masked: 138****8888, lin.x***@163.com, oAbC...9xYz."""
    trust = models.SmallIntegerField(choices=Trust.choices, default=Trust.OBSERVED)
    evidence = models.JSONField(default=dict, blank=True)
    """What raised the trust: {"by": "platform callback"|"confirmed link"|..., ...}."""
    reachable = models.BooleanField(default=True)
    """False after an unfollow, a hard bounce, or the platform's word that the address is gone."""
    last_inbound_at = models.DateTimeField(null=True)
    """Last message the person wrote by this identity, business time: opens 48 h and 5 messages on an Official Account."""
    last_touch_at = models.DateTimeField(null=True)
    """Last follow, menu click or scan: opens 1 minute and 3 messages."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(fields=["kind", "scope", "index"], name="identity_unique")]
        indexes = [models.Index(fields=["contact", "kind"], name="identity_contact")]

    def __str__(self):
        return f"{self.get_kind_display()} {self.hint}"


class Merge(models.Model):
    """One merge of two contacts, done, undone or proposed; with its evidence and what is needed to undo it."""

    survivor = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="merges")
    other = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="merges_away")
    state = models.CharField(max_length=10, choices=MergeState.choices)
    evidence = models.JSONField(default=dict)
    undo = models.JSONField(default=dict)
    """Identity ids, tag ids and attributes moved, so that unmerge gives them back."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["survivor", "other"],
                condition=models.Q(state__in=["proposed", "rejected"]),
                name="merge_proposed_once",
            )
        ]

    def __str__(self):
        return f"{self.other_id} > {self.survivor_id} {self.state}"
