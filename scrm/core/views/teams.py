"""Teams."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.core import actions
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.forms import TeamForm
from scrm.core.lists import listing
from scrm.core.models import Team
from scrm.core.pages import done, render_page


@require_GET
@requires(Permission.ROLES_EDIT)
def team_list(request: HttpRequest) -> HttpResponse:
    rows = Team.objects.select_related("manager").annotate(size=Count("members"))
    page = listing(request, rows, sorts={"name": "name", "size": "-size"})
    return render_page(request, "core/team_list.html", {"page": page})


@requires(Permission.ROLES_EDIT)
def team_add(request: HttpRequest) -> HttpResponse:
    return _team_form(request, Team())


@requires(Permission.ROLES_EDIT)
def team_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _team_form(request, fetch(Team, pk=pk))


def _team_form(request: HttpRequest, team: Team) -> HttpResponse:
    form = TeamForm(request.POST or None, instance=team)
    if request.method == "POST" and form.is_valid():
        actions.save_team(team=form.instance, members=list(form.cleaned_data["members"]), by=request.user)
        return done(request, "core:team_list", _("“%(name)s” saved") % {"name": form.instance.name})
    shown = Team.objects.filter(pk=team.pk).first()
    return render(request, "core/team_form.html", {"form": form, "shown": shown})


@require_POST
@requires(Permission.ROLES_EDIT)
def team_remove(request: HttpRequest, pk: int) -> HttpResponse:
    team = fetch(Team, pk=pk)
    actions.remove_team(team=team, by=request.user)
    return done(request, "core:team_list", _("“%(name)s” removed") % {"name": team.name})
