"""Settings of an order system."""

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_ingest.connectors.webhook.edge import PREFIX, is_key, new_key
from channels_ingest.enums import Kind
from channels_ingest.forms import ChannelForm, secret


class WebhookForm(ChannelForm):
    kind = Kind.WEBHOOK
    credential_names = ("key",)

    site_url = forms.URLField(
        label=_("Address of the shop"), assume_scheme="https", required=False, help_text=_("Shown to your team only.")
    )
    key = secret(_("Signing key"), help_text=_("whsec_… in base64. Leave empty and one is made for you."))

    def clean_key(self) -> str:
        key = self.cleaned_data["key"].strip()
        if key and not is_key(key):
            raise forms.ValidationError(_("A key is whsec_ and 24 to 64 bytes in base64."))
        return key if not key or key.startswith(PREFIX) else PREFIX + key

    def credential_values(self) -> dict[str, str]:
        values = super().credential_values()
        values.setdefault("key", new_key())
        return values
