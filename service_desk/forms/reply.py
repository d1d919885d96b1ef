from django import forms
from django.utils.translation import gettext_lazy as _

WRITE = {"required": _("Write something first.")}


class ReplyForm(forms.Form):
    text = forms.CharField(max_length=4000, strip=True, error_messages=WRITE)
    version = forms.IntegerField()
    canned = forms.IntegerField(required=False)
    subject = forms.CharField(max_length=120, required=False)


class NoteForm(forms.Form):
    text = forms.CharField(max_length=4000, strip=True, error_messages=WRITE)
