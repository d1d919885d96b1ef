"""Stopping what has not left yet: by the asker (pause, resume, cancel) or by the person (unsubscribe, unfollow)."""

from datetime import datetime

import orjson
from django.db import connection, transaction

from campaigns.enums import Reason, State
from campaigns.sending import outcomes, states
from campaigns.sending.regate import regate
from campaigns.models import Message
from contacts.enums import Purpose
from scrm.lib import clock, hints


def pause(origin: str, origin_id: int) -> int:
    """Nothing more of this campaign or journey is claimed, at once; answers how many messages wait. What a worker holds already goes out."""
    return Message.objects.filter(origin=origin, origin_id=origin_id).waiting().filter(paused=False).update(paused=True)


def resume(origin: str, origin_id: int) -> int:
    """Paused messages may be claimed again; the gates are asked anew at dispatch."""
    count = Message.objects.filter(origin=origin, origin_id=origin_id, paused=True).update(paused=False)
    hints.poke_on_commit("dispatch")
    return count


@transaction.atomic
def cancel(origin: str, origin_id: int, contact_ids: list[int] | None = None) -> int:
    """Everything of this campaign or journey (for some contacts) that no platform has yet is not sent, reason ``cancelled``."""
    rows = Message.objects.filter(origin=origin, origin_id=origin_id)
    if contact_ids is not None:
        rows = rows.filter(contact_id__in=contact_ids)
    return _suppress(rows, Reason.CANCELLED)


@transaction.atomic
def cancel_for(contact_ids: list[int], channel: str, reason: Reason = Reason.UNSUBSCRIBED) -> int:
    """Marketing by one channel to these people that no platform has yet is not sent. A worker that holds such a row loses it."""
    rows = Message.objects.filter(contact_id__in=contact_ids, channel=channel, purpose=Purpose.MARKETING)
    return _suppress(rows, reason)


@transaction.atomic
def reconsider(contact_ids: list[int], channel: str) -> int:
    """The channel has become unusable for these people: waiting messages go by the next channel asked for, or say why not.
    Answers how many will not be sent."""
    now = clock.now()
    rows = Message.objects.filter(contact_id__in=contact_ids, channel=channel).waiting()
    ids = list(rows.select_for_update(of=("self",)).order_by("id").values_list("id", flat=True))
    _claimed, changed = regate(ids, now)
    outcomes.append(changed, now)
    hints.poke_on_commit("dispatch")
    return len(changed)


def _suppress(rows, reason: Reason) -> int:
    now = clock.now()
    ids = list(
        rows.filter(state__in=[State.QUEUED, State.HELD, State.LEASED])
        .select_for_update(of=("self",)).order_by("id").values_list("id", flat=True)
    )
    stopped = settle(ids, "suppress", reason, now, stage="stopped")
    outcomes.append(stopped, now)
    return len(stopped)


def settle(ids: list[int], move: str, reason: Reason | str, now: datetime, *, stage: str) -> list[outcomes.Outcome]:
    """Move locked rows by one move of the graph, with a line in their decisions; the caller appends the events last."""
    if not ids:
        return []
    look = orjson.dumps([{"stage": stage, "at": now.isoformat(), "reason": str(reason)}]).decode()
    columns = ", ".join(outcomes.Outcome.COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_message SET state = %s, reason = %s, decisions = decisions || %s::jsonb, fence = fence + 1, lease_until = NULL"
            f" WHERE id = ANY(%s) AND state = ANY(%s) RETURNING {columns}",
            [states.target(move), str(reason), look, ids, states.sources(move)],
        )
        return [outcomes.Outcome(*row) for row in cursor.fetchall()]
