"""Settings of the desk."""

import re
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from scrm.core.models.company import check_time_zone
from service_desk.calendar import DAY_MINUTES
from service_desk.models import AgentProfile, CalendarVersion, DeskSettings, SlaPolicy

DAYS = [
    pgettext_lazy("weekday", "Monday"),
    pgettext_lazy("weekday", "Tuesday"),
    pgettext_lazy("weekday", "Wednesday"),
    pgettext_lazy("weekday", "Thursday"),
    pgettext_lazy("weekday", "Friday"),
    pgettext_lazy("weekday", "Saturday"),
    pgettext_lazy("weekday", "Sunday"),
]
_WINDOW = re.compile(r"^(\d{1,2})[:：](\d{2})\s*[-–—~至]\s*(\d{1,2})[:：](\d{2})$")
_BETWEEN = re.compile(r"[,，;；、\s]+(?=\d{1,2}[:：])")
_MOST_DAYS = 400


def write_windows(windows: list[list[int]]) -> str:
    """[[540, 720]] as 09:00-12:00."""
    return ", ".join("-".join(f"{m // 60:02}:{m % 60:02}" for m in window) for window in windows)


def read_windows(text: str) -> list[list[int]]:
    """ "9:00-12:00, 13:00-18:00" as minutes of the day, in order. Raises ValidationError with what is wrong."""
    found = []
    for part in _BETWEEN.split(re.sub(r"\s*([-–—~至])\s*", r"\1", text.strip())) if text.strip() else []:
        match = _WINDOW.match(part.strip(" ,，;；、"))
        if match is None:
            raise forms.ValidationError(_("Write times like 09:00-12:00, 13:00-18:00."))
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if int(match[2]) > 59 or int(match[4]) > 59 or end > DAY_MINUTES:
            raise forms.ValidationError(_("“%(part)s” is no time of the day.") % {"part": part})
        if start >= end:
            raise forms.ValidationError(
                _("“%(part)s” ends before it starts; put hours past midnight on the next day.") % {"part": part}
            )
        found.append([start, end])
    found.sort()
    if any(one[1] > other[0] for one, other in zip(found, found[1:], strict=False)):
        raise forms.ValidationError(_("The times overlap."))
    return found


