"""Settings of a mail server account."""

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_ingest.connectors.base import ConnectorError
from channels_ingest.connectors.email.mime import check_address
from channels_ingest.enums import Kind
from channels_ingest.forms import ChannelForm, rate_field, secret


class EmailForm(ChannelForm):
    kind = Kind.EMAIL
    credential_names = ("password",)

    host = forms.CharField(label=_("Mail server"), max_length=200, help_text=_("For example smtp.example.com"))
    port = forms.IntegerField(
        label=_("Port"),
        min_value=1,
        max_value=65535,
        initial=587,
        help_text=_("587 goes with STARTTLS, 465 with SSL/TLS. Many cloud providers block 25."),
    )
    security = forms.ChoiceField(
        label=_("Encryption"),
        choices=[("starttls", "STARTTLS"), ("ssl", "SSL/TLS"), ("none", _("None (only inside your own network)"))],
        initial="starttls",
    )
    username = forms.CharField(
        label=_("User name"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = secret(
        _("Password"),
        help_text=_("For many providers the authorisation code of SMTP, not the mailbox's password. Stored encrypted."),
    )
    from_address = forms.EmailField(
        label=_("Sender address"), help_text=_("Most mail servers want the address that belongs to the user name.")
    )
    from_name = forms.CharField(label=_("Sender name"), max_length=60, required=False)
    reply_to = forms.EmailField(label=_("Answers go to"), required=False)
    rate_per_minute = rate_field()

    def clean_from_address(self) -> str:
        return _usable(self.cleaned_data["from_address"])

    def clean_reply_to(self) -> str:
        return _usable(self.cleaned_data["reply_to"]) if self.cleaned_data["reply_to"] else ""

    def clean(self) -> dict:
        values = super().clean()
        held = bool(self.channel and self.channel.held.get("password"))
        if values.get("username") and not values.get("password") and not held:
            self.add_error("password", _("This user name needs a password."))
        return values


def _usable(address: str) -> str:
    try:
        return check_address(address)
    except ConnectorError:
        raise forms.ValidationError(_("This address cannot be used as a sender.")) from None
