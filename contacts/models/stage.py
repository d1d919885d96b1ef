from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.enums import Stage


class StageRule(models.Model):
    """When a rule's segment condition holds, a person in one of ``from_stages`` moves to ``to_stage``. First match by position."""

    name = models.CharField(_("name"), max_length=80)
    position = models.IntegerField(default=0)
    from_stages = models.JSONField(default=list)
    to_stage = models.CharField(max_length=12, choices=Stage.choices)
    rule = models.JSONField(default=dict)
    """A segment rule (contacts.segments)."""
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self):
        return self.label

    @property
    def label(self) -> str:
        """The name; those we ship are shown in the reader's language."""
        return gettext(self.name)


class StageChange(models.Model):
    """History: from, to, why. Also an event on the timeline."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, db_index=False, related_name="stage_changes")
    from_stage = models.CharField(max_length=12, choices=Stage.choices, blank=True)
    to_stage = models.CharField(max_length=12, choices=Stage.choices)
    reason = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["contact", "-changed_at"], name="stagechange_contact")]

    def __str__(self):
        return f"{self.from_stage} > {self.to_stage}"
