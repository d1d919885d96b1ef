"""Settings of a web site that sends its visitors' behaviour."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_ingest.enums import Kind
from channels_ingest.forms import ChannelForm
from channels_ingest.models.channel import new_server_secret


class WebForm(ChannelForm):
    kind = Kind.WEB

    site_url = forms.URLField(
        label=_("Address of the site"),
        assume_scheme="https",
        help_text=_("For example https://shop.example.com"),
        error_messages={"invalid": _("Give the whole address, for example https://shop.example.com.")},
    )
    origins = forms.CharField(
        label=_("Allowed sites"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One origin a line, for example https://shop.example.com. Empty: any site that has the write key."),
    )
    browser_orders = forms.BooleanField(
        label=_("Orders told by browsers count"),
        required=False,
        help_text=_(
            "Anybody can make a browser say that it paid. Leave this off and send orders from your server with the secret key."
        ),
    )

    def __init__(self, *args: Any, channel=None, **kwargs: Any) -> None:
        if channel is not None:
            shown = {
                **channel.settings,
                "name": channel.name,
                "origins": "\n".join(channel.settings.get("origins", [])),
            }
            kwargs.setdefault("initial", shown)
        super().__init__(*args, channel=channel, **kwargs)

    def clean_origins(self) -> list[str]:
        found = []
        for line in self.cleaned_data["origins"].split():
            parts = urlsplit(line)
            if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
                raise forms.ValidationError(
                    _("“%(line)s” is not an origin: scheme and host only, for example https://shop.example.com."),
                    params={"line": line[:80]},
                )
            found.append(f"{parts.scheme}://{parts.netloc}".lower())
        return list(dict.fromkeys(found))

    def credential_values(self) -> dict[str, str]:
        values = super().credential_values()
        values.setdefault("server_secret", new_server_secret())
        return values
