from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import CouponBatch


class CouponBatchForm(forms.ModelForm):
    class Meta:
        model = CouponBatch
        fields = ["name", "value", "min_spend", "stock", "valid_days", "state"]
        help_texts = {
            "value": gettext_lazy("What it takes off an order, in yuan."),
            "stock": gettext_lazy("How many may ever be given out."),
            "valid_days": gettext_lazy("Counted from the day somebody gets one."),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.issued:
            for name in ("value", "min_spend"):
                self.fields[name].disabled = True
                self.fields[name].help_text = _("Cannot change any more: some are given out already.")

    def clean_value(self):
        value = self.cleaned_data["value"]
        if value <= 0:
            raise forms.ValidationError(_("More than zero."))
        return value

    def clean_min_spend(self):
        spend = self.cleaned_data["min_spend"]
        if spend < 0:
            raise forms.ValidationError(_("Zero or more."))
        return spend

    def clean_valid_days(self):
        days = self.cleaned_data["valid_days"]
        if not 1 <= days <= 3650:
            raise forms.ValidationError(_("Between 1 and 3,650 days."))
        return days

    def clean_stock(self):
        stock = self.cleaned_data["stock"]
        if stock < max(self.instance.issued, 1):
            raise forms.ValidationError(_("At least {n}.").format(n=max(self.instance.issued, 1)))
        return stock
