from django.urls import path

from scrm.sandbox.shop import views

app_name = "shop"
urlpatterns = [
    path("", views.home, name="home"),
    path("coupon/", views.coupon, name="coupon"),
    path("c/<slug:category>/", views.category, name="category"),
    path("p/<slug:slug>/", views.product, name="product"),
]
