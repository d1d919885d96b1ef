"""Text for COPY and for array parameters: whole batches travel as one value."""

from collections.abc import Iterable
from io import StringIO
from typing import Any

import orjson
from django.db import connection

NULL = "\\N"


def copy_rows(table: str, columns: str, lines: list[str]) -> None:
    """COPY ready-made lines (tab separated, no line end) into a table, in the current transaction."""
    if not lines:
        return
    lines.append("")
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", StringIO("\n".join(lines)), 1 << 20)


def copy_text(value: str) -> str:
    """One field of COPY's text format."""
    if "\\" in value or "\t" in value or "\n" in value or "\r" in value:
        value = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return value


def json_text(value: Any) -> str:
    """JSON that jsonb accepts: no NUL characters, no lone surrogates; dates and decimals as text."""
    try:
        text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return orjson.dumps(clean(value), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    if "\\u0000" in text:
        return orjson.dumps(clean(value), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return text


def clean(value: Any) -> Any:
    """Without what Postgres cannot store: NUL characters, lone surrogates, integers beyond 64 bits (become text)."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {clean(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [clean(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return str(value)
    return value


def array(values: Iterable[Any]) -> str:
    """An array literal for a parameter cast in SQL, ``%s::bigint[]``: numbers, ISO times, UUIDs, None."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def text_array(values: Iterable[str | None]) -> str:
    """An array literal of any text."""
    return "{" + ",".join([_quoted(value) for value in values]) + "}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def stamps(values: Iterable[Any]) -> str:
    """An array literal of datetimes (aware) or None, for ``%s::timestamptz[]``."""
    return "{" + ",".join(["NULL" if value is None else f'"{value.isoformat()}"' for value in values]) + "}"
