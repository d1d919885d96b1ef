"""Settings of the desk: hours, promises, people and channels, the detector."""

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from channels_ingest.models import Channel
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.models import Team
from scrm.core.pages import done, render_page
from scrm.lib import clock
from service_desk import detector, policies, routing
from service_desk.access import colleagues
from service_desk.actions import desk as actions
from service_desk.calendar import published_years
from service_desk.enums import Speech
from service_desk.forms.desk import AgentForm, ChannelDeskForm, DeskForm, HoursForm, PolicyForm
from service_desk.models import (
    AgentProfile,
    CalendarVersion,
    ChannelDesk,
    Correction,
    DeskSettings,
    DetectorVersion,
    SlaPolicy,
)
from service_desk.views.ticket import duration


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def desk_hours(request: HttpRequest) -> HttpResponse:
    versions = list(CalendarVersion.objects.select_related("created_by").order_by("-valid_from")[:10])
    current = versions[0] if versions else CalendarVersion.default()
    form = HoursForm(request.POST or None, version=current)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        kept = {name: data[name] for name in ("time_zone", "holidays", "closed", "opened")}
        actions.save_hours(week=form.week, by=request.user, **kept)
        return done(request, "service_desk:desk_hours", _("The hours hold from now on."))
    years, year = published_years(), clock.now().year
    unknown = [n for n in (year, year + 1) if n not in years]
    context = {"form": form, "versions": versions, "last_year": years.stop - 1, "unknown": unknown}
    return _answer(request, "service_desk/desk_hours.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def desk_policies(request: HttpRequest) -> HttpResponse:
    """The promises in force, and the rules of the desk."""
    form = DeskForm(request.POST or None, instance=DeskSettings.get())
    if request.method == "POST" and form.is_valid():
        actions.save_desk(values=form.cleaned_data, by=request.user)
        return done(request, "service_desk:desk_policies", _("Saved"))
    rows = sorted(policies.current().values(), key=lambda policy: (-policy.priority, policy.kind))
    shown = [{"policy": row, "times": [_minutes(row, name) for name in _TIMES]} for row in rows]
    return _answer(request, "service_desk/desk_policies.html", {"form": form, "rows": shown})


_TIMES = ("first_reply_minutes", "next_reply_minutes", "resolution_minutes")


def _minutes(policy: SlaPolicy, name: str) -> str:
    value = getattr(policy, name)
    return duration(value * 60) if value is not None else "—"


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def policy_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    held = fetch(SlaPolicy, pk=pk, replaced_at=None) if pk else None
    form = PolicyForm(request.POST or None, instance=held)
    if request.method == "POST" and form.is_valid():
        actions.save_policy(values=form.cleaned_data, by=request.user)
        return done(request, "service_desk:desk_policies", _("New tickets get the new promise; open ones keep theirs."))
    return _answer(request, "service_desk/policy_edit.html", {"form": form, "policy": held})


@require_POST
@requires(Permission.SERVICE_MANAGE)
def policy_remove(request: HttpRequest, pk: int) -> HttpResponse:
    held = fetch(SlaPolicy, pk=pk, replaced_at=None)
    if not held.kind:
        raise Http404
    actions.remove_policy(policy=held, by=request.user)
    return done(request, "service_desk:desk_policies", _("Removed; the promise of the priority holds."))


@requires(Permission.SERVICE_MANAGE)
def desk_agents(request: HttpRequest) -> HttpResponse:
    """Who takes what, and where each channel's tickets go."""
    people = list(colleagues())
    profiles = {profile.pk: profile for profile in AgentProfile.objects.filter(pk__in=people)}
    loads, settings = routing.loads(user.pk for user in people), DeskSettings.get()
    routes = {row.account_id: row for row in ChannelDesk.objects.select_related("team")}
    context = {
        "people": [
            {
                "user": user,
                "profile": profiles.get(user.pk),
                "load": loads.get(user.pk, 0),
                "capacity": (profiles[user.pk].capacity if user.pk in profiles else None) or settings.capacity,
            }
            for user in people
        ],
        "channels": [{"channel": row, "route": routes.get(row.pk)} for row in Channel.objects.order_by("name", "pk")],
    }
    return render(request, "service_desk/desk_agents.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def agent_edit(request: HttpRequest, pk: int) -> HttpResponse:
    user = fetch(colleagues(), pk=pk)
    profile = AgentProfile.objects.filter(pk=pk).first() or AgentProfile(user=user)
    form = AgentForm(request.POST or None, instance=profile)
    if request.method == "POST" and form.is_valid():
        actions.save_agent(user=user, by=request.user, **form.cleaned_data)
        return done(request, "service_desk:desk_agents", _("Saved"))
    return _answer(request, "service_desk/desk_part.html", {"form": form, "heading": user.name})


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def channel_route(request: HttpRequest, pk: int) -> HttpResponse:
    channel = fetch(Channel, pk=pk)
    held = ChannelDesk.objects.filter(account_id=pk).first() or ChannelDesk(account_id=pk)
    initial = {"team": held.team_id, "skill": held.skill, "agent_limit": held.agent_limit}
    form = ChannelDeskForm(request.POST or None, initial=initial, teams=Team.objects.all())
    if request.method == "POST" and form.is_valid():
        actions.save_channel_desk(account_id=pk, values=form.cleaned_data, by=request.user)
        return done(request, "service_desk:desk_agents", _("Saved"))
    return _answer(request, "service_desk/desk_part.html", {"form": form, "heading": channel.name})


class JudgeForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("What a customer might write"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )
    label = forms.ChoiceField(label=gettext_lazy("It is"), choices=Speech.choices, required=False)


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_MANAGE)
def desk_detector(request: HttpRequest) -> HttpResponse:
    """How good the detector is, what it was taught, and a place to try it and teach it."""
    form = JudgeForm(request.POST or None)
    verdict = None
    if request.method == "POST" and form.is_valid():
        text, label = form.cleaned_data["text"], form.cleaned_data["label"]
        verdict = detector.judge(text)
        if "teach" in request.POST and label:
            actions.correct_text(text=text, label=label, said=verdict.label, by=request.user)
            return done(request, "service_desk:desk_detector", _("Noted. It is trained again within a minute."))
    page = listing(
        request,
        Correction.objects.select_related("by", "ticket"),
        sorts={"new": "-id"},
        facets=[Facet("label", _("It is"), Speech.choices, _labelled)],
        search=Search(_("Words"), lambda rows, text: rows.filter(text__icontains=text)),
        size=30,
    )
    version = DetectorVersion.objects.order_by("-id").defer("data").first()
    context = {
        "form": form,
        "page": page,
        "version": version,
        "table": _table(version.report) if version else [],
        "labels": Speech.choices,
        "verdict": verdict,
        "verdict_label": Speech(verdict.label).label if verdict else "",
    }
    status = 422 if request.method == "POST" and not form.is_valid() else 200
    return render_page(request, "service_desk/desk_detector.html", context, status=status)


def _labelled(rows: QuerySet, values: list[str]) -> QuerySet:
    return rows.filter(label__in=values)


def _table(report: dict) -> list[dict]:
    """Rows: what it is; columns: what it said."""
    counts = report.get("table", {})
    return [
        {"label": label, "cells": [(counts.get(value, {}).get(said, 0), said == value) for said in Speech.values]}
        for value, label in Speech.choices
    ]


def _answer(request: HttpRequest, template: str, context: dict) -> HttpResponse:
    return render(request, template, context, status=422 if request.method == "POST" else 200)
