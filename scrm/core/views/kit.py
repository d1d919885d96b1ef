"""Every part and state on one page, for developers (only with DEBUG)."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from scrm.core.looks import CHANNELS
from scrm.core.pages import close_modal, toast
from scrm.lib import clock


def modal(request: HttpRequest) -> HttpResponse:
    if request.method == "POST" and request.POST.get("name"):
        return close_modal(toast(HttpResponse(), _("Saved")))
    return render(request, "core/kit_modal.html", {"tried": request.method == "POST"})


def kit(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    days = [f"{n}" for n in range(1, 15)]
    option = {
        "grid": {"left": 48, "right": 8, "top": 32, "bottom": 24},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "valueFormatter": "@money"},
        "xAxis": {"type": "category", "data": days, "splitLine": {"show": False}},
        "yAxis": {"type": "value", "axisLabel": {"formatter": "@wan"}},
        "series": [
            {"name": "A", "type": "bar", "stack": "x", "data": [9000 + n * n * 310 for n in range(14)]},
            {"name": "B", "type": "bar", "stack": "x", "data": [12000 + n % 5 * 2100 for n in range(14)]},
            {
                "name": "C",
                "type": "line",
                "symbol": "none",
                "lineStyle": {"type": "dashed", "width": 1.5, "color": "--text-3"},
                "itemStyle": {"color": "--text-3"},
                "data": [19000 + n * 700 for n in range(14)],
            },
        ],
    }
    moments = [now - timedelta(seconds=s) for s in (10, 720, 18000, 90000, 864000, 40000000)] + [
        now + timedelta(days=1)
    ]
    return render(
        request,
        "core/kit.html",
        {"channels": CHANNELS, "option": option, "moments": moments, "wave": [3, 5, 4, 8, 7, 11]},
    )
