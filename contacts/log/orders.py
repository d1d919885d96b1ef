"""Orders from order events, a constant number of statements for any batch.

Events come in any order, split over any batches, told twice, with gaps. So each statement below is a join that does not care:
the earliest moment of each kind, the best telling of the terms, refunds by their number; everything else (state, refunded,
problems, whether it counts) is derived from those anew.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection

from contacts.enums import EventKind
from contacts.log import rollups
from contacts.log.copying import array, json_text, stamps, text_array
from contacts.log.incoming import Incoming

_TIMES = {
    EventKind.ORDER_PLACED: "ordered_at",
    EventKind.ORDER_PAID: "paid_at",
    EventKind.ORDER_SHIPPED: "shipped_at",
    EventKind.ORDER_DELIVERED: "delivered_at",
    EventKind.ORDER_INVOICED: "invoiced_at",
    EventKind.ORDER_CANCELLED: "cancelled_at",
}
KINDS = {*_TIMES, EventKind.ORDER_REFUNDED}
_RANKS = {EventKind.ORDER_PAID: 2, EventKind.ORDER_PLACED: 1}
_TERMS = ["contact_id", "terms_rank", "terms_at", "total", "currency", "quantity", "lines"]
_CENT = Decimal("0.01")
_MOST = Decimal("999999999999.99")
_MOST_COUPONS = 20

Act = tuple[Incoming, int, datetime]


def apply(acts: Sequence[Act]) -> None:
    """Order rows and the totals of their contacts. The contacts of the acts are locked by the caller."""
    acts = [act for act in acts if order_number(act[0])]
    if not acts:
        return
    owners = _lock_orders(acts)
    rows = _upsert(acts)
    _refund([act for act in acts if act[0].kind == EventKind.ORDER_REFUNDED], rows)
    derive(rows.values())
    totals(owners | {contact_id for _event, contact_id, _moment in acts}, locked={act[1] for act in acts})


def totals(contact_ids: Iterable[int], locked: Iterable[int] = ()) -> None:
    """order_count, order_total, first and last order of contacts, from their rows that count. Who is not ``locked`` yet is
    locked before the rows are read, so that two writers never leave a sum without the other's order."""
    wanted = set(contact_ids)
    if late := wanted - set(locked):
        rollups.lock(late)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact c SET order_count = t.n, order_total = t.total,"
            " first_order_at = t.first, last_order_at = t.last"
            " FROM (SELECT asked.id, count(o.id) AS n, COALESCE(sum(o.total - o.refunded), 0) AS total,"
            "   min(o.placed_at) AS first, max(o.placed_at) AS last"
            "   FROM unnest(%s::bigint[]) AS asked(id)"
            "   LEFT JOIN contacts_order o ON o.contact_id = asked.id AND o.counts GROUP BY asked.id) t"
            " WHERE c.id = t.id",
            [array(sorted(wanted))],
        )


def derive(order_ids: Iterable[int]) -> None:
    """What follows from an order's own columns, its refunds, its account's catalogue and the company's currency."""
    with connection.cursor() as cursor:
        cursor.execute(_DERIVE, [array(sorted(order_ids))])


def _lock_orders(acts: Sequence[Act]) -> set[int]:
    """Rows that stand already, locked in one order for all writers; the contacts that have them now."""
    accounts, numbers = zip(*sorted({(event.account_id, order_number(event)) for event, _c, _m in acts}), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.contact_id FROM contacts_order o JOIN unnest(%s::bigint[], %s::text[]) AS t(account_id, number)"
            " ON t.account_id = o.account_id AND t.number = o.external_id"
            " ORDER BY o.account_id, o.external_id FOR NO KEY UPDATE OF o",
            [array(accounts), text_array(numbers)],
        )
        return {row[0] for row in cursor.fetchall()}


