"""The public page of the satisfaction question. The signed token is the right to answer one question; a GET changes nothing."""

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from campaigns.sending import tokens
from scrm.core.access import public
from scrm.core.enums import Language
from scrm.core.models import Company
from service_desk import satisfaction
from service_desk.actions.rating import rate_ticket
from service_desk.enums import SurveyState
from service_desk.models import Survey


class RatingForm(forms.Form):
    stars = forms.TypedChoiceField(
        choices=[(n, "★" * n) for n in range(5, 0, -1)],
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose from one to five stars."),
            "invalid_choice": _("Choose from one to five stars."),
        },
    )
    text = forms.CharField(required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: HttpRequest, token: str) -> HttpResponse:
    numbers = tokens.read(satisfaction.TOKEN, token, 1)
    survey = Survey.objects.select_related("ticket__contact", "agent").filter(pk=numbers[0] if numbers else 0).first()
    if survey is None or survey.ticket.dismissed:
        raise Http404
    rated = survey.state == SurveyState.RATED
    form = RatingForm(request.POST if request.method == "POST" and not rated else None)
    if request.method == "POST" and not rated and form.is_valid():
        rate_ticket(survey=survey, **form.cleaned_data)
        return redirect(request.path)
    _speak(request, survey.ticket.contact.language)
    context = {"survey": survey, "form": form, "rated": rated, "company": Company.get()}
    answer = render(request, "service_desk/public_rating.html", context, status=422 if form.is_bound else 200)
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def _speak(request: HttpRequest, language: str) -> None:
    """The language the reader chose on such a page before, else the customer's."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language.lower().startswith("en"):
        request.LANGUAGE_CODE = Language.ENGLISH.value
        translation.activate(request.LANGUAGE_CODE)
