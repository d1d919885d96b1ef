from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from campaigns import queries, sending
from campaigns.actions import (
    cancel_campaign,
    delete_campaign,
    pause_campaign,
    resume_campaign,
    save_campaign,
    schedule_campaign,
)
from campaigns.actions.campaign import NotNow, Outdated, missing_parts
from campaigns.forms.campaign import CampaignForm
from campaigns.models import Campaign, CampaignState
from contacts import segments
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.models import Company
from scrm.core.pages import render_page
from scrm.lib import clock

LIVE = {CampaignState.SCHEDULED, CampaignState.SENDING}


@requires(Permission.CAMPAIGNS_EDIT)
def campaign_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        Campaign.objects.select_related("segment", "content", "created_by"),
        sorts={"created": "-created_at", "name": "name"},
        facets=[Facet("state", _("State"), CampaignState.choices, lambda rows, values: rows.filter(state__in=values))],
        search=Search(_("Name"), lambda rows, text: rows.filter(name__icontains=text)),
    )
    numbers = queries.funnels("campaign", [row.pk for row in page.rows])
    for row in page.rows:
        row.funnel = numbers.get(row.pk)
    return render_page(request, "campaigns/campaign_list.html", {"page": page})


@requires(Permission.CAMPAIGNS_EDIT)
def campaign_new(request: HttpRequest) -> HttpResponse:
    return _settings(request, None)


@requires(Permission.CAMPAIGNS_EDIT)
def campaign_edit(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = fetch(Campaign, pk=pk)
    if not campaign.editable:
        messages.info(request, _("A campaign that has started cannot be changed."))
        return redirect("campaigns:campaign_detail", pk=pk)
    return _settings(request, campaign)


def _settings(request: HttpRequest, campaign: Campaign | None) -> HttpResponse:
    wanted = request.GET.get("content", "")
    initial = {"content": int(wanted)} if campaign is None and wanted.isdigit() and len(wanted) < 10 else None
    form = CampaignForm(request.POST or None, instance=campaign, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            saved = save_campaign(
                campaign=campaign,
                name=values["name"],
                segment=values["segment"],
                content=values["content"],
                channels=values["channels"],
                starts_at=values["starts_at"],
                expires_after_hours=values["expires_after_hours"],
                version=values["version"],
                by=request.user,
            )
            return redirect("campaigns:campaign_detail", pk=saved.pk)
        except Outdated:
            form.add_error(
                None, _("Somebody else changed this campaign while you were writing. Look at it again, then save.")
            )
        except NotNow as reason:
            form.add_error(None, str(reason))
    status = 422 if request.method == "POST" else 200
    return render(request, "campaigns/campaign_edit.html", {"form": form, "campaign": campaign}, status=status)


@requires(Permission.CAMPAIGNS_EDIT)
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = fetch(Campaign.objects.select_related("segment", "content", "created_by"), pk=pk)
    context = {
        "campaign": campaign,
        "missing": missing_parts(campaign) if campaign.editable else [],
        "rules": Company.get(),
        "may_send": request.user.can(Permission.CAMPAIGNS_SEND),
        "may_set_rules": request.user.can(Permission.ROLES_EDIT),
        "now": clock.now(),
        **queries.campaign_result(campaign),
    }
    return render(request, "campaigns/campaign_detail.html", context)


@require_GET
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_reach(request: HttpRequest, pk: int) -> HttpResponse:
    """htmx: who would get it now (or at its time), who later, who not and why. Writes nothing."""
    campaign = fetch(Campaign.objects.select_related("segment", "content"), pk=pk)
    if missing_parts(campaign):
        return render(
            request, "campaigns/campaign_detail.html#reach", {"campaign": campaign, "missing": missing_parts(campaign)}
        )
    at = max(campaign.starts_at or clock.now(), clock.now())
    people = segments.people(campaign.segment, at)
    verdict = sending.preview(people, content=campaign.content, channels=campaign.channels, at=at)
    return render(request, "campaigns/campaign_detail.html#reach", {"campaign": campaign, "verdict": verdict, "at": at})


@require_GET
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_result(request: HttpRequest, pk: int) -> HttpResponse:
    """htmx, polled while it is sending: the live numbers. When the state is no longer the one that the page shows
    (parameter ``state``), the whole page comes anew: its badge and buttons belong to the state."""
    campaign = fetch(Campaign.objects.select_related("segment", "content"), pk=pk)
    answer = render(
        request, "campaigns/campaign_detail.html#result", {"campaign": campaign, **queries.campaign_result(campaign)}
    )
    if request.GET.get("state", campaign.state) != campaign.state:
        answer["HX-Refresh"] = "true"
    return answer


def _act(request: HttpRequest, pk: int, action, done: str) -> HttpResponse:
    campaign = fetch(Campaign, pk=pk)
    try:
        action(campaign=campaign, by=request.user)
        messages.success(request, done)
    except NotNow as reason:
        messages.error(request, str(reason))
    return redirect("campaigns:campaign_detail", pk=pk)


@require_POST
@requires(Permission.CAMPAIGNS_SEND)
def campaign_send(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, schedule_campaign, _("The campaign is on its way."))


@require_POST
@requires(Permission.CAMPAIGNS_SEND)
def campaign_pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, pause_campaign, _("Paused: nothing more leaves."))


@require_POST
@requires(Permission.CAMPAIGNS_SEND)
def campaign_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, resume_campaign, _("It goes on with the rest."))


@require_POST
@requires(Permission.CAMPAIGNS_SEND)
def campaign_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, cancel_campaign, _("The campaign is cancelled."))


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_delete(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = fetch(Campaign, pk=pk)
    try:
        delete_campaign(campaign=campaign, by=request.user)
    except NotNow as reason:
        messages.error(request, str(reason))
        return redirect("campaigns:campaign_detail", pk=pk)
    messages.success(request, _("The draft “{name}” is deleted.").format(name=campaign.name))
    return redirect("campaigns:campaign_list")
