"""What an order system tells, as events of a customer and as products."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson

from channels_ingest.connectors.base import Parsed, Raw
from channels_ingest.connectors.web import clean
from channels_ingest.enums import BadReason
from channels_ingest.models import Channel
from contacts import catalogue
from contacts.enums import ChannelKind, EventKind, IdentityKind, Trust
from contacts.identity import normalise
from contacts.intake import Handle, Incoming
from contacts.log.orders import amount_of

Data = dict[str, Any]
ORDERS = {
    "order.placed": EventKind.ORDER_PLACED,
    "order.paid": EventKind.ORDER_PAID,
    "order.shipped": EventKind.ORDER_SHIPPED,
    "order.delivered": EventKind.ORDER_DELIVERED,
    "order.invoiced": EventKind.ORDER_INVOICED,
    "order.cancelled": EventKind.ORDER_CANCELLED,
    "order.refunded": EventKind.ORDER_REFUNDED,
}
PRODUCTS = {"product.updated", "product.deleted", "product.stock_changed"}
KNOWN = {"customer.updated", "cart.updated", *ORDERS, *PRODUCTS}
_ONCE = {EventKind.ORDER_PLACED, EventKind.ORDER_PAID, EventKind.ORDER_CANCELLED}
"""Happen once to an order: told again under another webhook-id they are the same event."""
MOST_LINES = 2000
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_TRAITS = {"name", "language", "time_zone", "region", "city"}
_HELD_APART = {"customer", "lines", "coupons", "order_id"}
_MOST_VERSION = 2**63 - 1


def shape_problem(given: Any) -> str:
    """Why this is no webhook of ours; "" when it is one. Unknown types are taken as they are."""
    if not isinstance(given, dict):
        return "not an object"
    kind, data = given.get("type"), given.get("data")
    if not isinstance(kind, str) or not kind.strip():
        return "type is needed"
    if not isinstance(data, dict):
        return "data must be an object"
    if kind not in KNOWN:
        return ""
    if "timestamp" in given and _time(given["timestamp"]) is None:
        return "timestamp must be an ISO 8601 time"
    return _product_problem(kind, data) if kind in PRODUCTS else _customer_problem(kind, data)


def _product_problem(kind: str, data: Data) -> str:
    if not _id(data.get("sku"), 80):
        return "data.sku is needed, at most 80 characters"
    if kind == "product.stock_changed" and _stock(data.get("stock")) is None:
        return "data.stock must be a whole number"
    return "data.name is needed" if kind == "product.updated" and not _id(data.get("name"), 200) else ""


def _customer_problem(kind: str, data: Data) -> str:
    customer = data if kind == "customer.updated" else data.get("customer")
    if not isinstance(customer, dict) or not _points(customer):
        where = "data" if kind == "customer.updated" else "data.customer"
        return f"{where} needs an id, a phone or an email"
    if kind in ORDERS and not _id(data.get("order_id"), 120):
        return "data.order_id is needed, at most 120 characters"
    if kind == "cart.updated" and not _id(data.get("cart_id"), 120):
        return "data.cart_id is needed, at most 120 characters"
    if "lines" in data and not isinstance(data["lines"], list):
        return "data.lines must be a list"
    if kind == "order.refunded" and data.get("amount") is not None and amount_of(data["amount"]) is None:
        return "data.amount must be a number"
    if kind in ORDERS and data.get("total") is not None and amount_of(data["total"]) is None:
        return "data.total must be a number"
    if kind == "order.paid" and data.get("total") is None:
        return "data.total is needed"
    return ""


def parse(channel: Channel, raw: Raw) -> Parsed:
    body = orjson.loads(raw.body)
    if problem := shape_problem(body):
        raise ValueError(problem)  # the edge let nothing of the kind in
    kind, data = body["type"], body["data"]
    if kind not in KNOWN:
        return Parsed(odd=[(BadReason.UNKNOWN_EVENT, clean.text(kind, 80), orjson.dumps(body).decode()[:600])])
    moment = max(min(_time(body.get("timestamp")) or raw.business_at, raw.business_at), _EARLIEST)
    if kind in PRODUCTS:
        return Parsed(products=[_product(channel, kind, data, moment)])
    told, properties, customer = _told(kind, data)
    if told == EventKind.ORDER_REFUNDED:
        properties["refund_id"] = properties.get("refund_id") or str(raw.notes.get("id") or raw.id)
    return Parsed(
        incoming=[
            Incoming(
                kind=told,
                channel=ChannelKind.SHOP,
                occurred_at=moment,
                account_id=channel.pk,
                external_id=_external_id(told, properties, str(raw.notes.get("id") or raw.id)),
                handles=_handles(channel, customer),
                properties=properties,
                traits=_traits(customer),
                source={"kind": "order", "label": channel.name, "account_id": channel.pk},
            )
        ]
    )


def _told(kind: str, data: Data) -> tuple[str, Data, Data]:
    """Kind of event, its properties, the customer."""
    if kind == "customer.updated":
        return EventKind.IDENTIFIED, {"by": "server key"}, data
    properties = clean.values({name: value for name, value in data.items() if name not in _HELD_APART})
    for name in ("order_id", "cart_id", "refund_id"):
        if data.get(name) is not None:
            properties[name] = _id(data[name], 120)
    if kind == "order.shipped":
        properties["parcel_id"] = _id(data.get("tracking_number"), 120) or properties["order_id"]
    if isinstance(data.get("lines"), list):
        properties["lines"] = [_line(line) for line in data["lines"][:MOST_LINES] if isinstance(line, dict)]
    if isinstance(data.get("coupons"), list):
        properties["coupons"] = [clean.text(code, 40) for code in data["coupons"][:20] if isinstance(code, str)]
    return ORDERS.get(kind, EventKind.CART_UPDATED), properties, data["customer"]


def _external_id(kind: str, properties: Data, webhook_id: str) -> str:
    if kind in _ONCE:
        return f"{kind}:{properties['order_id']}"
    if kind == EventKind.ORDER_REFUNDED and properties.get("refund_id"):
        return f"{kind}:{properties['order_id']}:{properties['refund_id']}"
    return f"w:{webhook_id}"


def _line(line: Data) -> Data:
    return {
        "sku": _id(line.get("sku"), 80),
        "name": clean.text(str(line.get("name") or ""), 200),
        "quantity": line["quantity"] if isinstance(line.get("quantity"), int | float) else 1,
        "price": str(amount_of(line.get("price")) or 0),
    }


def _handles(channel: Channel, customer: Data) -> list[Handle]:
    """The server's signature makes them verified."""
    handles = []
    for kind, value in _points(customer):
        scope = channel.pk if kind == IdentityKind.CUSTOMER else 0
        handles.append(Handle(kind, value, scope=scope, trust=Trust.VERIFIED))
    if (weibo := _id(customer.get("weibo_uid"), 40)) and weibo.isdigit():
        handles.append(Handle(IdentityKind.WEIBO_UID, weibo, trust=Trust.VERIFIED))
    return handles


