"""Pages of the shop. It knows nobody: the tracker in the page tells the product what a visitor does."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from scrm.lib import clock
from scrm.sandbox import people, store
from scrm.sandbox.shop.catalogue import BY_SLUG, CATEGORIES, PRODUCTS, SHOES, Product, of_category

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def home(request: HttpRequest) -> HttpResponse:
    return _page(request, "home", shoes=SHOES[:4], others=[p for p in PRODUCTS if p not in SHOES][:4])


def category(request: HttpRequest, category: str) -> HttpResponse:
    if category not in CATEGORIES:
        raise Http404
    return _page(request, "category", category=category, title=CATEGORIES[category], products=of_category(category))


def product(request: HttpRequest, slug: str) -> HttpResponse:
    if slug not in BY_SLUG:
        raise Http404
    found = BY_SLUG[slug]
    _saw(request, found)
    more = [p for p in of_category(found.category) if p is not found][:4]
    return _page(request, "product", category=found.category, product=found, more=more)


def coupon(request: HttpRequest) -> HttpResponse:
    """The form's submission goes to the product through the tracker; this page only shows it."""
    who = people.current()
    return _page(request, "coupon", suggested=who["email"] if who else "")


def _page(request: HttpRequest, page: str, **more: object) -> HttpResponse:
    shop = store.row("select * from shop")
    return render(request, f"sandbox/shop/{page}.html", {"shop": shop, "page": page, "categories": CATEGORIES, **more})


def _saw(request: HttpRequest, found: Product) -> None:
    """The script of the first ten minutes counts the business days on which the current customer looked at something."""
    who = people.current()
    if who and request.method == "GET" and request.headers.get("Sec-Purpose") is None:
        day = timezone.localtime(clock.now()).date().isoformat()
        store.add(
            "shop_view",
            openid=who["openid"],
            sku=found.sku,
            category=found.category,
            day=day,
            at=clock.now().timestamp(),
        )
        people.note(who["openid"], "view", found.name)