def _upsert(acts: Sequence[Act]) -> dict[tuple[int, str], int]:
    """Ids of the orders by account and number."""
    told = [_told(*act) for act in acts]
    codes: dict[tuple[int, str], set[str]] = {}
    for (event, _contact, _moment), row in zip(acts, told, strict=True):
        codes.setdefault(row[:2], set()).update(coupon_codes(event))
    columns = list(zip(*told, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT,
            [
                array(columns[0]),
                text_array(columns[1]),
                array(columns[2]),
                array(columns[3]),
                stamps(columns[4]),
                text_array(columns[5]),
                array(columns[6]),
                text_array(columns[7]),
                array(columns[8]),
                text_array(columns[9]),
                text_array(json_text(sorted(codes[row[:2]])[:_MOST_COUPONS]) for row in told),
            ],
        )
        return {(account, number): pk for pk, account, number in cursor.fetchall()}


def _told(event: Incoming, contact_id: int, moment: datetime) -> tuple:
    """One row for the statement. An event of placing or payment that tells no amount tells no terms (rank 0)."""
    given = event.properties
    lines = given.get("lines") if isinstance(given.get("lines"), list) else []
    lines = [line for line in lines if isinstance(line, dict)]
    total = amount_of(given.get("total"))
    quantity = _whole(given.get("quantity"))
    if quantity is None:
        quantity = sum(_whole(line.get("quantity")) or 1 for line in lines)
    rank = _RANKS.get(event.kind, 0) if total is not None else 0
    return (
        event.account_id,
        order_number(event),
        contact_id,
        rank,
        moment,
        str(event.kind),
        total or Decimal(0),
        _currency(given.get("currency")),
        min(quantity, 2**31 - 1),
        json_text(lines if rank else []),
    )


def _refund(acts: Sequence[Act], rows: dict[tuple[int, str], int]) -> None:
    if not acts:
        return
    found = []
    for event, _contact, moment in acts:
        number = order_number(event)
        key = str(event.properties.get("refund_id") or "").replace("\0", "").strip()[:120]
        told = event.properties.get("amount")
        amount = amount_of(told)
        found.append((rows[event.account_id, number], key, amount, moment))
    ids, keys, amounts, moments = zip(*found, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_REFUND, [array(ids), text_array(keys), array(amounts), stamps(moments)])


def order_number(event: Incoming) -> str:
    return str(event.properties.get("order_id") or "").replace("\0", "").strip()[:120]


def coupon_codes(event: Incoming) -> set[str]:
    """Codes as they are compared: trimmed, upper case."""
    given = event.properties.get("coupons")
    if not isinstance(given, list):
        return set()
    codes = {str(code).replace("\0", "").strip().upper()[:40] for code in given if isinstance(code, str | int)}
    return codes - {""}


def amount_of(value: Any) -> Decimal | None:
    """An amount to the cent, negative ones too; None when it is absent or no number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation:
        return None
    return min(max(amount, -_MOST), _MOST).quantize(_CENT) if amount.is_finite() else None


def money(value: Any) -> Decimal | None:
    """The same, never negative."""
    amount = amount_of(value)
    return None if amount is None else max(amount, Decimal(0))


def _whole(value: Any) -> int | None:
    amount = money(value)
    return None if amount is None else int(min(amount, 2**31 - 1))


def _currency(value: Any) -> str:
    told = "".join(c for c in str(value or "").upper() if c.isascii() and c.isalpha())[:3]
    return told or "CNY"


_UPSERT = f"""
WITH told AS (
  SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::smallint[], %s::timestamptz[], %s::text[],
    %s::numeric[], %s::text[], %s::int[], %s::jsonb[], %s::jsonb[])
    AS t(account_id, external_id, contact_id, terms_rank, terms_at, kind, total, currency, quantity, lines, coupons)
), best AS (
  SELECT DISTINCT ON (account_id, external_id) account_id, external_id, coupons, {", ".join(_TERMS)} FROM told
  ORDER BY account_id, external_id, terms_rank DESC, terms_at, total DESC, currency, quantity DESC,
    lines::text COLLATE "C", contact_id
), times AS (
  SELECT account_id, external_id, min(terms_at) AS first,
    {", ".join(f"min(terms_at) FILTER (WHERE kind = '{kind.value}') AS {column}" for kind, column in _TIMES.items())}
  FROM told GROUP BY account_id, external_id
)
INSERT INTO contacts_order AS o (account_id, external_id, coupons, {", ".join(_TERMS)}, {", ".join(_TIMES.values())},
  placed_at, state, refunded, coupon_problems, missing_skus, problems, counts)
SELECT account_id, external_id, coupons, {", ".join(_TERMS)}, {", ".join(_TIMES.values())},
  first, 'incomplete', 0, '[]', '{{}}', '{{}}', false
FROM best JOIN times USING (account_id, external_id) ORDER BY account_id, external_id
ON CONFLICT (account_id, external_id) DO UPDATE SET
  {", ".join(f"{column} = LEAST(o.{column}, excluded.{column})" for column in _TIMES.values())},
  placed_at = LEAST(o.placed_at, excluded.placed_at),
  coupons = CASE WHEN excluded.coupons = '[]' THEN o.coupons ELSE (
    SELECT jsonb_agg(DISTINCT code ORDER BY code) FROM jsonb_array_elements(o.coupons || excluded.coupons) AS code) END,
  ({", ".join(_TERMS)}) = (SELECT {", ".join(f"t.{column}" for column in _TERMS)} FROM (
    VALUES ({", ".join(f"o.{column}" for column in _TERMS)}), ({", ".join(f"excluded.{column}" for column in _TERMS)})
    ) AS t({", ".join(_TERMS)})
    ORDER BY t.terms_rank DESC, t.terms_at, t.total DESC, t.currency, t.quantity DESC, t.lines::text COLLATE "C",
      t.contact_id LIMIT 1)
