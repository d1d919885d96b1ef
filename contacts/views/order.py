"""Orders: the list, and one with its lines, refunds and history."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from contacts import lines
from contacts.enums import CouponProblem, OrderProblem, OrderState
from contacts.log.orders import KINDS
from contacts.models import Contact, Event, Order, Product
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.pages import render_page

MOST_LINES = 200
"""Lines of one order on its page; the rest is counted."""
MOST_EVENTS = 100
TONES = {
    OrderState.INCOMPLETE: "warn",
    OrderState.PLACED: "mute",
    OrderState.PAID: "ok",
    OrderState.PART_REFUNDED: "info",
    OrderState.REFUNDED: "mute",
    OrderState.CANCELLED: "mute",
}


@require_GET
@requires(Permission.ORDERS_VIEW)
def order_list(request: HttpRequest) -> HttpResponse:
    """Orders of the customers that the user may see, newest first; those with problems by their reason."""
    orders = Order.objects.visible_to(request.user).select_related("contact")
    person = None
    if (chosen := request.GET.get("contact", "")).isdigit() and len(chosen) < 19:
        person = fetch(Contact.objects.visible_to(request.user), pk=int(chosen))
        orders = orders.filter(contact=person)
    page = listing(
        request,
        orders,
        sorts={"placed": "-placed_at"},
        facets=[
            Facet("state", _("State"), OrderState.choices, lambda rows, values: rows.filter(state__in=values)),
            Facet("parcel", _("Parcel"), _parcels(), _by_parcel, many=False),
            Facet("problem", _("Problem"), [("any", _("Any")), *OrderProblem.choices], _by_problem),
        ],
        search=Search(_("Order number"), lambda rows, text: rows.filter(external_id=text.strip())),
    )
    for row in page.rows:
        row.tone = TONES[row.state]
    return render_page(request, "contacts/order_list.html", {"page": page, "person": person})


@require_GET
@requires(Permission.ORDERS_VIEW)
def order(request: HttpRequest, pk: int) -> HttpResponse:
    shown = fetch(Order.objects.visible_to(request.user).select_related("contact"), pk=pk)
    events = Event.objects.filter(
        contact_id=shown.contact_id, kind__in=KINDS, account_id=shown.account_id, properties__order_id=shown.external_id
    )
    told = [
        (event, lines.describe(event.kind, event.properties, show_points=request.user.sees_contact_points))
        for event in events.order_by("-occurred_at", "-id")[:MOST_EVENTS]
    ]
    context = {
        "order": shown,
        "tone": TONES[shown.state],
        "lines": _lines(shown),
        "more_lines": max(len(shown.lines) - MOST_LINES, 0),
        "refunds": shown.refunds.order_by("at", "pk")[:MOST_LINES],
        "steps": [(label, getattr(shown, name)) for name, label in _steps()],
        "codes": _codes(shown),
        "events": told,
        "may_see_contact": request.user.can(Permission.CONTACTS_VIEW),
    }
    return render(request, "contacts/order.html", context)


def _steps() -> list[tuple[str, Any]]:
    return [
        ("placed_at", _("Placed")),
        ("paid_at", _("Paid")),
        ("shipped_at", _("Shipped")),
        ("delivered_at", pgettext("order", "Delivered")),
        ("invoiced_at", _("Invoiced")),
    ]


def _parcels() -> list[tuple[str, Any]]:
    return [("waits", _("Paid, not shipped")), ("way", _("On its way")), ("there", pgettext("order", "Delivered"))]


def _by_parcel(rows: QuerySet, values: list[str]) -> QuerySet:
    if values[0] == "there":
        return rows.exclude(delivered_at=None)
    if values[0] == "way":
        return rows.exclude(shipped_at=None).filter(delivered_at=None)
    return rows.filter(state__in=[OrderState.PAID, OrderState.PART_REFUNDED], shipped_at=None, delivered_at=None)


def _by_problem(rows: QuerySet, values: list[str]) -> QuerySet:
    return rows.with_problems() if "any" in values else rows.filter(problems__overlap=values)


def _lines(shown: Order) -> list[dict[str, Any]]:
    """With the product of the catalogue behind each."""
    found = [line for line in shown.lines[:MOST_LINES] if isinstance(line, dict)]
    skus = {str(line.get("sku") or "") for line in found}
    products = {row.sku: row for row in Product.objects.filter(account_id=shown.account_id, sku__in=skus)}
    missing = set(shown.missing_skus)
    return [
        {
            "sku": (sku := str(line.get("sku") or "")),
            "name": line.get("name") or sku,
            "quantity": line.get("quantity", 1),
            "price": str(line.get("price", "")),
            "product": products.get(sku),
            "missing": sku in missing,
        }
        for line in found
    ]


def _codes(shown: Order) -> list[tuple[str, str]]:
    """Coupon codes, each with why it was not accepted."""
    reasons = {one["code"]: one["reason"] for one in shown.coupon_problems}
    labels = dict(CouponProblem.choices)
    return [(code, str(labels.get(reasons.get(code, ""), ""))) for code in shown.coupons]
