"""Stopping what has not left yet: by the asker (pause, resume, cancel) or by the person (unsubscribe, unfollow)."""

from collections.abc import Iterable
from datetime import datetime

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet

from campaigns.enums import WAITING, Reason, State
from campaigns.models import Message
from campaigns.sending import outcomes, states
from campaigns.sending.regate import regate
from contacts import intake
from contacts.enums import Purpose
from scrm.lib import clock, hints


def pause(origin: str, origin_id: int) -> int:
    """Nothing more of this campaign or journey is sent, at once, but for the handful that a platform is being given;
    answers how many messages wait."""
    rows = Message.objects.filter(origin=origin, origin_id=origin_id, state__in=[*WAITING, State.LEASED])
    return rows.filter(paused=False).update(paused=True)


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
def cancel_for(contact_ids: Iterable[int], channel: str, reason: Reason = Reason.UNSUBSCRIBED) -> int:
    """Marketing by one channel to these people that no platform has yet is not sent. A worker that holds such a row loses it."""
    stopped = stop_marketing(contact_ids, channel, reason)
    outcomes.append(stopped, clock.now())
    return len(stopped)


def call_off(keys: Iterable[str]) -> list[intake.Incoming]:
    """Messages with these keys that no platform has yet are not sent, reason ``cancelled``. In the caller's transaction, which
    appends the answered events last."""
    now = clock.now()
    ids = _locked(Message.objects.filter(key__in=list(keys)), [State.QUEUED, State.HELD, State.LEASED])
    return outcomes.events(settle(ids, "suppress", Reason.CANCELLED, now, stage="stopped"), now)


def stop_marketing(contact_ids: Iterable[int], channel: str, reason: Reason) -> list[outcomes.Outcome]:
    """``cancel_for`` without the events, which the caller appends last."""
    rows = Message.objects.filter(contact_id__in=list(contact_ids), channel=channel, purpose=Purpose.MARKETING)
    return settle(
        _locked(rows, [State.QUEUED, State.HELD, State.LEASED]), "suppress", reason, clock.now(), stage="stopped"
    )


def reconsider(contact_ids: Iterable[int], channel: str) -> list[outcomes.Outcome]:
    """The channel has become unusable for these people: waiting messages go by the next channel asked for, or say why not. In the
    caller's transaction, which appends the answered outcomes last."""
    rows = Message.objects.filter(contact_id__in=list(contact_ids), channel=channel)
    _claimed, changed = regate(_locked(rows, WAITING), clock.now())
    hints.poke_on_commit("dispatch")
    return changed


def _locked(rows: QuerySet[Message], before: list[State]) -> list[int]:
    held = rows.filter(state__in=before).select_for_update(of=("self",)).order_by("id")
    return list(held.values_list("id", flat=True))


def _suppress(rows: QuerySet[Message], reason: Reason) -> int:
    now = clock.now()
    stopped = settle(_locked(rows, [State.QUEUED, State.HELD, State.LEASED]), "suppress", reason, now, stage="stopped")
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
            "UPDATE campaigns_message SET state = %s, reason = %s, decisions = decisions || %s::jsonb,"
            " fence = fence + 1, lease_until = NULL"
            f" WHERE id = ANY(%s) AND state = ANY(%s) RETURNING {columns}",
            [states.target(move), str(reason), look, ids, states.sources(move)],
        )
        return [outcomes.Outcome(*row) for row in cursor.fetchall()]
