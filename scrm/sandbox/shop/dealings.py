"""What customers and the shop-keeper do: cart, order, payment, parcel, invoice, refund. Each is in the record together with the
webhook that tells it."""

import hashlib
import json
import re
import secrets
import sqlite3
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from scrm.lib import clock
from scrm.sandbox import people, store
from scrm.sandbox.shop import hooks
from scrm.sandbox.shop.catalogue import PRODUCTS, Product

BY_SKU = {product.sku: product for product in PRODUCTS}
STOCK = 50
COUPON = re.compile(r"[2-9A-HJ-NP-Z]{6,20}")
COUPON_VALUE, COUPON_FROM = 20, 199
"""The shop takes any code of the company's form; whether it is good, the product tells."""
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MOST = 20


class CannotDeal(ValueError):
    """Not possible now; the text says why."""


def push_catalogue() -> None:
    """Tell the product everything the shop sells."""
    with store.transaction():
        for product in PRODUCTS:
            store.run("insert or ignore into shop_stock values (?, ?, 1)", product.sku, STOCK)
            stock = store.row("select * from shop_stock where sku = ?", product.sku)
            hooks.queue("product.updated", {**_told(product), "stock": stock["stock"], "version": stock["version"]})


def _told(product: Product) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "price": f"{product.price}.00",
        "currency": "CNY",
        "url": f"{settings.PUBLIC_URL}/shop/p/{product.slug}/",
        "active": True,
    }


def customer(openid: str, email: str = "") -> dict[str, Any]:
    """The shop's own account of a person."""
    who = people.person(openid)
    number = "C" + hashlib.sha256(openid.encode()).hexdigest()[:8].upper()
    email = email or known_email(openid)
    return {"id": number, "name": who["name"], "city": who["city"]} | ({"email": email} if email else {})


def known_email(openid: str) -> str:
    """With what the person ordered before; the shop knows nobody else."""
    return store.value("select email from shop_order where openid = ? order by id desc", openid) or ""


def cart(openid: str) -> list[dict[str, Any]]:
    held = store.value("select lines from cart where openid = ?", openid)
    return json.loads(held) if held else []


def cart_number(openid: str) -> str:
    return store.value("select number from cart where openid = ?", openid) or ""


def goods(lines: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(line["price"]) * line["quantity"] for line in lines), Decimal(0))


def put(openid: str, sku: str, quantity: int) -> list[dict[str, Any]]:
    """So many pieces of a product in the cart; 0 takes it out. Who has an account is told by webhook, others by the tracker."""
    if sku not in BY_SKU or not 0 <= quantity <= MOST:
        raise CannotDeal(f"a known sku, and 0 to {MOST} pieces")
    product = BY_SKU[sku]
    with store.transaction():
        lines = [line for line in cart(openid) if line["sku"] != sku]
        if quantity:
            lines.append({"sku": sku, "name": product.name, "quantity": quantity, "price": f"{product.price}.00"})
        number = cart_number(openid) or f"K{secrets.token_hex(5).upper()}"
        store.run(
            "insert into cart values (?, ?, ?, ?) on conflict (openid) do update set lines = excluded.lines, at = excluded.at",
            openid,
            number,
            json.dumps(lines, ensure_ascii=False),
            clock.now().timestamp(),
        )
        if known_email(openid):
            hooks.queue("cart.updated", cart_told(openid) | {"customer": customer(openid)}, openid)
        people.note(openid, "cart", product.name)
    return lines


def cart_told(openid: str) -> dict[str, Any]:
    lines = cart(openid)
    url = f"{settings.PUBLIC_URL}/shop/cart/"
    return {
        "cart_id": cart_number(openid),
        "total": f"{goods(lines):.2f}",
        "currency": "CNY",
        "url": url,
        "lines": lines,
    }


def place(openid: str, email: str, coupon: str = "") -> sqlite3.Row:
    """An order of what is in the cart, which is then empty."""
    email, coupon = email.strip().lower(), coupon.strip().upper()
    with store.transaction():
        lines = cart(openid)
        if not lines:
            raise CannotDeal(_("The cart is empty."))
        if not EMAIL.fullmatch(email):
            raise CannotDeal(_("This does not look like an e-mail address."))
        if coupon and not COUPON.fullmatch(coupon):
            raise CannotDeal(_("This is no code of our shop."))
        worth = goods(lines)
        discount = COUPON_VALUE if coupon and worth >= COUPON_FROM else 0
        if coupon and not discount:
            raise CannotDeal(_("The coupon is for orders from %s yuan.") % COUPON_FROM)
        key = store.add(
            "shop_order",
            number=f"SY{clock.now():%y%m%d}{secrets.token_hex(3).upper()}",
            openid=openid,
            email=email,
            cart=cart_number(openid),
            lines=json.dumps(lines, ensure_ascii=False),
            goods=float(worth),
            discount=discount,
            total=float(worth - discount),
            coupon=coupon,
            **store.stamps(),
        )
        store.run("delete from cart where openid = ?", openid)
        row = store.row("select * from shop_order where id = ?", key)
        _take_stock(lines)
        hooks.queue("order.placed", _order(row) | _terms(row), openid)
        people.note(openid, "order", row["number"])
    return row


