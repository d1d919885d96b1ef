import re

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.content import check
from contacts.enums import ChannelKind
from service_desk.canned import FIELDS
from service_desk.models import CannedReply
from service_desk.queries.inbox import CHANNELS


class CannedForm(forms.ModelForm):
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Channels"),
        choices=[(kind.value, kind.label) for kind in ChannelKind if kind in CHANNELS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("None ticked: offered everywhere."),
    )

    class Meta:
        model = CannedReply
        fields = ["title", "shortcut", "category", "channels", "body"]
        widgets = {"body": forms.Textarea(attrs={"rows": 7}), "category": forms.TextInput(attrs={"list": "categories"})}
        help_texts = {
            "shortcut": gettext_lazy("Typed after the slash in the reply box: letters, digits, Chinese; no blanks."),
            "category": gettext_lazy("Keeps the list in order, for example Delivery or Returns."),
        }

    def clean_shortcut(self) -> str:
        shortcut = self.cleaned_data["shortcut"].strip().lstrip("/").lower()
        if not re.fullmatch(r"[\w-]+", shortcut):
            raise forms.ValidationError(_("Letters, digits and Chinese only, without blanks."))
        taken = CannedReply.objects.filter(shortcut__iexact=shortcut).exclude(pk=self.instance.pk)
        if taken.exists():
            raise forms.ValidationError(_("“/{shortcut}” is taken by another canned reply.").format(shortcut=shortcut))
        return shortcut

    def clean_body(self) -> str:
        body = self.cleaned_data["body"].replace("\r\n", "\n")
        problems = check(body, "text", FIELDS)
        if problems:
            raise forms.ValidationError(
                [_("Line {line}: {message}").format(line=problem.line, message=problem.message) for problem in problems]
            )
        return body
