"""Addresses of the channels room: doors for machines, pages for people."""

from django.urls import path

from channels_ingest.views import doors

app_name = "channels_ingest"
urlpatterns = [
    path("in/<str:kind>/<str:token>/", doors.webhook, name="webhook"),
    path("v1/<str:call>", doors.collect, name="collect"),
    path("t.js", doors.tracker, name="tracker"),
]
