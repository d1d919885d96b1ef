"""Settings of an Official Account."""

import base64
import binascii
import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_ingest.enums import Kind
from channels_ingest.forms import ChannelForm, rate_field, secret


class OaForm(ChannelForm):
    kind = Kind.WECHAT_OA
    credential_names = ("app_secret", "token", "aes_key")
    required_once = ("app_secret",)

    app_id = forms.RegexField(
        r"^wx[0-9A-Za-z]{6,30}$",
        label="AppID",
        help_text=_("WeChat Official Accounts Platform, “Settings and development”, “Basic configuration”."),
        error_messages={"invalid": _("An AppID starts with wx, for example wx1234567890abcdef.")},
    )
    app_secret = secret("AppSecret", help_text=_("On the same page. It is stored encrypted and never shown again."))
    mode = forms.ChoiceField(
        label=_("Message encryption"),
        choices=[("safe", _("Safe mode (recommended)")), ("plain", _("Plain text mode"))],
        initial="safe",
        help_text=_("Choose the same at WeChat. In safe mode nothing unencrypted is accepted."),
    )
    token = secret("Token", help_text=_("Leave empty and one is made for you."))
    aes_key = secret("EncodingAESKey", help_text=_("43 letters and digits. Leave empty and one is made for you."))
    follow_reply = forms.CharField(
        label=_("Greeting for new followers"),
        max_length=600,
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Answered at once when somebody follows. End with a question: an answer opens 48 hours in which you may write; "
            "without one WeChat gives you a single minute."
        ),
    )
    rate_per_minute = rate_field()

    def clean_app_id(self) -> str:
        app_id = self.cleaned_data["app_id"]
        if self._others().filter(settings__app_id=app_id).exists():
            raise forms.ValidationError(_("This AppID is connected already."))
        return app_id

    def clean_token(self) -> str:
        token = self.cleaned_data["token"]
        if token and not (3 <= len(token) <= 32 and token.isascii() and token.isalnum()):
            raise forms.ValidationError(_("3 to 32 letters and digits."))
        return token

    def clean_aes_key(self) -> str:
        key = self.cleaned_data["aes_key"]
        if key and not is_aes_key(key):
            raise forms.ValidationError(_("Exactly 43 letters and digits, as WeChat shows it."))
        return key

    def credential_values(self) -> dict[str, str]:
        values: dict[str, Any] = super().credential_values()
        values.setdefault("token", secrets.token_hex(16))
        values.setdefault("aes_key", new_aes_key())
        return values


def is_aes_key(key: str) -> bool:
    try:
        return len(key) == 43 and key.isascii() and key.isalnum() and len(base64.b64decode(key + "=")) == 32
    except binascii.Error:
        return False


def new_aes_key() -> str:
    """32 random bytes as the platform writes them: base64 without its end, letters and digits only."""
    while True:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if is_aes_key(key):
            return key
