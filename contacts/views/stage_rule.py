"""The ordered rules that move people from stage to stage."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts import actions, segments
from contacts.builder import building
from contacts.builder.drawing import menu
from contacts.enums import Stage
from contacts.forms.tags import StageRuleForm
from contacts.models import StageRule
from contacts.views.contact_list import decorated
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission
from scrm.core.pages import done
from scrm.lib import clock


@require_GET
@requires(Permission.CONTACTS_VIEW)
def stage_rule_list(request: HttpRequest) -> HttpResponse:
    language = get_language() or "zh-hans"
    rules = list(StageRule.objects.all())
    for rule in rules:
        rule.sentence = segments.describe(rule.rule, language)
        rule.from_labels = [Stage(stage).label for stage in rule.from_stages if stage in Stage.values]
    context = {"rules": rules, "can_edit": request.user.can(Permission.SEGMENTS_EDIT)}
    return render(request, "contacts/stage_rule_list.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.SEGMENTS_EDIT)
def stage_rule_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    stored = fetch(StageRule, pk=pk) if pk else None
    if request.method == "GET":
        form = StageRuleForm(instance=stored, initial={"name": stored.label} if stored else None)
        return _page(request, building.from_rule(stored.rule if stored else {}), form, stored)
    draft = building.from_post(request.POST)
    form = StageRuleForm(request.POST, instance=fetch(StageRule, pk=pk) if pk else None)
    if request.POST.get("do"):
        return _page(request, draft, form, stored)
    empty = not any(segments.leaves_of(draft.rule)) if draft.is_valid else False
    if not form.is_valid() or not draft.is_valid or draft.too_big or empty:
        return _page(request, draft, form, stored, status=422, refused=True, empty_rule=empty)
    actions.save_stage_rule(rule_id=pk, rule=draft.rule, by=request.user, **form.cleaned_data)
    return done(request, "contacts:stage_rule_list", _("Saved."))


@require_POST
@requires(Permission.SEGMENTS_EDIT)
def stage_rule_move(request: HttpRequest, pk: int) -> HttpResponse:
    fetch(StageRule, pk=pk)
    actions.move_stage_rule(rule_id=pk, up=request.POST.get("to") == "up", by=request.user)
    return done(request, "contacts:stage_rule_list")


@require_POST
@requires(Permission.SEGMENTS_EDIT)
def stage_rule_switch(request: HttpRequest, pk: int) -> HttpResponse:
    fetch(StageRule, pk=pk)
    rule = actions.switch_stage_rule(rule_id=pk, active=request.POST.get("active") == "1", by=request.user)
    text = _("“%(name)s” is in force.") if rule.active else _("“%(name)s” is switched off.")
    return done(request, "contacts:stage_rule_list", text % {"name": rule.label})


@require_POST
@requires(Permission.SEGMENTS_EDIT)
def stage_rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    rule = fetch(StageRule, pk=pk)
    actions.delete_stage_rule(rule_id=pk, by=request.user)
    return done(
        request, "contacts:stage_rule_list", _("The rule “%(name)s” is deleted.") % {"name": rule.label}, Level.OK
    )


def _page(request, draft, form, stored: StageRule | None, *, status: int = 200, **more: Any) -> HttpResponse:
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
        "can_edit": True,
        **more,
    }
    return render(request, "contacts/stage_rule.html", context, status=status)
