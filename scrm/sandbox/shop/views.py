"""Pages of the shop. The tracker in them tells the product what a visitor does; orders are told by webhooks (dealings)."""

import json
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import clock
from scrm.sandbox import people, store
from scrm.sandbox.shop import dealings
from scrm.sandbox.shop.catalogue import BY_SLUG, CATEGORIES, PRODUCTS, SHOES, Product, of_category

BUTTONS = {
    "ship": _("Ship it"),
    "deliver": _("It was delivered"),
    "invoice": _("Write the invoice"),
    "cancel": _("Cancel the order"),
}
STEPS = [
    ("at", _("Placed")),
    ("paid", _("Paid")),
    ("shipped", _("Shipped")),
    ("delivered", _("Delivered")),
    ("invoiced", _("Invoiced")),
    ("cancelled", _("Cancelled")),
]


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


@require_GET
def cart(request: HttpRequest) -> HttpResponse:
    who = people.current()
    lines = dealings.cart(who["openid"]) if who else []
    told = dealings.cart_told(who["openid"]) if who and lines else None
    return _page(request, "cart", lines=lines, total=dealings.goods(lines), told=told)


@require_POST
def cart_put(request: HttpRequest) -> HttpResponse:
    """So many pieces of a product; without a number one more than there is."""
    who, sku, given = people.current(), request.POST.get("sku", ""), request.POST.get("quantity", "")
    if who is None:
        return redirect("accounts")
    held = next((line["quantity"] for line in dealings.cart(who["openid"]) if line["sku"] == sku), 0)
    quantity = int(given) if given.isdigit() and len(given) < 4 else min(held + 1, dealings.MOST)
    try:
        dealings.put(who["openid"], sku, quantity)
    except dealings.CannotDeal as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    return redirect("shop:cart")


def checkout(request: HttpRequest) -> HttpResponse:
    who = people.current()
    if who is None:
        return redirect("accounts")
    lines, problem = dealings.cart(who["openid"]), ""
    typed = {name: request.POST.get(name, "") for name in ("email", "coupon")}
    if request.method == "POST":
        try:
            row = dealings.place(who["openid"], **typed)
            return redirect("shop:order", row["number"])
        except dealings.CannotDeal as error:
            problem = str(error)
    typed["email"] = typed["email"] or dealings.known_email(who["openid"]) or who["email"]
    answer = _page(request, "checkout", lines=lines, total=dealings.goods(lines), problem=problem, typed=typed)
    answer.status_code = 422 if problem else 200
    return answer


@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """The orders of the current customer, and behind the counter those of everybody."""
    who = people.current()
    keeper = "keeper" in request.GET
    sql = "select * from shop_order where ? or openid = ? order by id desc limit 50"
    return _page(request, "orders", orders=store.rows(sql, keeper, who["openid"] if who else ""), keeper=keeper)


def order(request: HttpRequest, number: str) -> HttpResponse:
    """One order, with what customer and shop-keeper can do now."""
    problem = ""
    try:
        row = dealings.order(number)
    except dealings.CannotDeal:
        raise Http404 from None
    if request.method == "POST":
        try:
            dealings.deal(number, request.POST.get("step", ""), request.POST.get("amount", ""))
            return redirect("shop:order", number)
        except dealings.CannotDeal as error:
            problem = str(error)
    able = dealings.steps(row)
    told = store.rows("select * from hook where body like ? order by id", f'%"order_id": "{number}"%')
    times = [
        (label, datetime.fromtimestamp(row[name], timezone.get_current_timezone()) if row[name] else None)
        for name, label in STEPS
    ]
    answer = _page(
        request,
        "order",
        order=row,
        lines=json.loads(row["lines"]),
        pay="pay" in able,
        keeper=[(step, BUTTONS[step]) for step in able if step not in {"pay", "refund"}],
        refund="refund" in able,
        left=row["total"] - row["refunded"],
        told=told,
        times=times,
        problem=problem,
    )
    answer.status_code = 422 if problem else 200
    return answer


def _page(request: HttpRequest, page: str, **more: object) -> HttpResponse:
    shop = store.row("select * from shop")
    who = people.current()
    pieces = sum(line["quantity"] for line in dealings.cart(who["openid"])) if who else 0
    common = {"shop": shop, "page": page, "categories": CATEGORIES, "pieces": pieces}
    return render(request, f"sandbox/shop/{page}.html", {**common, **more})


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
