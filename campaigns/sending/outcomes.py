"""What became of messages, told to the event log in the transaction of the change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import orjson

from campaigns.enums import State
from campaigns.models import Content
from contacts import intake
from contacts.enums import ChannelKind, EventKind

KINDS = {
    State.HELD: EventKind.MESSAGE_HELD,
    State.SUPPRESSED: EventKind.MESSAGE_SUPPRESSED,
    State.EXPIRED: EventKind.MESSAGE_SUPPRESSED,
    State.FAILED: EventKind.MESSAGE_FAILED,
    State.UNKNOWN: EventKind.MESSAGE_FAILED,
    State.SENT: EventKind.MESSAGE_SENT,
    State.DELIVERED: EventKind.MESSAGE_DELIVERED,
    State.BOUNCED: EventKind.MESSAGE_BOUNCED,
}

TOLD = 500
"""So much of what a person of ours wrote stands in the events of the message."""


@dataclass(slots=True)
class Outcome:
    """The part of a message that its events tell."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "id",
        "contact_id",
        "channel",
        "account_id",
        "content_id",
        "purpose",
        "origin",
        "origin_id",
        "state",
        "reason",
        "ref",
        "body",
        "hold_until",
    )

    id: int
    contact_id: int
    channel: str
    account_id: int
    content_id: int | None
    purpose: str
    origin: str
    origin_id: int
    state: str
    reason: str
    ref: dict
    body: dict | None = None
    hold_until: datetime | None = None

    def __post_init__(self) -> None:
        # Django leaves jsonb of a raw cursor as text.
        if isinstance(self.ref, str):
            self.ref = orjson.loads(self.ref)
        if isinstance(self.body, str):
            self.body = orjson.loads(self.body)


def properties(outcome: Outcome, **more: object) -> dict[str, object]:
    """Properties of every message_* event."""
    found = {
        "message": outcome.id,
        "origin": outcome.origin,
        "origin_id": outcome.origin_id,
        "content": outcome.content_id,
        "purpose": outcome.purpose,
        "reason": outcome.reason,
        "ref": outcome.ref,
        **more,
    }
    if outcome.body:
        found |= {"kind": outcome.body.get("kind", ""), "text": str(outcome.body.get("text", ""))[:TOLD]}
    if outcome.hold_until and outcome.state == State.HELD:
        found["until"] = outcome.hold_until.isoformat()
    return found


def events(outcomes: Iterable[Outcome], now: datetime) -> list[intake.Incoming]:
    """The event of each outcome's state, with the content's name for the timeline. One query."""
    outcomes = list(outcomes)
    names = (
        dict(Content.objects.filter(pk__in={o.content_id for o in outcomes if o.content_id}).values_list("pk", "name"))
        if outcomes
        else {}
    )
    return [
        intake.Incoming(
            kind=str(KINDS[State(outcome.state)]),
            channel=outcome.channel or ChannelKind.SYS.value,
            occurred_at=now,
            account_id=outcome.account_id,
            contact_id=outcome.contact_id,
            properties=properties(outcome, content_name=names.get(outcome.content_id, "")),
        )
        for outcome in outcomes
    ]


def append(outcomes: Iterable[Outcome], now: datetime) -> None:
    """Append the events. Call it last in the transaction: it takes the lock that orders the log."""
    batch = events(outcomes, now)
    if batch:
        intake.append_own(batch)
