"""Orders and coupons: the shop's own books beside ours."""

import json
from collections import Counter, defaultdict
from decimal import Decimal

from tests.chaos.checks import Check, Verdict
from tests.chaos.record import Database, Record

_KINDS = (
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.delivered",
    "order.invoiced",
    "order.cancelled",
    "order.refunded",
)


class Webhooks(Check):
    name = "shop: every webhook that was answered is one event"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        told: Counter = Counter()
        acked: Counter = Counter()
        for row in record.tables["hooks"]:
            if row["type"] in _KINDS:
                key = row["type"].replace(".", "_"), json.loads(row["body"])["data"]["order_id"]
                told[key] += 1
                acked[key] += row["state"] == "done"
        statement = """
            select kind, properties->>'order_id', count(*) from contacts_event
             where kind = any(%s) and id > %s and account_id = (select id from channels_ingest_channel where kind = 'webhook')
             group by 1, 2"""
        stored = {
            (kind, number): count
            for kind, number, count in base.rows(statement, [k.replace(".", "_") for k in _KINDS], base.floor)
        }
        for key, most in told.items():
            found = stored.get(key, 0)
            verdict.expect(
                acked[key] <= found <= most, f"{key}: {most} told, {acked[key]} acknowledged, {found} events"
            )
        verdict.expect(not set(stored) - set(told), f"unheard of: {list(set(stored) - set(told))[:3]}")
        verdict.facts.append(f"{sum(told.values())} webhooks of orders, {sum(acked.values())} acknowledged")


class Orders(Check):
    name = "shop: totals and refunds are right, and so is what customers spent"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        statement = """
            select external_id, contact_id, total, refunded, paid_at is not null, cancelled_at is not null, shipped_at is not null, counts
              from contacts_order where account_id = (select id from channels_ingest_channel where kind = 'webhook')"""
        ours = {row[0]: row[1:] for row in base.rows(statement)}
        told = {
            json.loads(row["body"])["data"].get("order_id") for row in record.tables["hooks"] if row["state"] != "done"
        }
        spent: dict[int, Decimal] = defaultdict(Decimal)
        count: Counter = Counter()
        for row in record.tables["orders"]:
            if row["number"] in told:
                continue  # the shop could not tell everything
            if row["number"] not in ours:
                verdict.problems.append(f"{row['number']} is missing")
                continue
            _contact, total, refunded, paid, cancelled, shipped, _counts = ours[row["number"]]
            facts = (total, refunded, paid, cancelled, shipped)
            wanted = (
                _money(row["total"]),
                _money(row["refunded"]),
                bool(row["paid"]),
                bool(row["cancelled"]),
                bool(row["shipped"]),
            )
            verdict.expect(facts == wanted, f"{row['number']}: ours {facts}, the shop's {wanted}")
        for contact, total, refunded, paid, cancelled, _shipped, counts in ours.values():
            verdict.expect(
                counts == (paid and not cancelled and refunded < total), f"counts wrongly: {contact} {total} {refunded}"
            )
        statement = """select contact_id, count(*), sum(total - refunded) from contacts_order
             where paid_at is not null and cancelled_at is null and (refunded < total or total = 0) and counts group by 1"""
        for contact, number, money in base.rows(statement):
            spent[contact], count[contact] = money, number
        for contact, number, money in base.rows(
            "select id, order_count, order_total from contacts_contact where merged_into_id is null"
        ):
            verdict.expect(
                (number, money) == (count[contact], spent[contact]),
                f"contact {contact}: says {number}, {money}; orders say {count[contact]}, {spent[contact]}",
            )
        worth = sum(
            (
                _money(row["total"] - row["refunded"])
                for row in record.tables["orders"]
                if row["paid"] and not row["cancelled"]
            ),
            Decimal(0),
        )
        verdict.facts.append(f"{len(record.tables['orders'])} orders, {worth} net")


class Coupons(Check):
    name = "every coupon is redeemed at most once, for a paid order that brought it"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        brought: dict[str, list[str]] = defaultdict(list)
        for row in record.tables["orders"]:
            if row["coupon"] and row["paid"]:
                brought[row["coupon"]].append(row["number"])
        statement = """
            select c.code, c.state, o.external_id, (select count(*) from contacts_event e where e.kind = 'coupon_redeemed'
                   and (e.properties->>'coupon')::bigint = c.id) from campaigns_coupon c left join contacts_order o on o.id = c.order_id
             where c.issued_at >= %s"""
        redeemed = 0
        for code, state, number, told in base.rows(statement, record.began):
            used = state == "redeemed"
            redeemed += used
            verdict.expect(told == used, f"{code} is {state}, told {told} times")
            verdict.expect(
                not used or number in brought.get(code, []), f"{code} went to {number}, which did not bring it"
            )
            verdict.expect(used or code not in brought, f"{code} was brought by {brought.get(code)} and is {state}")
        for name, issued, kept in base.rows(
            "select b.name, b.issued, (select count(*) from campaigns_coupon c where c.batch_id = b.id) from campaigns_couponbatch b"
        ):
            verdict.expect(issued == kept, f"{name}: {issued} issued, {kept} there")
        twice = sum(len(numbers) > 1 for numbers in brought.values())
        verdict.facts.append(f"{len(brought)} brought ({twice} to two orders), {redeemed} redeemed")


def _money(amount: float) -> Decimal:
    return Decimal(str(amount)).quantize(Decimal("0.01"))


CHECKS: list[Check] = [Webhooks(), Orders(), Coupons()]
