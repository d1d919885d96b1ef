"""How leads are scored and who gets them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts import actions, segments
from contacts.builder import building
from contacts.builder.drawing import menu
from contacts.forms.leads import AssignRuleForm, ScoreRuleForm
from contacts.leads import THRESHOLD
from contacts.models import AssignRule, ScoreRule
from contacts.views.contact_list import decorated
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.pages import done
from scrm.lib import clock


@require_GET
@requires(Permission.LEADS_WORK)
def lead_rule_list(request: HttpRequest) -> HttpResponse:
    language = get_language() or "zh-hans"
    scores, assigns = list(ScoreRule.objects.all()), list(AssignRule.objects.select_related("team"))
    for rule in [*scores, *assigns]:
        rule.sentence = segments.describe(rule.rule, language) if any(segments.leaves_of(rule.rule)) else _("everybody")
    context = {
        "scores": scores,
        "assigns": assigns,
        "threshold": THRESHOLD,
        "can_edit": request.user.can(Permission.LEADS_MANAGE),
    }
    return render(request, "contacts/lead_rule_list.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.LEADS_WORK, Permission.LEADS_MANAGE)
def score_rule_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    return _edit(request, pk, ScoreRule, ScoreRuleForm, actions.save_score_rule, needs_condition=True)


@require_http_methods(["GET", "POST"])
@requires(Permission.LEADS_WORK, Permission.LEADS_MANAGE)
def assign_rule_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    return _edit(request, pk, AssignRule, AssignRuleForm, actions.save_assign_rule, needs_condition=False)


@require_POST
@requires(Permission.LEADS_WORK, Permission.LEADS_MANAGE)
def score_rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    fetch(ScoreRule, pk=pk)
    actions.delete_score_rule(rule_id=pk, by=request.user)
    return done(request, "contacts:lead_rule_list", _("Deleted."))


@require_POST
@requires(Permission.LEADS_WORK, Permission.LEADS_MANAGE)
def assign_rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    fetch(AssignRule, pk=pk)
    actions.delete_assign_rule(rule_id=pk, by=request.user)
    return done(request, "contacts:lead_rule_list", _("Deleted."))


def _edit(request, pk, model, form_class, save, *, needs_condition: bool) -> HttpResponse:  # type: ignore[no-untyped-def]
    stored = fetch(model, pk=pk) if pk else None
    if request.method == "GET":
        form = form_class(instance=stored, initial={"name": str(stored)} if stored else None)
        return _page(request, building.from_rule(stored.rule if stored else {}), form, stored)
    draft = building.from_post(request.POST)
    form = form_class(request.POST, instance=fetch(model, pk=pk) if pk else None)
    if request.POST.get("do"):
        return _page(request, draft, form, stored)
    empty = needs_condition and draft.is_valid and not any(segments.leaves_of(draft.rule))
    if not form.is_valid() or not draft.is_valid or draft.too_big or empty:
        return _page(request, draft, form, stored, status=422, refused=True, empty_rule=empty)
    save(rule_id=pk, rule=draft.rule, by=request.user, **form.cleaned_data)
    return done(request, "contacts:lead_rule_list", _("Saved."))


def _page(request, draft, form, stored, *, status: int = 200, **more: Any) -> HttpResponse:  # type: ignore[no-untyped-def]
    building.draw(draft)
    figures = building.figures(draft, request.user, clock.now(), get_language() or "zh-hans")
    context = {
        "draft": draft,
        "root": draft.root,
        "menu": menu(),
        "figures": figures,
        "people": decorated(figures.sample),
        "form": form,
        "stored": stored,
        "title": str(stored) if stored else _("New rule"),
        "can_edit": True,
        **more,
    }
    return render(request, "contacts/lead_rule.html", context, status=status)
