"""What others ask of the ledger."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One intended message. The same ``key`` is planned once, however often it is asked for.

    ``channels`` in order of preference: the first that passes every gate is taken. ``ref`` is copied into every event of the
    message, ``context`` are extra merge fields. ``defer_quiet`` False: rather not at all than after the quiet hours.
    ``identity_id`` pins the address (a confirmation goes to the address that is to be confirmed and nowhere else).

    Instead of ``content_id`` a ``body`` that a person of ours wrote: {"kind": "text" | "comment" | "email", "text": "...",
    "data": {...}}. The gates take it as approved content for every channel asked for, so ask for those it was written for. A
    public comment needs no reply window.
    """

    key: str
    contact_id: int
    content_id: int | None
    purpose: str
    origin: str
    origin_id: int
    channels: list[str]
    ref: dict = field(default_factory=dict)
    context: dict = field(default_factory=dict)
    expires_at: datetime | None = None
    defer_quiet: bool = True
    identity_id: int | None = None
    body: dict | None = None
