"""Settings of a Weibo account."""

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_ingest.enums import Kind
from channels_ingest.forms import ChannelForm, rate_field, secret

POLL_SECONDS = 60


class WeiboForm(ChannelForm):
    kind = Kind.WEIBO
    credential_names = ("app_secret", "access_token")
    required_once = ("app_secret", "access_token")

    uid = forms.RegexField(
        r"^\d{5,20}$",
        label="UID",
        help_text=_("Number of your company's account: the digits in the address of its page."),
        error_messages={"invalid": _("A UID is digits only, for example 2861234567.")},
    )
    app_key = forms.RegexField(
        r"^\d{5,20}$",
        label="App Key",
        help_text=_("Weibo open platform, “My applications”, “Basic information”."),
        error_messages={"invalid": _("An App Key is digits only.")},
    )
    app_secret = secret("App Secret", help_text=_("Beside the App Key. It also signs what Weibo sends us."))
    access_token = secret(
        "Access Token",
        help_text=_("Of the company's account for this application (OAuth 2, or the fans service's token)."),
    )
    poll_seconds = forms.IntegerField(
        label=_("Look for comments every … seconds"),
        min_value=2,
        max_value=3600,
        initial=POLL_SECONDS,
        help_text=_(
            "Weibo does not call us for comments and mentions, so we ask. Three calls each time count towards your limit."
        ),
    )
    rate_per_minute = rate_field()

    def clean_uid(self) -> str:
        uid = self.cleaned_data["uid"]
        if self._others().filter(settings__uid=uid).exists():
            raise forms.ValidationError(_("This account is connected already."))
        return uid
