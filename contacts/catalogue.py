"""Products as order systems tell them, a constant number of statements for any batch. Tellings come in any order and more than
once: the newest by (version, time) holds, for the product and for its stock apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from contacts.log import orders
from contacts.log.copying import array, stamps, text_array
from scrm.lib import clock


@dataclass(slots=True)
class Told:
    """One telling. ``whole``: everything about the product is told; False: only its stock."""

    account_id: int
    sku: str
    at: datetime
    version: int = 0
    whole: bool = True
    name: str = ""
    category: str = ""
    price: Decimal | None = None
    currency: str = "CNY"
    image_url: str = ""
    url: str = ""
    active: bool = True
    stock: int | None = None


def apply(told: Sequence[Told]) -> None:
    """Keep what is newer than what is known, and look again at orders that missed these products."""
    if not told:
        return
    with transaction.atomic():
        _take_whole([one for one in told if one.whole])
        _take_stock([one for one in told if one.stock is not None])
        _look_again(told)


def _take_whole(told: list[Told]) -> None:
    if not told:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_product AS p (account_id, sku, version, updated_at, name, category, price, currency,"
            " image_url, url, active, stock_version, created_at)"
            " SELECT DISTINCT ON (account_id, sku) account_id, sku, version, at, name, category, price, currency, image_url,"
            " url, active, 0, %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::numeric[],"
            " %s::text[], %s::text[], %s::text[], %s::boolean[]) WITH ORDINALITY"
            " AS t(account_id, sku, version, at, name, category, price, currency, image_url, url, active, n)"
            " ORDER BY account_id, sku, version DESC, at DESC, n DESC"
            " ON CONFLICT (account_id, sku) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at,"
            " name = excluded.name, category = excluded.category, price = excluded.price, currency = excluded.currency,"
            " image_url = excluded.image_url, url = excluded.url, active = excluded.active"
            " WHERE (excluded.version, excluded.updated_at) >= (p.version, COALESCE(p.updated_at, '-infinity'))",
            [
                clock.now(),
                array(one.account_id for one in told),
                text_array(one.sku for one in told),
                array(one.version for one in told),
                stamps(one.at for one in told),
                text_array(one.name for one in told),
                text_array(one.category for one in told),
                array(one.price for one in told),
                text_array(one.currency for one in told),
                text_array(one.image_url for one in told),
                text_array(one.url for one in told),
                array(one.active for one in told),
            ],
        )


def _take_stock(told: list[Told]) -> None:
    if not told:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_product AS p (account_id, sku, stock, stock_version, stock_at, name, category, currency,"
            " image_url, url, active, version, created_at)"
            " SELECT DISTINCT ON (account_id, sku) account_id, sku, stock, version, at, '', '', 'CNY', '', '', true, 0, %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::bigint[], %s::timestamptz[]) WITH ORDINALITY"
            " AS t(account_id, sku, stock, version, at, n) ORDER BY account_id, sku, version DESC, at DESC, n DESC"
            " ON CONFLICT (account_id, sku) DO UPDATE SET stock = excluded.stock,"
            " stock_version = excluded.stock_version, stock_at = excluded.stock_at"
            " WHERE (excluded.stock_version, excluded.stock_at) >= (p.stock_version, COALESCE(p.stock_at, '-infinity'))",
            [
                clock.now(),
                array(one.account_id for one in told),
                text_array(one.sku for one in told),
                array(one.stock for one in told),
                array(one.version for one in told),
                stamps(one.at for one in told),
            ],
        )


def _look_again(told: Sequence[Told]) -> None:
    accounts, skus = zip(*sorted({(one.account_id, one.sku) for one in told}), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT o.id FROM contacts_order o JOIN unnest(%s::bigint[], %s::text[]) AS t(account_id, sku)"
            " ON o.account_id = t.account_id AND t.sku = ANY(o.missing_skus) WHERE NOT o.problems = '{}'",
            [array(accounts), text_array(skus)],
        )
        waiting = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT id FROM contacts_order WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [waiting])
    if waiting:
        orders.derive(waiting)
