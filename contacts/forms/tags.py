"""Forms of tags and stage rules."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contacts.enums import Stage
from contacts.models import StageRule, Tag


class TagForm(forms.ModelForm):
    class Meta:
        model = Tag
        fields = ["name", "group", "description"]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"].strip()
        if Tag.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a tag with this name already."))
        return name


class StageRuleForm(forms.ModelForm):
    from_stages = forms.MultipleChoiceField(
        label=_("People in these stages"), choices=Stage.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = StageRule
        fields = ["name", "from_stages", "to_stage", "active"]
        labels = {"to_stage": _("Move to"), "active": _("In force")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_stage"].choices = [("", _("Choose …")), *Stage.choices]

    def clean(self) -> dict:
        data = super().clean()
        if data.get("to_stage") in data.get("from_stages", []):
            self.add_error("to_stage", _("Choose a stage that is not among those on the left."))
        return data
