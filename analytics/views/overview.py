import csv

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from analytics import queries
from analytics.attention import attention
from analytics.charts import trend
from analytics.metrics import METRICS
from campaigns.queries import reason_label
from scrm.core import audit
from scrm.core.access import requires
from scrm.core.enums import Permission

CHART_METRICS = ["sent", "held", "suppressed", "opened", "clicked", "followed", "stage", "inbound"]


@requires(Permission.ANALYTICS_VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    days = request.GET.get("days", "30")
    days = days if days in queries.PERIODS else "30"
    metric = request.GET.get("metric", "sent")
    metric = metric if metric in CHART_METRICS else "sent"
    data = queries.counts(queries.period(queries.PERIODS[days]))
    reasons = [
        {"reason": reason, "label": reason_label(reason), "count": count}
        for reason, count in data.split("suppressed", "detail").items()
    ]
    option, label = trend(data, METRICS[metric])
    return render(
        request,
        "analytics/overview.html",
        {
            "days": days,
            "periods": [("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days"))],
            "figures": queries.figures(data),
            "followers": queries.followers_now(),
            "chart_option": option,
            "chart_label": label,
            "metric": METRICS[metric],
            "metrics": [METRICS[key] for key in CHART_METRICS],
            "channels": queries.channel_rows(data),
            "reasons": reasons,
            "reasons_total": sum(row["count"] for row in reasons),
            "programmes": queries.programme_rows(),
            "attention": attention(request.user),
            "computed_at": queries.computed_at(),
            "period": data.period,
        },
    )


@requires(Permission.ANALYTICS_VIEW)
def overview_export(request: HttpRequest) -> HttpResponse:
    """The period's counts as CSV (UTF-8 with BOM for Excel): day, metric, channel, detail, count. Counts only, no people."""
    days = request.GET.get("days", "30")
    data = queries.counts(queries.period(queries.PERIODS.get(days, 30)))
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="overview-{data.period.first}-{data.period.last}.csv"'
    response.write("\ufeff")
    table = csv.writer(response)
    table.writerow([_("Day"), _("Metric"), _("Channel"), _("Detail"), _("Count")])
    for day, metric, channel, detail, count in sorted(data.rows):
        if data.period.first <= day <= data.period.last:
            table.writerow([day, METRICS[metric].name if metric in METRICS else metric, channel, detail, count])
    audit.record(request.user, "overview.exported", None, days=days)
    return response
