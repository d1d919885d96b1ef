"""Forms of the profile page."""

import json
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contacts.enums import ConsentState, Stage
from contacts.models import Contact
from contacts.reach import ADDRESS_KINDS
from scrm.core.models import User

MAX_ATTRIBUTES = 60
MAX_KEY = 60
MAX_VALUE = 500


class ContactForm(forms.ModelForm):
    """Name, place and language. ``version`` is what the page showed: saving over a newer one is refused by the action."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Contact
        fields = ["name", "language", "time_zone", "region", "city"]
        help_texts = {
            "language": _("Of the messages we send: zh-hans, en …"),
            "time_zone": _("IANA name such as Asia/Shanghai. Empty: from the region, else the company’s."),
        }

    def clean_time_zone(self) -> str:
        zone = self.cleaned_data["time_zone"]
        if zone and zone not in available_timezones():
            raise ValidationError(
                _("“%(zone)s” is not a time zone. Write it like Asia/Shanghai."), params={"zone": zone}
            )
        return zone


class AttributeRows:
    """The attributes of a contact as rows of name and value in a form; keeps what was typed and says what is wrong.

    Values keep their JSON type when what was typed still fits it: a number stays a number. Lists and objects are shown as
    JSON and must stay JSON.
    """

    def __init__(self, stored: dict, data=None):
        self.stored = stored
        self.is_bound = data is not None
        if data is None:
            self.rows = [{"key": key, "value": written(value), "error": ""} for key, value in sorted(stored.items())]
        else:
            pairs = zip(data.getlist("attribute"), data.getlist("attribute_value"), strict=False)
            self.rows = [{"key": key.strip(), "value": value, "error": ""} for key, value in pairs]
            self.rows = [row for row in self.rows if row["key"] or row["value"].strip()]
        self.cleaned: dict = {}

    def is_valid(self) -> bool:
        self.cleaned = {}
        for row in self.rows:
            row["error"] = self._problem(row)
            if not row["error"] and row["value"].strip():
                try:
                    self.cleaned[row["key"]] = self._read(row["key"], row["value"].strip())
                except ValueError:
                    row["error"] = _("This value must stay JSON, for example [1, 2].")
        if len(self.rows) > MAX_ATTRIBUTES:
            self.rows[-1]["error"] = _("At most 60 attributes.")
        return not any(row["error"] for row in self.rows)

    def _problem(self, row: dict) -> str:
        if not row["key"]:
            return _("Give the attribute a name.")
        if len(row["key"]) > MAX_KEY:
            return _("At most 60 characters.")
        if row["key"] in self.cleaned:
            return _("This name is there twice.")
        if len(row["value"]) > MAX_VALUE and not isinstance(self.stored.get(row["key"]), list | dict):
            return _("At most 500 characters.")
        return _("Contains a character that cannot be stored.") if "\x00" in row["key"] + row["value"] else ""

    def _read(self, key: str, text: str):
        before = self.stored.get(key)
        if isinstance(before, list | dict):
            return json.loads(text)
        if isinstance(before, bool) and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if isinstance(before, int | float) and not isinstance(before, bool):
            try:
                return int(text) if text.lstrip("-").isdigit() else float(text)
            except ValueError:
                return text
        return text


def written(value) -> str:
    """An attribute's value as a person reads and edits it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class StageForm(forms.Form):
    stage = forms.ChoiceField(label=_("Stage"), choices=Stage.choices)
    reason = forms.CharField(label=_("Why"), max_length=200)


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none(), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.active()


class TagNameForm(forms.Form):
    name = forms.CharField(label=_("Tag"), max_length=60)


class ConsentForm(forms.Form):
    channel = forms.ChoiceField(choices=[(channel.value, channel.label) for channel in ADDRESS_KINDS])
    state = forms.ChoiceField(choices=[(s.value, s.label) for s in (ConsentState.GRANTED, ConsentState.WITHDRAWN)])
    reason = forms.CharField(
        max_length=200, error_messages={"required": _("Say where this comes from; it is the proof.")}
    )
