"""Consumer: consent that follows from following, and lifecycle stages by rule."""

from contacts import marking, stages
from contacts.consumers.reading import EventRow
from contacts.enums import ConsentState, EventKind, Purpose
from contacts.intake import append_own
from scrm.lib import clock
from scrm.lib.hints import poke_on_commit

_QUIET = frozenset(
    {
        EventKind.STAGE_CHANGED,
        EventKind.SEGMENT_ENTERED,
        EventKind.SEGMENT_LEFT,
        EventKind.MESSAGE_SENT,
        EventKind.MESSAGE_HELD,
        EventKind.MESSAGE_SUPPRESSED,
        EventKind.MESSAGE_FAILED,
        EventKind.MESSAGE_DELIVERED,
        EventKind.COUPON_ISSUED,
        EventKind.JOURNEY_ENTERED,
        EventKind.JOURNEY_EXITED,
        EventKind.AUTO_REPLIED,
    }
)
"""Our own steps: nobody changes stage because of them, and rules cannot feed themselves."""


def consume(events: list[EventRow]) -> None:
    """Idempotent: a consent older than the stored one and a stage that is held already change nothing."""
    now = clock.now()
    told = marking.set_consents(_consents(events))
    touched = {event.contact_id for event in events if event.kind not in _QUIET}
    told += stages.apply_rules(touched, now)
    append_own(told)
    poke_on_commit("segments")


def _consents(events: list[EventRow]) -> list[tuple]:
    """The last follow or unfollow of each contact and channel in the batch."""
    rows: dict[tuple[int, str], tuple] = {}
    for event in events:
        if event.kind in {EventKind.FOLLOWED, EventKind.UNFOLLOWED}:
            followed = event.kind == EventKind.FOLLOWED
            state = ConsentState.GRANTED if followed else ConsentState.WITHDRAWN
            proof = {"how": "follow" if followed else "unfollow", "event": event.id}
            rows[event.contact_id, event.channel] = (
                event.contact_id,
                event.channel,
                Purpose.MARKETING.value,
                state.value,
                proof,
                event.occurred_at,
            )
    return list(rows.values())
