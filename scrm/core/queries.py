"""Shared reads of the core room."""

from typing import Literal

from django.db import connection

_SKIP = """
with recursive kinds as (
    (select {column} as kind from core_auditentry where {column} > '' order by {column} limit 1)
    union all
    select (select {column} from core_auditentry where {column} > kinds.kind order by {column} limit 1)
    from kinds where kinds.kind is not null
)
select kind from kinds where kind is not null
"""


def audit_kinds(column: Literal["verb", "target_type"]) -> list[str]:
    """The different verbs or object types of the audit log, sorted. Jumps from one to the next in the index, so its
    cost grows with how many kinds there are, not with the log."""
    with connection.cursor() as cursor:
        cursor.execute(_SKIP.format(column={"verb": "verb", "target_type": "target_type"}[column]))
        return [kind for (kind,) in cursor.fetchall()]
