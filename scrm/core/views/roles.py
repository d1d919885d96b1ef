"""Roles: what they allow, whose contacts they show."""

from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.core import actions
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission
from scrm.core.forms import RoleForm
from scrm.core.models import Role
from scrm.core.pages import done


@require_GET
@requires(Permission.ROLES_EDIT)
def role_list(request: HttpRequest) -> HttpResponse:
    roles = Role.objects.annotate(size=Count("users", filter=Q(users__is_active=True))).order_by("pk")
    return render(request, "core/role_list.html", {"roles": roles, "all_permissions": len(Permission)})


@requires(Permission.ROLES_EDIT)
def role_add(request: HttpRequest) -> HttpResponse:
    return _role_form(request, Role())


@requires(Permission.ROLES_EDIT)
def role_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _role_form(request, fetch(Role, pk=pk))


def _role_form(request: HttpRequest, role: Role) -> HttpResponse:
    form = RoleForm(request.POST or None, instance=role)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_role(role=form.instance, by=request.user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return done(request, "core:role_list", _("“%(name)s” saved") % {"name": form.instance})
    shown = Role.objects.annotate(size=Count("users")).filter(pk=role.pk).first()
    return render(request, "core/role_form.html", {"form": form, "shown": shown})


@require_POST
@requires(Permission.ROLES_EDIT)
def role_remove(request: HttpRequest, pk: int) -> HttpResponse:
    role = fetch(Role, pk=pk)
    try:
        actions.remove_role(role=role, by=request.user)
    except ValidationError as error:
        return done(request, "core:role_edit", error.messages[0], Level.BAD, role.pk)
    return done(request, "core:role_list", _("“%(name)s” removed") % {"name": role})
