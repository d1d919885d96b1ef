from django.urls import path

from analytics import views

app_name = "analytics"

urlpatterns = [
    path("overview/", views.overview, name="overview"),
    path("overview/export/", views.overview_export, name="overview_export"),
]
