"""Forms of leads and their rules."""

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.enums import LeadActKind
from contacts.models import AssignRule, ScoreRule
from scrm.core.enums import Permission
from scrm.core.models import User
from scrm.lib import clock

ACT_KINDS = [LeadActKind.NOTE, LeadActKind.CALL, LeadActKind.VISIT]


def workers() -> "forms.models.QuerySet[User]":
    return User.objects.able(Permission.LEADS_WORK).select_related("team").order_by("name", "id")


class NoteForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=[(kind.value, kind.label) for kind in ACT_KINDS])
    text = forms.CharField(
        label=_("What was said, what was agreed"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class FollowUpForm(forms.Form):
    at = forms.DateTimeField(
        label=_("Next follow-up"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"],
        error_messages={"invalid": _("Enter a date and a time.")},
    )

    def clean_at(self):
        at = self.cleaned_data["at"]
        if at is not None and at < clock.now():
            raise forms.ValidationError(_("This moment is over already."))
        return at


class CloseForm(forms.Form):
    outcome = forms.ChoiceField(choices=[("won", _("Won")), ("lost", _("Lost"))])
    reason = forms.CharField(label=_("Why it was lost"), max_length=200, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def clean(self) -> dict:
        data = super().clean()
        if data.get("outcome") == "lost" and not data.get("reason"):
            self.add_error("reason", _("Say why: the next one who meets this customer will want to know."))
        return data


class LeadOwnerForm(forms.Form):
    owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none(), required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = workers()


class ScoreRuleForm(forms.ModelForm):
    points = forms.IntegerField(
        label=_("Points"), min_value=-100, max_value=100, help_text=_("A lead opens by itself at 50 points.")
    )

    class Meta:
        model = ScoreRule
        fields = ["name", "points", "active"]

    def clean_points(self) -> int:
        points = self.cleaned_data["points"]
        if not points:
            raise forms.ValidationError(_("Zero points change nothing."))
        return points


class AssignRuleForm(forms.ModelForm):
    most_open = forms.IntegerField(
        label=_("At most so many open leads a person"), min_value=1, max_value=1000, initial=50
    )

    class Meta:
        model = AssignRule
        fields = ["name", "team", "most_open", "active"]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].empty_label = _("All sales people")
