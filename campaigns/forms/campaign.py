from datetime import datetime
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.enums import ContentState
from campaigns.forms.content import CHANNELS
from campaigns.models import Campaign, Content
from channels_ingest.queries import sending_accounts
from contacts.enums import ChannelKind
from contacts.models import Segment
from scrm.core.models import Company
from scrm.lib import clock

WHEN = [("now", gettext_lazy("As soon as I send it")), ("at", gettext_lazy("At a set time"))]


class CampaignForm(forms.ModelForm):
    """A campaign's settings. ``channels`` comes as the ordered list of the checked channels."""

    when = forms.ChoiceField(label=gettext_lazy("Start"), choices=WHEN, widget=forms.RadioSelect, initial="now")
    starts_at = forms.DateTimeField(
        label=gettext_lazy("Set time"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Campaign
        fields = ["name", "segment", "content", "expires_after_hours"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(Company.get().time_zone)
        self.fields["segment"].queryset = Segment.objects.order_by("name")
        for name in ("segment", "content"):
            self.fields[name].required = True
            self.fields[name].empty_label = _("Please choose")
        self.fields["segment"].label_from_instance = lambda row: f"{row.name} · {row.member_count:,}"
        approved = Content.objects.filter(system_key="", state=ContentState.APPROVED)
        if self.instance.content_id:
            approved = approved | Content.objects.filter(pk=self.instance.content_id)
        self.fields["content"].queryset = approved.order_by("name", "-version")
        self.fields["content"].label_from_instance = lambda row: f"{row.name} v{row.version}"
        self.fields["expires_after_hours"].min_value = 1
        self.initial["version"] = self.instance.version
        if self.instance.starts_at:
            self.initial["when"] = "at"
            self.initial["starts_at"] = self.instance.starts_at.astimezone(self.zone).replace(tzinfo=None)
        self.connected = set(sending_accounts())
        chosen = self.data.getlist("channels") if self.is_bound else self.instance.channels
        if not self.is_bound and not self.instance.pk:
            chosen = self._usual_channels()
        self.chosen = [channel for channel in dict.fromkeys(chosen or []) if channel in CHANNELS]

    @property
    def channel_rows(self) -> list[tuple[ChannelKind, bool, bool]]:
        """All channels, the chosen ones first and in their order: (channel, chosen, an account can send now)."""
        rest = [channel for channel in CHANNELS if channel not in self.chosen]
        return [
            (ChannelKind(channel), channel in self.chosen, channel in self.connected)
            for channel in [*self.chosen, *rest]
        ]

    def _usual_channels(self) -> list[ChannelKind]:
        """For a new campaign: what is connected and the chosen content speaks, without a content the first connected one."""
        usable = [channel for channel in CHANNELS if channel in self.connected]
        content = self.fields["content"].queryset.filter(pk=self.initial.get("content")).first()
        if content is None:
            return usable[:1]
        written = set(content.variants.values_list("channel", flat=True))
        return [channel for channel in usable if channel in written]

    def clean_expires_after_hours(self) -> int:
        hours = self.cleaned_data["expires_after_hours"]
        if not 1 <= hours <= 720:
            raise forms.ValidationError(_("Between 1 and 720 hours."))
        return hours

    def clean_starts_at(self) -> datetime | None:
        """What was typed is wall-clock time in the company's zone."""
        if self.data.get("when") != "at":
            return None
        typed = self.cleaned_data["starts_at"]
        if typed is None:
            raise forms.ValidationError(_("Give the day and time, or choose to send at once."))
        moment = typed.replace(tzinfo=self.zone)
        if moment <= clock.now():
            raise forms.ValidationError(_("That time has passed."))
        return moment

    def clean(self):
        values = super().clean()
        if not self.chosen:
            self.add_error(None, _("Choose at least one channel."))
        elif values.get("content"):
            written = set(values["content"].variants.values_list("channel", flat=True))
            for channel in [channel for channel in self.chosen if channel not in written]:
                text = _("“%(content)s” has no variant for %(channel)s: write one, or untick the channel.")
                names = {"content": values["content"].name, "channel": ChannelKind(channel).label}
                self.add_error("content", text % names)
        values["channels"] = self.chosen
        return values
