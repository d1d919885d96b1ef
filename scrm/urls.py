"""Addresses. Each room brings its own ``urls.py`` with its ``app_name``; the prefixes are chosen there."""

from importlib.util import find_spec

from django.urls import include, path

from scrm.core import health

ROOMS = ["scrm.demo", "analytics", "journeys", "service_desk", "campaigns", "channels_ingest", "contacts", "scrm.core"]

urlpatterns = [
    path("livez/", health.livez),
    path("readyz/", health.readyz),
    path("healthz/", health.healthz),
    path("", include("campaigns.public_urls")),
    *(path("", include(f"{room}.urls")) for room in ROOMS if find_spec(f"{room}.urls")),
]

handler400 = "scrm.core.views.errors.bad_request"
handler403 = "scrm.core.views.errors.forbidden"
handler404 = "scrm.core.views.errors.not_found"
handler500 = "scrm.core.views.errors.broken"
