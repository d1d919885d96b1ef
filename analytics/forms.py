"""Input of the analytics pages."""

from datetime import timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics import crediting
from analytics.models import ChannelTerms, Spend
from analytics.queries import today


class SpendForm(forms.ModelForm):
    amount = forms.DecimalField(label=_("Amount"), min_value=0, max_digits=12, decimal_places=2)
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    class Meta:
        model = Spend
        fields = ["day", "amount", "note"]

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError(_("Enter an amount above zero."))
        return amount

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day > today() + timedelta(days=366):
            raise forms.ValidationError(_("This day is too far ahead."))
        return day


class TermsForm(forms.ModelForm):
    class Meta:
        model = ChannelTerms
        fields = ["price", "click_hours", "reply_hours", "open_hours", "delivery_hours"]

    def clean_price(self):
        price = self.cleaned_data["price"]
        if price < 0:
            raise forms.ValidationError(_("A price is not below zero."))
        return price

    def clean(self) -> dict:
        data = super().clean()
        for name in ("click_hours", "reply_hours", "open_hours", "delivery_hours"):
            if (data.get(name) or 0) > 24 * 90:
                self.add_error(name, _("At most 90 days (2,160 hours)."))
        return data


def terms_forms(data=None) -> dict[str, TermsForm]:  # type: ignore[no-untyped-def]
    """One form per channel, filled with the terms in force."""
    held = crediting.terms()
    names = TermsForm.Meta.fields
    return {
        channel.value: TermsForm(
            data, prefix=channel.value, initial={name: getattr(held[channel.value], name) for name in names}
        )
        for channel in crediting.CHANNELS
    }