def _take_stock(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        store.run("insert or ignore into shop_stock values (?, ?, 1)", line["sku"], STOCK)
        store.run(
            "update shop_stock set stock = stock - ?, version = version + 1 where sku = ?",
            line["quantity"],
            line["sku"],
        )
        kept = store.row("select * from shop_stock where sku = ?", line["sku"])
        hooks.queue("product.stock_changed", {"sku": line["sku"], "stock": kept["stock"], "version": kept["version"]})


def order(number: str) -> sqlite3.Row:
    found = store.row("select * from shop_order where number = ?", number)
    if found is None:
        raise CannotDeal(f"no order {number}")
    return found


def _order(row: sqlite3.Row) -> dict[str, Any]:
    return {"order_id": row["number"], "customer": customer(row["openid"], row["email"])}


def _terms(row: sqlite3.Row) -> dict[str, Any]:
    told: dict[str, Any] = {
        "total": f"{row['total']:.2f}",
        "currency": "CNY",
        "discount": f"{row['discount']:.2f}",
        "lines": json.loads(row["lines"]),
        "cart_id": row["cart"],
        "url": f"{settings.PUBLIC_URL}/shop/orders/{row['number']}/",
    }
    return told | ({"coupons": [row["coupon"]]} if row["coupon"] else {})


def steps(row: sqlite3.Row) -> list[str]:
    """What can be done with the order now."""
    if row["cancelled"]:
        return []
    if not row["paid"]:
        return ["pay", "cancel"]
    able = [] if row["shipped"] else ["ship"]
    able += ["deliver"] if row["shipped"] and not row["delivered"] else []
    able += [] if row["invoiced"] else ["invoice"]
    return able + (["refund"] if row["refunded"] < row["total"] else [])


def deal(number: str, step: str, amount: str = "") -> sqlite3.Row:
    """``step``: pay, ship, deliver, invoice, cancel, or refund of ``amount`` (empty: what is left)."""
    with store.transaction():
        row = order(number)
        if step not in steps(row):
            raise CannotDeal(_("That is not possible now."))
        if step == "refund":
            told = _refund(row, amount)
        else:
            column = _STEPS[step][0]
            store.run(f"update shop_order set {column} = ? where id = ?", clock.now().timestamp(), row["id"])
            told = _MORE[step](row) if step in _MORE else {}
        hooks.queue(_STEPS[step][1], _order(row) | told, row["openid"])
        people.note(row["openid"], step, number)
        return order(number)


def _refund(row: sqlite3.Row, amount: str) -> dict[str, Any]:
    left = Decimal(str(row["total"])) - Decimal(str(row["refunded"]))
    try:
        wanted = Decimal(amount.strip()) if amount.strip() else left
    except InvalidOperation:
        raise CannotDeal(_("An amount is needed.")) from None
    if not Decimal("0.01") <= wanted <= left:
        raise CannotDeal(_("An amount from 0.01 to %s.") % f"{left:.2f}")
    store.run("update shop_order set refunded = refunded + ? where id = ?", float(wanted), row["id"])
    return {"refund_id": f"R{secrets.token_hex(4).upper()}", "amount": f"{wanted:.2f}", "currency": "CNY"}


_STEPS = {
    "pay": ("paid", "order.paid"),
    "ship": ("shipped", "order.shipped"),
    "deliver": ("delivered", "order.delivered"),
    "invoice": ("invoiced", "order.invoiced"),
    "cancel": ("cancelled", "order.cancelled"),
    "refund": ("refunded", "order.refunded"),
}
_MORE = {
    "pay": _terms,
    "ship": lambda row: {"carrier": "顺丰速运", "tracking_number": f"SF{1_000_000 + row['id']}"},
    "invoice": lambda row: {"invoice_number": f"FP{2_000_000 + row['id']}"},
    "cancel": lambda row: {"reason": "客户取消"},
}
