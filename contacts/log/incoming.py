"""What doors hand to intake, and what they get back."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.enums import Trust


@dataclass(slots=True)
class Handle:
    """One handle of a person as the event showed it. ``trust`` is what *this* event proves, not what we may know already.

    Give the identity of the channel first: it becomes the event's evidence, and its messaging window moves.
    """

    kind: str
    value: str
    scope: int = 0
    """Channel account id for kinds that are only unique within one (openid), else 0."""
    trust: int = Trust.OBSERVED


@dataclass(slots=True)
class Incoming:
    """One event as a door delivers it. ``occurred_at`` is aware.

    ``properties`` of ``order_paid``: order_id, total, currency, quantity, lines [{sku, name, quantity, price}]; of
    ``order_refunded``: order_id, amount (absent: the whole order). Contact points belong in ``handles``, never in properties.
    """

    kind: str
    channel: str
    occurred_at: datetime
    account_id: int = 0
    external_id: str = ""
    """Stable id at the source; a second event with the same (account_id, external_id) is dropped. Empty: never a duplicate."""
    handles: tuple[Handle, ...] | list[Handle] = ()
    contact_id: int | None = None
    """The person, when our own side knows it (as good as a verified handle)."""
    properties: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, Any] = field(default_factory=dict)
    """name, language, time_zone, region, city and any custom attribute."""
    source: dict[str, Any] | None = None
    """First touch: {"kind": "qr_scene", "label": "shop window", "account_id": 3}; only used when the contact is made."""


@dataclass(slots=True)
class Appended:
    event_id: int | None
    """None: a redelivery, dropped; or an event that names nobody (contact_id is None too)."""
    contact_id: int | None
    created: bool = False
    """This event made the contact."""


@dataclass(slots=True)
class Placed:
    """An incoming event whose person is settled; what contacts.log.write takes."""

    event: Incoming
    contact_id: int | None
    """None when the event names nobody; such events are not written."""
    identity_id: int | None = None
    identity_seen_at: datetime | None = None
    """The identity's last_seen_at as stored, to spare the update when it is recent."""
    created: bool = False
    """This event made the contact."""
