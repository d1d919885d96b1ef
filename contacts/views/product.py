"""The catalogue as the order systems tell it."""

from datetime import timedelta

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from contacts.models import Order, Product
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.pages import render_page
from scrm.lib import clock

MOST_CATEGORIES = 30
LOOK_BACK = timedelta(days=90)
"""Orders of a product are looked for so far back."""


@require_GET
@requires(Permission.ORDERS_VIEW)
def product_list(request: HttpRequest) -> HttpResponse:
    categories = Product.objects.exclude(category="").order_by("category").values_list("category", flat=True).distinct()
    page = listing(
        request,
        Product.objects.all(),
        sorts={"name": "name", "price": "-price", "stock": "stock"},
        facets=[
            Facet(
                "category",
                _("Category"),
                [(name, name) for name in categories[:MOST_CATEGORIES]],
                lambda rows, values: rows.filter(category__in=values),
            ),
            Facet("sale", _("On sale"), [("yes", _("On sale")), ("no", _("Not on sale"))], _by_sale, many=False),
            Facet("stock", _("Stock"), [("out", _("Sold out"))], lambda rows, values: rows.filter(stock__lte=0)),
        ],
        search=Search(
            _("Name or stock number"), lambda rows, text: rows.filter(name__icontains=text) | rows.filter(sku=text)
        ),
    )
    return render_page(request, "contacts/product_list.html", {"page": page})


@require_GET
@requires(Permission.ORDERS_VIEW)
def product(request: HttpRequest, pk: int) -> HttpResponse:
    """What is known of it, and the latest orders that name it (of the customers that the user may see)."""
    shown = fetch(Product, pk=pk)
    orders = Order.objects.visible_to(request.user).select_related("contact").filter(account_id=shown.account_id)
    orders = orders.filter(placed_at__gte=clock.now() - LOOK_BACK, lines__contains=[{"sku": shown.sku}])
    orders = orders.order_by("-placed_at", "-pk")[:20]
    return render(request, "contacts/product.html", {"product": shown, "orders": orders})


def _by_sale(rows: QuerySet, values: list[str]) -> QuerySet:
    return rows.filter(active=values[0] == "yes")
