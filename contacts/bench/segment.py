"""Twelve rules as the builder writes them, against the best SQL a person would write for each."""

import statistics
import time
from datetime import timedelta
from typing import Any

from django.db import connection

from contacts import segments
from contacts.bench.data import NOW, load
from scrm.core.benching import Scale

Rule = dict[str, Any]
_LIVE = "c.merged_into_id IS NULL"


def run(scale: Scale) -> dict:
    """ratio: our seconds over the hand-written seconds, summed over the rules (smaller is better); worst: of rules above 20 ms."""
    load(scale.pick(50_000, 1_000_000), scale.pick(500_000, 10_000_000))
    rounds, ratios, sums = scale.pick(5, 5), {}, [0.0, 0.0]
    for name, rule, sql, params in cases():
        ours_sql, ours_params = segments.ids_sql(rule, NOW)
        ours_sql = f"SELECT count(*) FROM ({ours_sql}) found"
        if (one := _ask(ours_sql, ours_params)[0]) != (two := _ask(sql, params)[0]):
            raise AssertionError(f"{name}: {one} contacts by the rule, {two} by hand")
        pairs = []
        for _round in range(rounds):
            before, ours, after = _ask(sql, params)[1], _ask(ours_sql, ours_params)[1], _ask(sql, params)[1]
            pairs.append((ours, (before + after) / 2))
        ours, by_hand = (statistics.median(pair[n] for pair in pairs) for n in (0, 1))
        ratios[name] = {
            "n": one,
            "ours_ms": round(ours * 1000, 1),
            "hand_ms": round(by_hand * 1000, 1),
            "ratio": round(ours / by_hand, 2),
        }
        sums[0] += ours
        sums[1] += by_hand
    slow = {name: found["ratio"] for name, found in ratios.items() if found["hand_ms"] > 20}
    return {
        "ours": round(sums[0], 3),
        "limit": round(sums[1], 3),
        "unit": "seconds for 12 rules",
        "ratio": round(sums[0] / sums[1], 3),
        "worst": max(slow.values(), default=None),
        "limit_is": "hand-written SQL",
        "reach": [1.15, 1.25],
        "rules": ratios,
    }


def _ask(sql: str, params: Any) -> tuple[int, float]:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchone()[0]
    return found, time.perf_counter() - started


def _attribute(name: str, op: str, value: Any) -> Rule:
    return {"kind": "attribute", "name": name, "op": op, "value": value}


def _did(event: str, value: int = 1, **more: Any) -> Rule:
    return {"kind": "event", "event": event, "measure": "count", "op": "gte", "value": value, **more}


def _since(days: int):
    return NOW - timedelta(days=days)


