"""Addresses for the tests of what happens without a database."""

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.urls import path

from scrm.core import health
from scrm.core.access import public


@public
def operational(request):
    raise OperationalError("server closed the connection")


@public
def interface(request):
    raise InterfaceError("connection already closed")


@public
def fine(request):
    return HttpResponse("fine")


app_name = "core"
urlpatterns = [
    path("livez/", health.livez),
    path("readyz/", health.readyz),
    path("healthz/", health.healthz),
    path("operational/", operational),
    path("interface/", interface),
    path("fine/", fine),
]
handler500 = "scrm.core.views.errors.broken"
