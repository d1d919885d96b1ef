"""Input of the channel pages; each connector's settings form builds on ``ChannelForm``."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_ingest.models import Channel, SceneCode


class ChannelForm(forms.Form):
    """Name, settings and credentials of one account. Credentials can only be written: an empty one keeps what is there."""

    credential_names: ClassVar[tuple[str, ...]] = ()
    required_once: ClassVar[tuple[str, ...]] = ()
    """Credentials that a new account must have."""
    kind: ClassVar[str] = ""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("What your team calls this account."))

    def __init__(self, *args: Any, channel: Channel | None = None, **kwargs: Any) -> None:
        self.channel = channel
        if channel is not None:
            kwargs.setdefault("initial", {"name": channel.name, **channel.settings})
        super().__init__(*args, **kwargs)
        held = channel.held if channel else {}
        for name in self.credential_names:
            field = self.fields[name]
            field.required = name in self.required_once and not held.get(name)
            if held.get(name):
                field.help_text = _("Leave empty to keep the present one.")
                field.widget.attrs["placeholder"] = _("•••••••• saved")

    def clean_name(self) -> str:
        name = self.cleaned_data["name"].strip()
        if self._others().filter(name=name).exists():
            raise forms.ValidationError(_("There is an account of this name already."))
        return name

    def _others(self):
        rows = Channel.objects.filter(kind=self.kind)
        return rows.exclude(pk=self.channel.pk) if self.channel else rows

    def settings_values(self) -> dict[str, Any]:
        """What goes into ``Channel.settings``."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "name" and name not in self.credential_names
        }

    def credential_values(self) -> dict[str, str]:
        """What goes into ``Channel.credentials``: the typed ones over the present ones."""
        held = dict(self.channel.held) if self.channel else {}
        typed = {name: self.cleaned_data.get(name, "") for name in self.credential_names}
        return {**held, **{name: value for name, value in typed.items() if value}}


def secret(label: Any, **kwargs: Any) -> forms.CharField:
    """A credential field: never rendered back, and no password manager offers to fill it."""
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "spellcheck": "false"})
    kwargs.setdefault("max_length", 200)
    return forms.CharField(label=label, widget=widget, required=False, **kwargs)


def rate_field() -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Messages a minute"),
        min_value=0,
        max_value=100_000,
        required=False,
        help_text=_("Most messages this account sends in a minute, over all campaigns. Empty: no limit of our own."),
    )


class SceneForm(forms.Form):
    label = forms.CharField(
        label=_("Place or purpose"), max_length=120, help_text=_("Shown as the source of the people who scan it.")
    )
    scene = forms.RegexField(
        r"^[A-Za-z0-9_.:/-]{1,64}$",
        label=_("Scene"),
        help_text=_("1 to 64 letters, digits or _ . : / - ; WeChat sends it back with every scan."),
        error_messages={"invalid": _("Use letters, digits and _ . : / - only.")},
    )

    def __init__(self, *args: Any, channel: Channel, **kwargs: Any) -> None:
        self.channel = channel
        super().__init__(*args, **kwargs)

    def clean_scene(self) -> str:
        scene = self.cleaned_data["scene"]
        if SceneCode.objects.filter(channel=self.channel, scene=scene).exists():
            raise forms.ValidationError(_("This account has a code with this scene already."))
        return scene


class DiscardForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200)
