from django.urls import path

from analytics.views import effect, overview, report

app_name = "analytics"

urlpatterns = [
    path("overview/", overview.overview, name="overview"),
    path("overview/export/", overview.overview_export, name="overview_export"),
    path("effect/", effect.effect_list, name="effect_list"),
    path("effect/export/", effect.effect_export, name="effect_export"),
    path("effect/costs/", effect.cost_edit, name="cost_edit"),
    path("effect/<str:kind>/<int:pk>/", effect.effect, name="effect"),
    path("effect/<str:kind>/<int:pk>/people/", effect.effect_people, name="effect_people"),
    path("effect/<str:kind>/<int:pk>/spend/", effect.spend_add, name="spend_add"),
    path("effect/spend/<int:pk>/delete/", effect.spend_delete, name="spend_delete"),
    path("funnel/", report.funnel, name="funnel"),
    path("funnel/people/", report.funnel_people, name="funnel_people"),
    path("cohorts/", report.cohorts, name="cohorts"),
    path("service/figures/", report.service, name="service"),
    path("service/figures/tickets/", report.service_tickets, name="service_tickets"),
    path("metrics/", report.metric_list, name="metric_list"),
]
