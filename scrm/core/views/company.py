"""The company: zone, quiet hours, caps; and the steps after the first run."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from scrm.core import actions
from scrm.core.access import requires
from scrm.core.enums import Permission
from scrm.core.first_steps import steps_for
from scrm.core.forms import CompanyForm
from scrm.core.models import Company
from scrm.core.pages import done


@requires(Permission.ROLES_EDIT)
def company(request: HttpRequest) -> HttpResponse:
    form = CompanyForm(request.POST or None, instance=Company.get())
    if request.method == "POST" and form.is_valid():
        form.instance.caps = form.cleaned_data["caps"]
        actions.save_company(company=form.instance, by=request.user)
        return done(request, "core:company", _("Saved"))
    return render(request, "core/company.html", {"form": form})


@require_GET
@requires(Permission.ROLES_EDIT)
def first_steps(request: HttpRequest) -> HttpResponse:
    """The checklist after the first run: channel, quiet hours, colleagues, content, campaign, journey."""
    steps = steps_for(request.user)
    following = next((step for step in steps if step.done is False), None)
    return render(request, "core/first_steps.html", {"steps": steps, "next": following})
