"""The audit log: who saw, changed or sent what. Call ``record`` inside the transaction of the change."""

from contextvars import ContextVar
from typing import Any

from django.db.models import Model

from scrm.core.models import AuditEntry, User
from scrm.lib.clock import real_now

_ip: ContextVar[str | None] = ContextVar("audit_ip", default=None)


def come_from(ip: str | None) -> None:
    """The address that the entries of this request carry (set by the middleware)."""
    _ip.set(ip)


def record(by: User | None, verb: str, target: Model | None = None, **details: Any) -> AuditEntry:
    """Add one entry. ``verb`` is ``object.what_happened``; ``by`` None means the system. Details must be JSON and must
    never hold a contact point, a password or a secret."""
    return AuditEntry.objects.create(
        at=real_now(),
        by=by,
        verb=verb,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        target_label=str(target)[:200] if target is not None else "",
        details=details,
        ip=_ip.get(),
    )
