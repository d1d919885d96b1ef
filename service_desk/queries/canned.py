"""Canned replies to choose from."""

from django.db.models import Q

from service_desk.models import CannedReply

OFFERED = 8


def matching(channel: str, typed: str) -> list[CannedReply]:
    """For this channel: shortcut, title or category contains what was typed; what is used most comes first."""
    rows = CannedReply.objects.filter(Q(channels=[]) | Q(channels__contains=[channel]))
    text = typed.replace("\x00", "").strip()[:40]
    if text:
        rows = rows.filter(Q(shortcut__icontains=text) | Q(title__icontains=text) | Q(category__icontains=text))
    return list(rows.order_by("-used", "shortcut")[:OFFERED])


def categories() -> list[str]:
    found = CannedReply.objects.exclude(category="").order_by("category").values_list("category", flat=True)
    return list(found.distinct()[:50])