RETURNING id, account_id, external_id
"""

_REFUND = """
INSERT INTO contacts_refund AS r (order_id, key, amount, at)
SELECT DISTINCT ON (order_id, CASE WHEN key = '' THEN n::text ELSE 'k' || key END) order_id, key, amount, at
FROM unnest(%s::bigint[], %s::text[], %s::numeric[], %s::timestamptz[]) WITH ORDINALITY AS t(order_id, key, amount, at, n)
ORDER BY order_id, CASE WHEN key = '' THEN n::text ELSE 'k' || key END, at DESC, amount DESC NULLS FIRST
ON CONFLICT (order_id, key) WHERE NOT (key = '') DO UPDATE SET amount = excluded.amount, at = excluded.at
WHERE excluded.at > r.at OR (excluded.at = r.at AND r.amount IS NOT NULL
  AND (excluded.amount IS NULL OR excluded.amount > r.amount))
"""

_DERIVE = """
WITH company AS (
  SELECT COALESCE((SELECT currency FROM core_company WHERE id = 1),
    (SELECT currency FROM contacts_order WHERE terms_rank > 0 ORDER BY id LIMIT 1), 'CNY') AS currency
), facts AS (
  SELECT o.*, company.currency AS ours, GREATEST(o.total, 0) AS payable,
    COALESCE(r.sum, 0) AS back, COALESCE(r.whole, false) AS whole, COALESCE(r.odd, false) AS odd, r.last,
    r.number > 0 AS given_back, COALESCE(m.skus, '{}') AS missing
  FROM contacts_order o CROSS JOIN company
  CROSS JOIN LATERAL (SELECT count(*) AS number, sum(GREATEST(amount, 0)) AS sum, bool_or(amount IS NULL) AS whole,
    bool_or(amount < 0) AS odd, max(at) AS last FROM contacts_refund WHERE order_id = o.id) r
  CROSS JOIN LATERAL (SELECT array_agg(DISTINCT line->>'sku' ORDER BY line->>'sku') AS skus
    FROM jsonb_array_elements(o.lines) AS line WHERE jsonb_typeof(line) = 'object' AND line->>'sku' <> ''
    AND EXISTS (SELECT 1 FROM contacts_product p WHERE p.account_id = o.account_id)
    AND NOT EXISTS (SELECT 1 FROM contacts_product p WHERE p.account_id = o.account_id AND p.sku = line->>'sku')) m
  WHERE o.id = ANY(%s::bigint[])
), settled AS (
  SELECT *, CASE WHEN whole THEN payable ELSE LEAST(back, payable) END AS net_back,
    CASE WHEN terms_rank = 0 THEN 'incomplete' WHEN cancelled_at IS NOT NULL THEN 'cancelled'
      WHEN paid_at IS NULL THEN 'placed' WHEN whole OR (back > 0 AND back >= total) THEN 'refunded'
      WHEN back > 0 THEN 'part_refunded' ELSE 'paid' END AS becomes
  FROM facts
)
UPDATE contacts_order o SET state = s.becomes, refunded = s.net_back, refunded_at = s.last, missing_skus = s.missing,
  placed_at = COALESCE(LEAST(s.ordered_at, s.paid_at), s.placed_at),
  counts = s.becomes IN ('paid', 'part_refunded') AND s.total >= 0 AND s.currency = s.ours,
  problems = array_remove(ARRAY[
    CASE WHEN s.terms_rank = 0 THEN 'incomplete' END,
    CASE WHEN s.terms_rank > 0 AND s.currency <> s.ours THEN 'currency' END,
    CASE WHEN s.total < 0 THEN 'negative_total' END,
    CASE WHEN s.odd THEN 'negative_refund' END,
    CASE WHEN s.terms_rank > 0 AND s.back > s.payable THEN 'over_refunded' END,
    CASE WHEN s.terms_rank > 0 AND s.given_back AND s.paid_at IS NULL THEN 'refund_unpaid' END,
    CASE WHEN s.becomes = 'cancelled' AND s.paid_at IS NOT NULL AND s.net_back < s.payable
      THEN 'cancelled_unrefunded' END,
    CASE WHEN s.missing <> '{}' THEN 'unknown_product' END,
    CASE WHEN s.coupon_problems <> '[]' THEN 'coupon' END], NULL)
FROM settled s WHERE o.id = s.id
"""
