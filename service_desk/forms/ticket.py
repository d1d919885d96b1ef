from django import forms
from django.utils.translation import gettext_lazy as _

from scrm.core.models import User
from service_desk.access import colleagues
from service_desk.enums import Priority, TicketKind


class TicketForm(forms.Form):
    """A ticket by hand."""

    title = forms.CharField(label=_("Title"), max_length=160)
    kind = forms.ChoiceField(label=_("Kind"), choices=TicketKind.choices)
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=Priority.choices, coerce=int, initial=Priority.NORMAL
    )
    assignee = forms.ModelChoiceField(
        User.objects.none(), label=_("Assignee"), required=False, empty_label=_("By the router")
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["assignee"].queryset = colleagues()
