"""Heavy reports (funnel, cohorts) with the lists behind them, and the definitions of every number."""

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from analytics import funnel as funnels
from analytics import queries, reports
from analytics import service as desk
from analytics.metrics import EFFECT_METRICS, METRICS
from analytics.models import Report
from analytics.views.effect import _visible as visible
from contacts.sources import SOURCES
from scrm.core.access import requires
from scrm.core.enums import Permission
from scrm.core.lists import listing
from scrm.core.pages import render_page
from service_desk.models import Ticket

PERIODS = {"30": 30, "90": 90, "180": 180, "365": 365}


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def funnel(request: HttpRequest) -> HttpResponse:
    days = request.GET.get("days", "90")
    days = days if days in PERIODS else "90"
    window = queries.period(PERIODS[days])
    report = reports.get(
        "funnel", again="again" in request.GET, first=window.first.isoformat(), last=window.last.isoformat()
    )
    context = {
        **_shown(report),
        "days": days,
        "periods": _periods(),
        "period": window,
        "steps": list(funnels.STEPS.items()),
        "window_days": funnels.WINDOW.days,
    }
    if report.data:
        context |= {"rows": [_row(row) for row in report.data["rows"]], "total": _row({"steps": report.data["steps"]})}
    return render_page(request, "analytics/funnel.html", context, partial="report")


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def funnel_people(request: HttpRequest) -> HttpResponse:
    """The people behind one number of the funnel."""
    step = request.GET.get("step", "")
    first, last = _day(request, "first"), _day(request, "last")
    source = (request.GET["kind"], request.GET.get("label", "")) if "kind" in request.GET else None
    if step not in funnels.STEPS:
        raise Http404
    people = funnels.people(first, last, step, source)
    page = listing(request, people.select_related("owner"), sorts={"value": "-order_total"})
    context = {
        "page": page,
        "seen": visible(request.user, [row.pk for row in page.rows]),
        "title": _("Funnel"),
        "what": funnels.STEPS[step],
        "hint": f"{first} – {last}" + (f" · {_source(*source)}" if source else ""),
    }
    return render_page(request, "analytics/people.html", context)


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def cohorts(request: HttpRequest) -> HttpResponse:
    report = reports.get("cohorts", again="again" in request.GET, until=queries.today().isoformat())
    context: dict[str, Any] = _shown(report)
    if report.data:
        rows = [_cohort(row) for row in report.data["cohorts"]]
        customers, repeat = report.data["customers"], report.data["repeat"]
        context |= {
            "rows": rows,
            "months": range(report.data["months"]),
            "customers": customers,
            "repeat": repeat,
            "rate": repeat / customers if customers else None,
        }
    return render_page(request, "analytics/cohorts.html", context, partial="report")


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def service(request: HttpRequest) -> HttpResponse:
    days = request.GET.get("days", "30")
    days = days if days in PERIODS else "30"
    window = queries.period(PERIODS[days])
    first, last = window.first.isoformat(), window.last.isoformat()
    report = reports.get("service", again="again" in request.GET, first=first, last=last)
    context = {**_shown(report), "days": days, "periods": _periods(), "period": window, "what": desk.WHAT.items()}
    if report.data:
        context |= {"total": _agent(report.data["total"]), "rows": [_agent(row) for row in report.data["agents"]]}
    return render_page(request, "analytics/service.html", context, partial="report")


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def service_tickets(request: HttpRequest) -> HttpResponse:
    """The tickets behind one number."""
    what, agent = request.GET.get("what", ""), request.GET.get("agent", "")
    if what not in desk.WHAT or (agent and not agent.isdecimal()):
        raise Http404
    first, last = _day(request, "first"), _day(request, "last")
    ids = desk.behind(first, last, what, int(agent) if agent else None)
    rows = Ticket.objects.filter(pk__in=ids).select_related("contact", "assignee")
    page = listing(request, rows, sorts={"opened": "-opened_at"})
    context = {
        "page": page,
        "seen": visible(request.user, [row.contact_id for row in page.rows]),
        "may_open": request.user.can(Permission.SERVICE_WORK),
        "what": desk.WHAT[what],
        "hint": f"{first} – {last}",
    }
    return render_page(request, "analytics/tickets.html", context)


@require_GET
@requires(Permission.ANALYTICS_VIEW)
def metric_list(request: HttpRequest) -> HttpResponse:
    """Every number with its formula, in one place."""
    groups = [(_("Counts by day"), METRICS.values()), (_("Effect and money"), EFFECT_METRICS)]
    return render(request, "analytics/metric_list.html", {"groups": groups})


def _shown(report: Report) -> dict[str, Any]:
    return {"report": report, "waiting": report.wanted_at is not None}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Steps with their share of the first and of the one before."""
    steps, cells = row["steps"], []
    for n, (key, number) in enumerate(zip(funnels.STEPS, row["steps"], strict=True)):
        of_first = number / steps[0] if steps[0] else None
        of_last = number / steps[n - 1] if n and steps[n - 1] else None
        cells.append(
            {"key": key, "n": number, "of_first": of_first, "of_last": of_last, "width": round(100 * (of_first or 0))}
        )
    kind, label = row.get("kind", ""), row.get("label", "")
    return {"kind": kind, "label": label, "name": _source(kind, label), "cells": cells}


def _source(kind: str, label: str) -> str:
    name = str(SOURCES.get(kind, kind)) or _("Source unknown")
    return _("%(kind)s: %(label)s") % {"kind": name, "label": label} if label else name


def _cohort(row: dict[str, Any]) -> dict[str, Any]:
    size = row["size"]
    cells = []
    for number in row["back"]:
        rate = number / size if number is not None and size else None
        heat = 0 if rate is None else min(4, 1 + int(rate * 20)) if rate else 0
        cells.append({"n": number, "rate": rate, "heat": heat})
    return {"month": row["month"], "size": size, "cells": cells}


def _agent(row: dict[str, Any]) -> dict[str, Any]:
    """With rates: of the answered, of the opened."""
    opened, answered = row["all"], row["rated"]
    return {
        **row,
        "quick_rate": row["quick"] / opened if opened else None,
        "answer_rate": answered / row["solved"] if row["solved"] else None,
        "satisfaction": row["good"] / answered if answered else None,
        "cells": [(what, row[what]) for what in desk.WHAT],
        "agent": 0 if row.get("id", "") is None else row.get("id", ""),
    }


def _periods() -> list[tuple[str, str]]:
    return [("30", _("30 days")), ("90", _("90 days")), ("180", _("180 days")), ("365", _("A year"))]


def _day(request: HttpRequest, name: str) -> str:
    try:
        return date.fromisoformat(request.GET.get(name, "")).isoformat()
    except ValueError:
        raise Http404 from None
