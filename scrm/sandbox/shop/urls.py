from django.urls import path

from scrm.sandbox.shop import views

app_name = "shop"
urlpatterns = [
    path("", views.home, name="home"),
    path("coupon/", views.coupon, name="coupon"),
    path("cart/", views.cart, name="cart"),
    path("cart/put/", views.cart_put, name="cart_put"),
    path("checkout/", views.checkout, name="checkout"),
    path("orders/", views.orders, name="orders"),
    path("orders/<str:number>/", views.order, name="order"),
    path("c/<slug:category>/", views.category, name="category"),
    path("p/<slug:slug>/", views.product, name="product"),
]
