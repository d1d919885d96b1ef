"""Effect, cost and ROI of campaigns and journeys, and the lists behind the numbers."""

import csv

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analytics import actions
from analytics import effect as effects
from analytics.enums import ProgrammeKind
from analytics.forms import SpendForm, terms_forms
from analytics.models import Spend
from analytics.queries import computed_at, today
from campaigns.models import Campaign
from contacts.enums import ChannelKind
from contacts.models import Contact
from journeys.models import Journey
from scrm.core import audit
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission, Scope
from scrm.core.lists import listing
from scrm.core.pages import done, render_page

MODELS = {ProgrammeKind.CAMPAIGN.value: Campaign, ProgrammeKind.JOURNEY.value: Journey}


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def effect_list(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    kind = kind if kind in MODELS else ""
    rows = effects.programmes(kind)
    context = {
        "rows": rows,
        "total": effects.total(rows),
        "kind": kind,
        "kinds": [("", _("All")), *ProgrammeKind.choices],
        "computed_at": computed_at(),
        "may_edit": request.user.can(Permission.ANALYTICS_EDIT),
    }
    return render(request, "analytics/effect_list.html", context)


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def effect_export(request: HttpRequest) -> HttpResponse:
    """The table as CSV (UTF-8 with BOM for Excel). Counts and sums only, no people."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="effect-{today()}.csv"'
    response.write("\ufeff")
    table = csv.writer(response)
    table.writerow(
        [_("Kind"), _("Name"), _("Sent"), _("Delivered"), _("Opened"), _("Clicked"), _("Converted"), _("Orders"), _("Revenue"),
         _("Messages"), _("Coupons"), _("Spend"), _("ROI")]
    )  # fmt: skip
    for row in effects.programmes():
        name = f"'{row.name}" if row.name[:1] in "=+-@\t\r" else row.name
        cost = row.cost
        table.writerow(
            [ProgrammeKind(row.kind).label, name, row.sent, row.delivered, row.opened, row.clicked, row.converted, row.orders,
             row.revenue, cost.messages, cost.coupons, cost.spend, "" if row.roi is None else f"{row.roi:.4f}"]
        )  # fmt: skip
    audit.record(request.user, "effect.exported", None)
    return response


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def effect(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """One programme: its numbers, its costs, and the orders behind its revenue."""
    return _page(request, kind, _programme(kind, pk), None)


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def effect_people(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The people behind ``converted``, of whom names are shown to those who may see them."""
    programme = _programme(kind, pk)
    bought = effects.credited(kind, pk).values("contact_id")
    page = listing(
        request, Contact.objects.filter(pk__in=bought).select_related("owner"), sorts={"value": "-order_total"}
    )
    seen = _visible(request.user, [row.pk for row in page.rows])
    context = {"page": page, "seen": seen, "title": programme.name, "back": (kind, pk), "what": _("People who ordered")}
    return render_page(request, "analytics/people.html", context)


@require_POST
@requires(Permission.ANALYTICS_VIEW, Permission.ANALYTICS_EDIT)
def spend_add(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    programme = _programme(kind, pk)
    form = SpendForm(request.POST)
    if not form.is_valid():
        return _page(request, kind, programme, form, status=422)
    actions.add_spend(kind=kind, pk=pk, **form.cleaned_data, by=request.user)
    return done(request, "analytics:effect", _("Entered."), Level.OK, kind, pk)


@require_POST
@requires(Permission.ANALYTICS_VIEW, Permission.ANALYTICS_EDIT)
def spend_delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = fetch(Spend, pk=pk)
    actions.delete_spend(spend_id=pk, by=request.user)
    return done(request, "analytics:effect", _("Taken out."), Level.OK, row.origin, row.origin_id)


@require_http_methods(["GET", "POST"])
@requires(Permission.ANALYTICS_VIEW, Permission.ANALYTICS_EDIT)
def cost_edit(request: HttpRequest) -> HttpResponse:
    """Prices of messages, and how long touches count."""
    forms = terms_forms(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        good = [form.is_valid() for form in forms.values()]  # every one of them, so that all errors are shown
        if all(good):
            again = actions.save_terms(
                rows={channel: form.cleaned_data for channel, form in forms.items()}, by=request.user
            )
            text = _("Saved; {n} orders were credited again.").format(n=again) if again else _("Saved.")
            return done(request, "analytics:effect_list", text)
        status = 422
    rows = [(channel, ChannelKind(channel).label, form) for channel, form in forms.items()]
    return render(request, "analytics/cost_edit.html", {"rows": rows}, status=status)


def _programme(kind: str, pk: int) -> Campaign | Journey:
    if kind not in MODELS:
        raise Http404
    return fetch(MODELS[kind], pk=pk)


def _page(request: HttpRequest, kind: str, programme, form: SpendForm | None, status: int = 200) -> HttpResponse:  # type: ignore[no-untyped-def]
    page = listing(request, effects.credited(kind, programme.pk).select_related("order"), sorts={"at": "-at"})
    contacts = Contact.objects.in_bulk([row.contact_id for row in page.rows])
    seen = _visible(request.user, list(contacts))
    for row in page.rows:
        row.person = contacts.get(row.contact_id)
        row.net = row.order.total - row.order.refunded
    context = {
        "programme": programme,
        "kind": kind,
        "effect": effects.one(kind, programme),
        "page": page,
        "seen": seen,
        "spends": list(
            Spend.objects.filter(origin=kind, origin_id=programme.pk).select_related("by").order_by("-day", "-pk")
        ),
        "form": form or SpendForm(initial={"day": today()}),
        "may_edit": request.user.can(Permission.ANALYTICS_EDIT),
        "computed_at": computed_at(),
    }
    return (
        render_page(request, "analytics/effect.html", context, status=status)
        if status == 200
        else render(request, "analytics/effect.html", context, status=status)
    )


def _visible(user, ids: list[int]) -> set[int]:  # type: ignore[no-untyped-def]
    """Of the contacts, whom the reader may open. Reports count everybody; names are for those who may see them."""
    if not user.can(Permission.CONTACTS_VIEW):
        return set()
    if user.scope == Scope.ALL:
        return set(ids)
    return set(Contact.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
