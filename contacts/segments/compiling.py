"""Rule -> one SELECT of contact ids, by set operations.

AND is INTERSECT, OR is UNION, conditions on the contact's row share one WHERE, NOT is NOT EXISTS against the ungrouped leaf or
EXCEPT. Never a correlated group, never ``id IN`` per leaf: on a million contacts those are 1.8 to 13 times slower.
"""

from typing import Any

from contacts.segments.base import BrokenRule, Cond, IdSet, Params, Part, Scope, everybody
from contacts.segments.registry import leaf_of

Rule = dict[str, Any]


def select_ids(rule: Rule, scope: Scope) -> tuple[str, Params]:
    """SQL that selects ``contact_id`` of every living contact in the rule, each once. Raises BrokenRule."""
    part = compile_rule(rule, scope)
    if isinstance(part, Cond):
        return _rows([part], [], scope)
    part = _positive(part, scope)
    if part.distinct:
        return part.sql, part.params
    return f"SELECT DISTINCT contact_id FROM ({part.sql}) found", part.params


def compile_rule(rule: Rule, scope: Scope) -> Part:
    if not rule:
        return Cond("true")
    if "not" in rule:
        part = compile_rule(rule["not"], scope)
        return Cond(f"({part.sql}) IS NOT TRUE", part.params) if isinstance(part, Cond) else part.complement()
    if "all" in rule:
        return _all([compile_rule(child, scope) for child in rule["all"]], scope)
    if "any" in rule:
        return _any([compile_rule(child, scope) for child in rule["any"]], scope)
    leaf = leaf_of(rule.get("kind"))
    if leaf is None:
        raise BrokenRule(f"There is no condition {rule.get('kind')!r}.")
    return leaf.compile(rule, scope)


def _all(parts: list[Part], scope: Scope) -> Part:
    conds = [part for part in parts if isinstance(part, Cond)]
    sets = [part for part in parts if isinstance(part, IdSet) and not part.negated]
    without = [part for part in parts if isinstance(part, IdSet) and part.negated]
    if not sets and not without:
        return _joined(conds, " AND ", "true")
    if not sets and not conds and len(without) == 1:
        return without[0]
    cheap = [part for part in without if part.exists]
    dear = [part for part in without if not part.exists]
    if sets:
        members = [(part.sql, part.params) for part in sets]
        if conds:
            members.append(_rows(conds, [], scope))
        sql, params = _operated(members, "INTERSECT")
        distinct = len(members) > 1 or sets[0].distinct
        if cheap and not distinct:
            sql, distinct = f"SELECT DISTINCT contact_id FROM ({sql}) found", True
        if cheap:
            tests = [part.exists("found.contact_id") for part in cheap if part.exists]
            sql = f"SELECT found.contact_id FROM ({sql}) found WHERE " + " AND ".join(
                f"NOT EXISTS ({test})" for test, _params in tests
            )
            params = params + [value for _test, values in tests for value in values]
    else:
        sql, params = _rows(conds, cheap, scope)
        distinct = True
    for part in dear:
        sql, params, distinct = f"({sql}) EXCEPT ({part.sql})", params + part.params, True
    return IdSet(sql, params, distinct)


def _any(parts: list[Part], scope: Scope) -> Part:
    conds = [part for part in parts if isinstance(part, Cond)]
    sets = [part for part in parts if isinstance(part, IdSet)]
    if not sets:
        return _joined(conds, " OR ", "false")
    if len(sets) == 1 and not conds:
        return sets[0]
    members = [(part.sql, part.params) for part in (_positive(part, scope) for part in sets)]
    if conds:
        members.append(_rows([_joined(conds, " OR ", "false")], [], scope))
    sql, params = _operated(members, "UNION")
    return IdSet(sql, params)


def _positive(part: IdSet, scope: Scope) -> IdSet:
    """A negated set as the set of everybody else."""
    if not part.negated:
        return part
    if part.exists:
        sql, params = _rows([], [part], scope)
        return IdSet(sql, params)
    sql, params = everybody(scope)
    return IdSet(f"({sql}) EXCEPT ({part.sql})", params + part.params)


def _rows(conds: list[Cond], without: list[IdSet], scope: Scope) -> tuple[str, Params]:
    """Living contacts under one WHERE."""
    sql, params = everybody(scope)
    for cond in conds:
        sql += f" AND ({cond.sql})"
        params = params + cond.params
    for part in without:
        if part.exists:
            test, values = part.exists("c.id")
            sql += f" AND NOT EXISTS ({test})"
            params = params + values
    return sql, params


def _joined(conds: list[Cond], word: str, empty: str) -> Cond:
    if not conds:
        return Cond(empty)
    return Cond(word.join(f"({cond.sql})" for cond in conds), [value for cond in conds for value in cond.params])


def _operated(members: list[tuple[str, Params]], word: str) -> tuple[str, Params]:
    if len(members) == 1:
        return members[0]
    return f" {word} ".join(f"({sql})" for sql, _params in members), [
        value for _sql, params in members for value in params
    ]