def cases() -> list[tuple[str, Rule, str, Any]]:
    """Name, rule, hand-written SQL that counts the same contacts, its parameters."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id) FROM contacts_tag")
        tag = cursor.fetchone()[0]
    city, zh = _attribute("city", "eq", "杭州"), _attribute("language", "eq", "zh")
    seen = "SELECT contact_id FROM contacts_event WHERE kind = 'product_viewed' AND occurred_at BETWEEN %s AND %s"
    shoes = seen + " AND properties ->> 'category' = 'running-shoes'"
    category = [{"property": "category", "op": "eq", "value": "running-shoes"}]
    live = f"SELECT count(*) FROM contacts_contact c WHERE {_LIVE}"
    return [
        ("attributes", {"all": [city, zh]}, f"{live} AND c.city = '杭州' AND c.language = 'zh'", []),
        (
            "recent",
            _attribute("last_seen_at", "last_days", 30),
            f"{live} AND c.last_seen_at BETWEEN %s AND %s",
            [_since(30), NOW],
        ),
        (
            "tag and city",
            {"all": [{"kind": "tag", "tags": [tag]}, city]},
            f"{live} AND c.city = '杭州' AND EXISTS (SELECT FROM contacts_tagging t WHERE t.contact_id = c.id AND t.tag_id = %s)",
            [tag],
        ),
        (
            "viewed",
            _did("product_viewed", days=30),
            f"SELECT count(DISTINCT contact_id) FROM ({seen}) e",
            [_since(30), NOW],
        ),
        (
            "viewed shoes 3 times",
            _did("product_viewed", 3, days=60, where=category),
            f"SELECT count(*) FROM ({shoes} GROUP BY contact_id HAVING count(*) >= 3) e",
            [_since(60), NOW],
        ),
        (
            "viewed and lives in",
            {"all": [_did("product_viewed", days=30), city, zh]},
            f"{live} AND c.city = '杭州' AND c.language = 'zh' AND c.id IN ({seen})",
            [_since(30), NOW],
        ),
        (
            "viewed, not written",
            {"all": [_did("product_viewed", days=30), {"not": _did("message_in", days=90)}]},
            f"SELECT count(*) FROM (SELECT DISTINCT contact_id FROM ({seen}) s) v WHERE NOT EXISTS (SELECT FROM contacts_event m"
            " WHERE m.contact_id = v.contact_id AND m.kind = 'message_in' AND m.occurred_at BETWEEN %s AND %s)",
            [_since(30), NOW, _since(90), NOW],
        ),
        (
            "silent",
            {"all": [_attribute("known", "eq", True), {"not": _did("page_viewed", days=14)}]},
            f"{live} AND c.known AND NOT EXISTS (SELECT FROM contacts_event m WHERE m.contact_id = c.id"
            " AND m.kind = 'page_viewed' AND m.occurred_at BETWEEN %s AND %s)",
            [_since(14), NOW],
        ),
        (
            "either event",
            {"any": [_did("form_submitted", days=90), _did("message_clicked", 2, days=90)]},
            "SELECT count(*) FROM (SELECT contact_id FROM contacts_event WHERE kind = 'form_submitted' AND occurred_at"
            " BETWEEN %s AND %s UNION (SELECT contact_id FROM contacts_event WHERE kind = 'message_clicked' AND occurred_at"
            " BETWEEN %s AND %s GROUP BY contact_id HAVING count(*) >= 2)) e",
            [_since(90), NOW, _since(90), NOW],
        ),
        (
            "seldom",
            {"all": [_did("page_viewed", 1, days=90, op="lte"), {"kind": "stage", "stages": ["repeat", "loyal"]}]},
            f"SELECT count(*) FROM (SELECT c.id FROM contacts_contact c WHERE {_LIVE} AND c.stage IN ('repeat', 'loyal') EXCEPT"
            " SELECT contact_id FROM contacts_event WHERE kind = 'page_viewed' AND occurred_at BETWEEN %s AND %s"
            " GROUP BY contact_id HAVING count(*) > 1) e",
            [_since(90), NOW],
        ),
        (
            "buyers who can be reached",
            {
                "all": [
                    {"kind": "order", "measure": "sum", "op": "gte", "value": 300},
                    {"kind": "consent", "channel": "email", "state": "granted"},
                    {"kind": "identity", "identity": "email", "state": "reachable"},
                ]
            },
            f"{live} AND c.order_total >= 300 AND EXISTS (SELECT FROM contacts_consent k WHERE k.contact_id = c.id AND"
            " k.channel = 'email' AND k.purpose = 'marketing' AND k.state = 'granted') AND EXISTS (SELECT FROM contacts_identity i"
            " WHERE i.contact_id = c.id AND i.kind = 'email' AND i.reachable)",
            [],
        ),
        (
            "nested",
            {
                "all": [
                    {"any": [city, _attribute("city", "eq", "上海"), {"kind": "tag", "tags": [tag + 1, tag + 2]}]},
                    {"any": [_did("product_viewed", 2, days=60), _did("form_submitted", days=60)]},
                    {"not": {"kind": "tag", "tags": [tag + 3]}},
                ]
            },
            "SELECT count(*) FROM (((SELECT c.id FROM contacts_contact c WHERE merged_into_id IS NULL"
            " AND c.city IN ('杭州', '上海')"
            " UNION SELECT contact_id FROM contacts_tagging WHERE tag_id IN (%s, %s)) INTERSECT (SELECT contact_id FROM"
            " contacts_event WHERE kind = 'product_viewed' AND occurred_at BETWEEN %s AND %s GROUP BY contact_id"
            " HAVING count(*) >= 2 UNION SELECT contact_id FROM contacts_event WHERE kind = 'form_submitted' AND occurred_at"
            " BETWEEN %s AND %s)) EXCEPT SELECT contact_id FROM contacts_tagging WHERE tag_id = %s) e",
            [tag + 1, tag + 2, _since(60), NOW, _since(60), NOW, tag + 3],
        ),
    ]