def _points(customer: Data) -> list[tuple[str, str]]:
    found = [(str(IdentityKind.CUSTOMER), _id(customer.get("id"), 120))]
    for kind, name in ((IdentityKind.PHONE, "phone"), (IdentityKind.EMAIL, "email")):
        value = customer.get(name)
        found.append((str(kind), normalise(kind, str(value)) or "" if isinstance(value, str | int) else ""))
    return [(kind, value) for kind, value in found if value]


def _traits(customer: Data) -> Data:
    given = customer.get("attributes")
    traits = {name: clean.text(customer[name], 120) for name in _TRAITS if isinstance(customer.get(name), str)}
    for name, value in list(given.items())[:50] if isinstance(given, dict) else []:
        if isinstance(value, str | int | float | bool) and not clean.handle_kind(name) and name not in _TRAITS:
            traits[clean.text(name, 60)] = clean.values(value)
    return {name: value for name, value in traits.items() if value != ""}


def _product(channel: Channel, kind: str, data: Data, moment: datetime) -> catalogue.Told:
    at = _time(data.get("updated_at")) or moment
    version = data.get("version")
    return catalogue.Told(
        account_id=channel.pk,
        sku=_id(data["sku"], 80),
        at=max(at, _EARLIEST),
        version=version if isinstance(version, int) and 0 <= version <= _MOST_VERSION else 0,
        whole=kind != "product.stock_changed",
        name=clean.text(_id(data.get("name"), 200) or _id(data["sku"], 80), 200),
        category=clean.text(str(data.get("category") or ""), 80),
        price=_price(data.get("price")),
        currency=(str(data.get("currency") or "CNY").upper() + "   ")[:3].strip() or "CNY",
        image_url=_url(data.get("image_url")),
        url=_url(data.get("url")),
        active=kind == "product.updated" and data.get("active") is not False,
        stock=_stock(data.get("stock")),
    )