class HoursForm(forms.Form):
    time_zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64, validators=[check_time_zone])
    holidays = forms.BooleanField(
        label=gettext_lazy("Keep the public holidays and swapped working days of mainland China"), required=False
    )
    closed = forms.CharField(
        label=gettext_lazy("Further days off"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    opened = forms.CharField(
        label=gettext_lazy("Further working days"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, version: CalendarVersion, **kwargs: Any) -> None:
        initial = {f"day{n}": write_windows(day) for n, day in enumerate(version.week)}
        initial |= {"time_zone": version.time_zone, "holidays": version.holidays}
        initial |= {"closed": ", ".join(version.closed), "opened": ", ".join(version.opened)}
        super().__init__(*args, initial=initial, **kwargs)
        for n, name in enumerate(DAYS):
            self.fields[f"day{n}"] = forms.CharField(label=name, required=False, max_length=200)
        for name in ("closed", "opened"):
            self.fields[name].help_text = _("Dates like 2026-12-31, separated by commas.")

    @property
    def days(self):
        return [self[f"day{n}"] for n in range(7)]

    def clean(self):
        for n in range(7):
            name = f"day{n}"
            try:
                self.cleaned_data[name] = read_windows(self.cleaned_data.get(name) or "")
            except forms.ValidationError as error:
                self.add_error(name, error)
        if not self.errors and not any(self.cleaned_data[f"day{n}"] for n in range(7)):
            self.add_error(None, _("The desk must be open at some time of the week, or no promise ever falls due."))
        return self.cleaned_data

    def clean_closed(self) -> list[str]:
        return self._dates("closed")

    def clean_opened(self) -> list[str]:
        days = self._dates("opened")
        if both := set(days) & set(self.cleaned_data.get("closed") or []):
            raise forms.ValidationError(_("%(day)s is a day off already.") % {"day": min(both)})
        return days

    def _dates(self, name: str) -> list[str]:
        found = set()
        for part in re.split(r"[,，;；、\s]+", self.cleaned_data[name].strip()):
            if part:
                try:
                    found.add(date.fromisoformat(part).isoformat())
                except ValueError:
                    raise forms.ValidationError(
                        _("“%(part)s” is no date. Write 2026-12-31.") % {"part": part}
                    ) from None
        if len(found) > _MOST_DAYS:
            raise forms.ValidationError(_("That is too many days."))
        return sorted(found)

    @property
    def week(self) -> list[list[list[int]]]:
        return [self.cleaned_data[f"day{n}"] for n in range(7)]


class PolicyForm(forms.ModelForm):
    class Meta:
        model = SlaPolicy
        fields = [
            "priority",
            "kind",
            "first_reply_minutes",
            "next_reply_minutes",
            "resolution_minutes",
            "around_the_clock",
        ]
        help_texts = {
            "first_reply_minutes": gettext_lazy("Minutes; empty: no promise."),
            "next_reply_minutes": gettext_lazy("Minutes; empty: no promise."),
            "resolution_minutes": gettext_lazy("Minutes; empty: no promise."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("All kinds")), *self.fields["kind"].choices[1:]]
        for name in ("first_reply_minutes", "next_reply_minutes", "resolution_minutes"):
            self.fields[name].min_value = 1
            self.fields[name].max_value = 525_600
        if self.instance.pk:
            for name in ("priority", "kind"):
                self.fields[name].disabled = True

    def clean(self):
        data = super().clean()
        for name in ("first_reply_minutes", "next_reply_minutes", "resolution_minutes"):
            value = data.get(name)
            if value is not None and not 1 <= value <= 525_600:
                self.add_error(name, _("Between 1 minute and a year."))
        return data

    def validate_unique(self) -> None:
        """Whether there is one already is decided by the action: it replaces it."""

    def validate_constraints(self) -> None:
        """As above."""


class DeskForm(forms.ModelForm):
    class Meta:
        model = DeskSettings
        fields = [
            "close_hours",
            "follow_up_days",
            "accept_seconds",
            "grace_seconds",
            "capacity",
            "warn_percent",
            "thanks_reopen",
            "survey",
            "low_stars",
        ]
        help_texts = {
            "close_hours": gettext_lazy("From 1 hour to 28 days."),
            "accept_seconds": gettext_lazy("Then the next agent gets it; 0: nobody has to accept."),
        }


class AgentForm(forms.ModelForm):
    skills = forms.CharField(label=gettext_lazy("Skills"), required=False, max_length=400)

    class Meta:
        model = AgentProfile
        fields = ["capacity", "takes_work"]
        help_texts = {"capacity": gettext_lazy("Empty: as the desk’s settings say.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["skills"].initial = ", ".join(self.instance.skills)
        self.fields["skills"].help_text = _("Separated by commas.")
        self.order_fields(["capacity", "skills", "takes_work"])

    def clean_capacity(self):
        value = self.cleaned_data["capacity"]
        if value is not None and not 1 <= value <= 500:
            raise forms.ValidationError(_("Between 1 and 500."))
        return value

    def clean_skills(self) -> list[str]:
        found = [part.strip() for part in re.split(r"[,，;；、]+", self.cleaned_data["skills"]) if part.strip()]
        if any(len(part) > 40 for part in found):
            raise forms.ValidationError(_("A skill has at most 40 characters."))
        return list(dict.fromkeys(found))


class ChannelDeskForm(forms.Form):
    team = forms.ModelChoiceField(
        None, label=gettext_lazy("Team"), required=False, empty_label=gettext_lazy("Everybody")
    )
    skill = forms.CharField(label=gettext_lazy("Skill needed"), required=False, max_length=40)
    agent_limit = forms.IntegerField(
        label=gettext_lazy("Open tickets per agent from this channel"), required=False, min_value=1, max_value=500
    )

    def __init__(self, *args: Any, teams, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams
