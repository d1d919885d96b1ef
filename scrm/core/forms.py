"""Input of the core pages."""

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from scrm.core import first_run
from scrm.core.enums import PERMISSION_GROUPS, Language, Permission
from scrm.core.models import Company, Role, Team, User, fold_email


class LoginForm(forms.Form):
    email = forms.EmailField(
        label=pgettext_lazy("address", "E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def zone_choices() -> list[tuple[str, str]]:
    """Zones a company can have: the usual ones of the region first, then all of the database."""
    first = ["Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "UTC"]
    rest = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return [(zone, zone) for zone in dict.fromkeys([settings.COMPANY_TIME_ZONE, *first, *rest])]


def _new_password(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=200,
        strip=False,
        help_text=_("At least 10 characters, not only a common word."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


_WEAK = {
    "password_too_short": _("Too short: use at least %(min_length)d characters."),
    "password_too_common": _("This password is on the lists that guessers try first. Choose another one."),
    "password_too_similar": _("Too close to the name or the e-mail. Choose another one."),
}


def check_new_password(password: str, user: User) -> None:
    """Django's validators in our words. Raises ValidationError with every reason."""
    try:
        validate_password(password, user)
    except forms.ValidationError as error:
        reasons = [
            forms.ValidationError(_WEAK.get(one.code, one.message), one.code, one.params) for one in error.error_list
        ]
        raise forms.ValidationError(reasons) from None


class FirstRunForm(forms.Form):
    token = forms.CharField(
        label=_("Token"),
        max_length=80,
        help_text=_("The server's console shows it at the start, at the end of the address (token=)."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    company = forms.CharField(label=_("Company name"), max_length=80)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices)
    name = forms.CharField(label=_("Your name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label=pgettext_lazy("address", "E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = _new_password(_("Password"))
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)

    def clean_token(self) -> str:
        token = self.cleaned_data["token"]
        if not first_run.fits(token):
            raise forms.ValidationError(_("This is not the token of the last start. Copy it from the console again."))
        return token

    def clean_password(self) -> str:
        user = User(email=self.cleaned_data.get("email", ""), name=self.cleaned_data.get("name", ""))
        check_new_password(self.cleaned_data["password"], user)
        return self.cleaned_data["password"]


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["name", "language", "theme"]


class PasswordForm(forms.Form):
    old = forms.CharField(
        label=_("Present password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new = _new_password(_("New password"))
    again = forms.CharField(
        label=_("New password again"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, user: User, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_old(self) -> str:
        if not self.user.check_password(self.cleaned_data["old"]):
            raise forms.ValidationError(_("This is not your present password."))
        return self.cleaned_data["old"]

    def clean_new(self) -> str:
        check_new_password(self.cleaned_data["new"], self.user)
        return self.cleaned_data["new"]

    def clean(self) -> dict[str, object]:
        data = super().clean()
        if data.get("new") and data.get("again") and data["new"] != data["again"]:
            self.add_error("again", _("The two new passwords differ."))
        return data


class UserForm(forms.ModelForm):
    password = _new_password(_("Password"))

    class Meta:
        model = User
        fields = ["name", "email", "role", "team", "language"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].empty_label = _("No team")
        self.fields["role"].empty_label = None if self.instance.pk else _("Please choose")
        self.fields["role"].help_text = _("What a role may do is on the page “Roles”.")
        if self.instance.pk:
            self.fields["password"].required = False
            self.fields["password"].label = _("New password")
            self.fields["password"].help_text = _("Leave empty to keep the present one.")

    def clean_email(self) -> str:
        email = fold_email(self.cleaned_data["email"])
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Somebody already logs in with this e-mail."))
        return email

    def clean_password(self) -> str:
        if self.cleaned_data["password"]:
            check_new_password(self.cleaned_data["password"], self.instance)
        return self.cleaned_data["password"]


class TeamForm(forms.ModelForm):
    members = forms.ModelMultipleChoiceField(
        label=_("Members"), queryset=User.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Team
        fields = ["name", "manager"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.active().select_related("role")
        self.fields["members"].queryset = people
        self.fields["members"].label_from_instance = lambda user: f"{user.name} · {user.role}"
        self.fields["manager"].queryset = people
        self.fields["manager"].empty_label = _("Nobody")
        if self.instance.pk:
            self.fields["members"].initial = self.instance.members.values_list("pk", flat=True)


class RoleForm(forms.ModelForm):
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        choices=Permission.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )

    class Meta:
        model = Role
        fields = ["name", "scope", "sees_contact_points", "permissions"]
        widgets = {"scope": forms.RadioSelect}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = [c for c in self.fields["scope"].choices if c[0]]
        if self.instance.is_built_in:
            self.fields["name"].help_text = _("Leave empty to show the built-in name in each reader's language.")
        else:
            self.fields["name"].required = True

    def grouped(self) -> list[tuple[str, list[object]]]:
        """(heading, checkboxes) in the order of the permissions."""
        groups: dict[str, list[object]] = {}
        for box in self["permissions"]:
            groups.setdefault(str(PERMISSION_GROUPS[box.data["value"].partition(".")[0]]), []).append(box)
        return list(groups.items())


class CompanyForm(forms.ModelForm):
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices)
    per_day = forms.IntegerField(label=_("Per day"), min_value=1, max_value=100, required=False)
    per_week = forms.IntegerField(label=_("Per week"), min_value=1, max_value=500, required=False)
    per_month = forms.IntegerField(label=_("Per month"), min_value=1, max_value=2000, required=False)

    class Meta:
        model = Company
        fields = ["name", "time_zone", "currency", "quiet_start", "quiet_end"]
        widgets = {
            "quiet_start": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_end": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        for window in ("day", "week", "month"):
            self.fields[f"per_{window}"].initial = self.instance.caps.get(window)

    def clean(self) -> dict[str, object]:
        data = super().clean()
        start, end = data.get("quiet_start"), data.get("quiet_end")
        if start and end and (end.hour * 60 + end.minute - start.hour * 60 - start.minute) % 1440 > 20 * 60:
            self.add_error("quiet_end", _("Quiet hours may last 20 hours at most."))
        caps = {window: data[f"per_{window}"] for window in ("day", "week", "month") if data.get(f"per_{window}")}
        sizes = [caps[window] for window in ("day", "week", "month") if window in caps]
        if sizes != sorted(sizes):
            self.add_error("per_week", _("A longer window cannot allow fewer messages than a shorter one."))
        data["caps"] = caps
        return data
