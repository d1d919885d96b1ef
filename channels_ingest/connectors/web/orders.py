"""Orders of the Segment ecommerce spec in the words of the order log (contacts.intake: order_paid, order_refunded)."""

from typing import Any

_DROPPED = {"products", "total", "revenue", "value", "order_id", "orderId", "currency", "quantity"}


def paid(given: dict[str, Any]) -> dict[str, Any]:
    """order_id, total (what was paid; without it the revenue, without that the lines), currency, quantity, lines."""
    lines = _lines(given.get("products"))
    total = next((given[name] for name in ("total", "revenue", "value") if given.get(name) is not None), None)
    if total is None:
        total = round(sum(_number(line["price"]) * _number(line["quantity"]) for line in lines), 2)
    told: dict[str, Any] = {"order_id": _order_id(given), "total": total, "lines": lines}
    if given.get("currency"):
        told["currency"] = str(given["currency"])
    if given.get("quantity") is not None:
        told["quantity"] = given["quantity"]
    return {**_rest(given), **told}


def cart(given: dict[str, Any]) -> dict[str, Any]:
    """What is in the cart, its worth, and cart_id when the site tells one."""
    lines = _lines(given.get("products"))
    total = given.get("total")
    if total is None:
        total = round(sum(_number(line["price"]) * _number(line["quantity"]) for line in lines), 2)
    return {name: value for name, value in given.items() if name != "products"} | {"total": total, "lines": lines}


def refunded(given: dict[str, Any]) -> dict[str, Any]:
    """order_id and the amount; without an amount or products it is the whole order."""
    told: dict[str, Any] = {"order_id": _order_id(given)}
    amount = next(
        (given[name] for name in ("amount", "total", "revenue", "value") if given.get(name) is not None), None
    )
    lines = _lines(given.get("products"))
    if amount is None and lines:
        amount = round(sum(_number(line["price"]) * _number(line["quantity"]) for line in lines), 2)
    if amount is not None:
        told["amount"] = amount
    return {**_rest(given), **told}


def _rest(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _DROPPED}


def _order_id(given: dict[str, Any]) -> str:
    return str(given.get("order_id") or given.get("orderId") or "")


def _lines(products: Any) -> list[dict[str, Any]]:
    if not isinstance(products, list):
        return []
    return [
        {
            "sku": str(product.get("sku") or product.get("product_id") or "")[:80],
            "name": str(product.get("name") or "")[:200],
            "quantity": product.get("quantity") or 1,
            "price": product.get("price") or 0,
        }
        for product in products
        if isinstance(product, dict)
    ]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
