"""What is derived from the entries of a conversation."""

from django.db import connection

EXCERPT = 160


def excerpt(kind: str, text: str) -> str:
    """The line of the list: the words, or the type in brackets when there are none (said in the reader's language by
    service_desk.lines.excerpt)."""
    words = " ".join(text.split())
    if not words:
        return f"[{kind}]"
    return words if len(words) <= EXCERPT else f"{words[: EXCERPT - 1]}…"


_DERIVE = """
WITH told AS (
    SELECT conversation_id, max(at) FILTER (WHERE kind = 'customer') AS inbound, max(at) AS last,
        (array_agg(kind ORDER BY at DESC, id DESC))[1] AS last_kind, (array_agg(body ORDER BY at DESC, id DESC))[1] AS body,
        (array_agg(coalesce(data ->> 'type', 'text') ORDER BY at DESC, id DESC))[1] AS type,
        max(at) FILTER (WHERE kind = 'reply') AS replied
    FROM service_desk_entry WHERE kind IN ('customer', 'reply') GROUP BY 1),
waits AS (
    SELECT e.conversation_id, min(e.at) AS since FROM service_desk_entry e JOIN told t ON t.conversation_id = e.conversation_id
    WHERE e.kind = 'customer' AND (t.replied IS NULL OR e.at > t.replied) GROUP BY 1)
UPDATE service_desk_conversation c SET last_at = t.last, last_inbound_at = t.inbound, last_kind = t.last_kind,
    excerpt = CASE WHEN btrim(t.body) = '' THEN '[' || t.type || ']'
        ELSE left(regexp_replace(btrim(t.body), '\\s+', ' ', 'g'), 160) END,
    waiting_since = CASE WHEN c.state = 'closed' THEN NULL ELSE w.since END, version = c.version + 1
FROM told t LEFT JOIN waits w ON w.conversation_id = t.conversation_id
WHERE c.id = t.conversation_id{only}
"""


def derive(ids: list[int] | None = None) -> None:
    """Derive again what the list shows: of these conversations, or of all."""
    with connection.cursor() as cursor:
        if ids is None:
            cursor.execute(_DERIVE.format(only=""))
        else:
            cursor.execute(_DERIVE.format(only=" AND c.id = ANY(%s)"), [ids])