def _price(value: Any) -> Decimal | None:
    amount = amount_of(value)
    return amount if amount is not None and amount >= 0 else None


def _stock(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return int(max(min(value, 2**31 - 1), -(2**31)))


def _url(value: Any) -> str:
    """Pages link to it: http and https only."""
    if not isinstance(value, str) or len(value) > 500:
        return ""
    try:
        return value if urlsplit(value).scheme in {"http", "https"} and urlsplit(value).netloc else ""
    except ValueError:
        return ""


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _id(value: Any, longest: int) -> str:
    """An id or a name as text; absent or too long: ""."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    told = str(value).replace("\0", "").strip()
    return told if len(told) <= longest else ""


_CUSTOMER = {"id": "C-1001", "email": "lin@example.com", "phone": "13800138000", "name": "Lin"}
_LINES = [{"sku": "RS-101", "name": "Cloud Trail 3", "quantity": 1, "price": "699.00"}]
_SHAPES: list[tuple[str, Data]] = [
    ("customer.updated", {**_CUSTOMER, "city": "Hangzhou", "attributes": {"level": "gold"}}),
    (
        "product.updated",
        {
            "sku": "RS-101", "name": "Cloud Trail 3", "category": "running-shoes", "price": "699.00", "currency": "CNY",
            "stock": 12, "image_url": "https://shop.example.com/rs-101.jpg", "url": "https://shop.example.com/rs-101",
            "active": True, "version": 7,
        },
    ),
    ("product.stock_changed", {"sku": "RS-101", "stock": 11, "version": 8}),
    ("product.deleted", {"sku": "RS-101", "version": 9}),
    ("cart.updated", {"cart_id": "K-77", "customer": _CUSTOMER, "total": "699.00", "lines": _LINES}),
    ("order.placed", {"order_id": "SO-9", "customer": _CUSTOMER, "total": "679.00", "lines": _LINES}),
    (
        "order.paid",
        {
            "order_id": "SO-9", "customer": _CUSTOMER, "total": "679.00", "currency": "CNY", "discount": "20.00",
            "coupons": ["ABCD2345EF"], "lines": _LINES,
        },
    ),
    ("order.shipped", {"order_id": "SO-9", "customer": {"id": "C-1001"}, "carrier": "SF", "tracking_number": "SF100"}),
    ("order.delivered", {"order_id": "SO-9", "customer": {"id": "C-1001"}}),
    ("order.invoiced", {"order_id": "SO-9", "customer": {"id": "C-1001"}, "invoice_number": "2026-0099"}),
    (
        "order.refunded",
        {"order_id": "SO-9", "customer": {"id": "C-1001"}, "refund_id": "R-1", "amount": "100.00", "reason": "size"},
    ),
    ("order.cancelled", {"order_id": "SO-9", "customer": {"id": "C-1001"}, "reason": "not paid"}),
]  # fmt: skip


def examples() -> list[tuple[str, str]]:
    """(type, body) of every known type, as the settings page shows them."""
    told = "2026-05-20T12:00:00+08:00"
    return [
        (kind, orjson.dumps({"type": kind, "timestamp": told, "data": data}, option=orjson.OPT_INDENT_2).decode())
        for kind, data in _SHAPES
    ]
