from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from scrm.core import formats
from scrm.core.models import Company, Team, User
from scrm.lib import clock
from service_desk.access import may_see
from service_desk.models import Conversation

MORNING = time(9, 0)
MOST_DAYS = 365


class AssignForm(forms.Form):
    """``to`` empty: back to the queue, or to the queue of a team."""

    to = forms.ModelChoiceField(User.objects.none(), required=False, label=_("Colleague"))
    team = forms.ModelChoiceField(
        Team.objects.all(),
        required=False,
        label=_("Team"),
        empty_label=_("no team"),
        help_text=_("Shown in the list; colleagues take from it."),
    )
    note = forms.CharField(
        max_length=2000,
        required=False,
        label=_("What the next one must know"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes a private note; the customer does not see it."),
    )

    def __init__(self, *args, conversation: Conversation, colleagues: list[User], **kwargs):
        super().__init__(*args, **kwargs)
        self.conversation = conversation
        self.fields["to"].queryset = User.objects.filter(pk__in=[user.pk for user in colleagues]).select_related("role")
        self.fields["to"].initial = conversation.assignee_id
        self.fields["team"].initial = conversation.team_id

    def clean_to(self) -> User | None:
        to = self.cleaned_data["to"]
        if to is not None and not may_see(to, self.conversation.contact):
            raise forms.ValidationError(_("This colleague sees only their own customers, and this is not one of them."))
        return to


class SnoozeForm(forms.Form):
    """One of the usual times, or any. Times are the company's, on the business clock."""

    usual = forms.CharField(required=False)
    at = forms.DateTimeField(
        required=False,
        label=_("Another time"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        error_messages={"invalid": _("Give a day and a time.")},
    )

    @staticmethod
    def usual_times() -> dict[str, datetime]:
        now = clock.now().astimezone(ZoneInfo(Company.zone()))
        tomorrow = datetime.combine(now.date() + timedelta(days=1), MORNING, now.tzinfo)
        monday = datetime.combine(now.date() + timedelta(days=7 - now.weekday()), MORNING, now.tzinfo)
        return {
            "hour": now + timedelta(hours=1),
            "three": now + timedelta(hours=3),
            "tomorrow": tomorrow,
            "monday": monday,
        }

    def choices(self) -> list[dict[str, object]]:
        words = {
            "hour": _("In an hour"),
            "three": _("In three hours"),
            "tomorrow": _("Tomorrow morning"),
            "monday": _("Next Monday"),
        }
        return [
            {"key": key, "label": words[key], "at": formats.absolute(moment)[:16]}
            for key, moment in self.usual_times().items()
        ]

    def clean(self):
        cleaned = super().clean()
        until = self.usual_times().get(cleaned.get("usual") or "") or cleaned.get("at")
        if until is None:
            if "at" not in self.errors:
                self.add_error("at", _("Choose a time."))
        elif until <= clock.now():
            self.add_error("at", _("That time is over already."))
        elif until > clock.now() + timedelta(days=MOST_DAYS):
            self.add_error("at", _("At most a year ahead."))
        cleaned["until"] = until
        return cleaned
