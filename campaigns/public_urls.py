"""Short public addresses that messages carry; at the root, without a log-in."""

from django.urls import path

from campaigns.views import public

app_name = "public"
urlpatterns = [
    path("l/<str:token>", public.follow_link, name="follow_link"),
    path("o/<str:token>.gif", public.open_pixel, name="open_pixel"),
    path("u/<str:token>", public.unsubscribe, name="unsubscribe"),
    path("c/<str:token>", public.confirm, name="confirm"),
]
