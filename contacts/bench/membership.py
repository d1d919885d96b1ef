"""Ten segments for ten thousand contacts that changed, against evaluating them for everybody."""

import time

from contacts import segments
from contacts.bench.data import NOW, load
from contacts.bench.segment import cases
from scrm.core.benching import Scale


def run(scale: Scale) -> dict:
    """ratio: seconds for the changed over seconds for all (smaller is better)."""
    contacts = scale.pick(60_000, 1_000_000)
    load(contacts, contacts * 10)
    changed = list(range(1, contacts, contacts // scale.pick(600, 10_000)))
    rules = [rule for _name, rule, _sql, _params in cases()][:10]
    ratios, ours, full = [], [], []
    for _round in range(scale.pick(3, 5)):
        before, now, after = _all(rules), _some(rules, changed), _all(rules)
        ours.append(now)
        full.append((before + after) / 2)
        ratios.append(ours[-1] / full[-1])
    middle = len(ratios) // 2
    return {
        "ours": round(sorted(ours)[middle], 3),
        "limit": round(sorted(full)[middle], 3),
        "unit": f"seconds for {len(changed)} of {contacts} contacts, 10 segments",
        "ratio": round(sorted(ratios)[middle], 3),
        "limit_is": "evaluation for everybody",
        "reach": 0.25,
    }


def _all(rules: list) -> float:
    started = time.perf_counter()
    for rule in rules:
        segments.count(rule, now=NOW)
    return time.perf_counter() - started


def _some(rules: list, changed: list[int]) -> float:
    started = time.perf_counter()
    for rule in rules:
        segments.matching(rule, changed, NOW)
    return time.perf_counter() - started
