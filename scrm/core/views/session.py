"""Log-in, log-out, first run, and the two switches (language, theme)."""

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from scrm.core import audit, throttle
from scrm.core import first_run as opening
from scrm.core.access import public
from scrm.core.enums import Language, Theme
from scrm.core.forms import FirstRunForm, LoginForm
from scrm.core.middleware import address
from scrm.core.models import Company, User
from scrm.core.pages import done

_COOKIE_AGE = 365 * 86400


@public
@never_cache
@sensitive_post_parameters("password")
def login(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request))
    if request.method != "POST" and opening.is_needed():
        return redirect("core:first_run")
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (user := _checked(request, form)):
        auth.login(request, user)
        audit.record(user, "user.logged_in", user)
        return redirect(_next(request))
    return render(request, "core/login.html", {"form": form, "next": _next(request)})


def _checked(request: HttpRequest, form: LoginForm) -> User | None:
    """The user when the password is right; else None and the reason on the form."""
    email, ip = form.cleaned_data["email"], address(request) or "0.0.0.0"
    wait = throttle.begin(email, ip)
    if wait:
        minutes = -(-wait // 60)
        form.add_error(
            None,
            ngettext(
                "Too many failed tries. Wait %(n)s minute, then try again.",
                "Too many failed tries. Wait %(n)s minutes, then try again.",
                minutes,
            )
            % {"n": minutes}
            if wait > 90
            else ngettext(
                "Too many failed tries. Wait %(n)s second, then try again.",
                "Too many failed tries. Wait %(n)s seconds, then try again.",
                wait,
            )
            % {"n": wait},
        )
        return None
    user = auth.authenticate(request, email=email, password=form.cleaned_data["password"])
    if user is None:
        form.add_error(None, _("E-mail or password is wrong. Check both and try again."))
        return None
    throttle.clear(email, ip)
    return user


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("core:login")


@public
@never_cache
@ensure_csrf_cookie
@sensitive_post_parameters("password", "token")
def first_run(request: HttpRequest) -> HttpResponse:
    """Token from the console, company, first administrator. Gone (to the log-in page) as soon as there is a user."""
    if not opening.is_needed():
        return redirect("core:login")
    form = FirstRunForm(
        request.POST or None, initial={"token": request.GET.get("token", ""), "language": request.LANGUAGE_CODE}
    )
    if request.method == "POST" and (wait := throttle.begin("first-run", address(request) or "0.0.0.0")):
        form.full_clean()
        form.add_error("token", _("Too many failed tries. Wait %(n)s seconds, then try again.") % {"n": wait})
    elif request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        admin = opening.open_company(
            company=Company(name=data["company"], time_zone=data["time_zone"]),
            name=data["name"],
            email=data["email"],
            password=data["password"],
            language=data["language"],
        )
        throttle.clear("first-run", address(request) or "0.0.0.0")
        if admin is None:
            return redirect("core:login")
        auth.login(request, admin, backend=settings.AUTHENTICATION_BACKENDS[0])
        return done(request, "core:first_steps", _("Welcome. Your company is ready."))
    return render(request, "core/first_run.html", {"form": form})


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the interface language: on the account when logged in, and in a cookie for the log-in page."""
    chosen = request.POST.get("language", "")
    response = redirect(_next(request))
    if chosen in Language.values:
        if request.user.is_authenticated and request.user.language != chosen:
            request.user.language = chosen
            request.user.save(update_fields=["language"])
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen, max_age=_COOKIE_AGE, samesite="Lax")
    return response


@public
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    response = HttpResponse(status=204)
    if chosen in Theme.values:
        if request.user.is_authenticated:
            request.user.theme = chosen
            request.user.save(update_fields=["theme"])
        response.set_cookie("theme", chosen, max_age=_COOKIE_AGE, samesite="Lax")
    return response


def _next(request: HttpRequest) -> str:
    """Where to go on: ``next`` when it is an address of ours, else the start page."""
    wish = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wish, {request.get_host()}, require_https=request.is_secure())
    return wish if safe else settings.LOGIN_REDIRECT_URL
