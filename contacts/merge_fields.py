"""What content may say about a person, as plain dicts (Liquid renders over these; campaigns.content lists the fields)."""

from collections.abc import Iterable

from contacts.models import Contact

_COLUMNS = (
    "id", "name", "city", "region", "language", "stage", "order_count", "order_total", "last_order_at", "attributes",
)  # fmt: skip


def build(contact_ids: Iterable[int]) -> dict[int, dict[str, object]]:
    """One query for all. Contacts that do not exist are left out. ``first_name`` is how one addresses the person: the given
    name of a Chinese name of two or three signs, the first word of others; blank when unknown, so that a fall-back speaks."""
    rows = Contact.objects.filter(pk__in=list(contact_ids)).values(*_COLUMNS)
    return {row.pop("id"): {**row, "first_name": first_name(row["name"])} for row in rows}


def first_name(name: str) -> str:
    """林晓雯 -> 晓雯, 苏念 -> 苏念, Emma Clark -> Emma."""
    name = name.strip()
    if not name:
        return ""
    if all("\u4e00" <= sign <= "\u9fff" for sign in name):
        return name[1:] if len(name) == 3 else name
    return name.split()[0]
