"""Users."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from scrm.core import actions
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission
from scrm.core.forms import UserForm
from scrm.core.lists import Facet, Search, listing
from scrm.core.models import Role, User
from scrm.core.pages import done, render_page


@require_GET
@requires(Permission.ROLES_EDIT)
def user_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        User.objects.select_related("role", "team"),
        sorts={"name": "name", "email": "email", "seen": "-last_login"},
        facets=[
            Facet(
                "role",
                gettext_lazy("Role"),
                [(role.pk, str(role)) for role in Role.objects.all()],
                lambda rows, values: rows.filter(role__in=values),
            ),
            Facet(
                "state",
                gettext_lazy("State"),
                [("off", gettext_lazy("Deactivated"))],
                lambda rows, _values: rows.filter(is_active=False),
            ),
        ],
        search=Search(
            gettext_lazy("Name or e-mail"),
            lambda rows, text: rows.filter(name__icontains=text) | rows.filter(email__icontains=text),
        ),
    )
    return render_page(request, "core/user_list.html", {"page": page})


@requires(Permission.ROLES_EDIT)
def user_add(request: HttpRequest) -> HttpResponse:
    return _user_form(request, User())


@requires(Permission.ROLES_EDIT)
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _user_form(request, fetch(User.objects.select_related("role", "team"), pk=pk))


@sensitive_post_parameters("password")
def _user_form(request: HttpRequest, user: User) -> HttpResponse:
    form = UserForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_user(user=form.instance, password=form.cleaned_data["password"], by=request.user)
        except actions.LastAdministrator as error:
            form.add_error("role", error)
        else:
            return done(request, "core:user_list", _("“%(name)s” saved") % {"name": form.instance.name})
    shown = User.objects.filter(pk=user.pk).first()
    return render(request, "core/user_form.html", {"form": form, "shown": shown})


@require_POST
@requires(Permission.ROLES_EDIT)
def user_set_active(request: HttpRequest, pk: int) -> HttpResponse:
    user = fetch(User, pk=pk)
    active = request.POST.get("active") == "1"
    try:
        actions.set_user_active(user=user, active=active, by=request.user)
    except ValidationError as error:
        return done(request, "core:user_edit", error.messages[0], Level.BAD, user.pk)
    text = _("“%(name)s” can log in again") if active else _("“%(name)s” can no longer log in")
    return done(request, "core:user_list", text % {"name": user.name})
