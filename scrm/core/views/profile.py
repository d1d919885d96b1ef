"""One's own settings."""

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from scrm.core import actions
from scrm.core.forms import PasswordForm, ProfileForm
from scrm.core.pages import done


def profile(request: HttpRequest) -> HttpResponse:
    """Name, language and theme, saved at once; the password has its own form."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        with translation.override(user.language):
            response = done(request, "core:profile", _("Saved"))
        for name, value in ((settings.LANGUAGE_COOKIE_NAME, user.language), ("theme", user.theme)):
            response.set_cookie(name, value, max_age=365 * 86400, samesite="Lax")
        return response
    if request.method == "POST":
        request.user.refresh_from_db()
    return render(request, "core/profile.html", {"form": form, "password_form": PasswordForm(request.user)})


@sensitive_post_parameters()
def password(request: HttpRequest) -> HttpResponse:
    """Change the own password; other sessions of the account end, this one stays."""
    form = PasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.change_password(user=request.user, password=form.cleaned_data["new"], by=request.user)
        update_session_auth_hash(request, request.user)
        return done(request, "core:profile", _("Password changed. Other devices were logged out."))
    context = {"form": ProfileForm(instance=request.user), "password_form": form}
    return render(request, "core/profile.html", context)
