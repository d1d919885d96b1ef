"""What became of an attempt, written with a fence check in one transaction with its event."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from django.db import OperationalError, connection, transaction

from campaigns.enums import Reason, State, SuppressionReason
from campaigns.models import Message, Suppression
from campaigns.sending import outcomes, pace, states
from campaigns.sending.compose import Ready
from campaigns.sending.regate import Claimed, regate
from channels_ingest import actions as channel_actions
from channels_ingest.connectors.base import ConnectorError, Receipt
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.models import Channel
from contacts.enums import IdentityKind
from contacts.models import Identity
from scrm.lib import clock

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=6)
MOST_ATTEMPTS = 12
"""About two days of doubling back-off, for messages without an expiry of their own."""
IN_A_ROW = 3
UNREACHABLE = "unreachable"
"""Code that connectors give when no connection came about."""
_DEADLOCK, _ATTEMPTS = "40P01", 4
_POINTS = {IdentityKind.EMAIL, IdentityKind.PHONE}


@dataclass(slots=True)
class Result:
    item: Ready
    error: ConnectorError | None = None
    receipt: Receipt | None = None
    tried: bool = True
    """False: the account failed before this one's turn."""


@dataclass(slots=True)
class _Move:
    move: str
    reason: str = ""
    next_at: datetime | None = None
    result: str = ""
    """What the decisions call it, when that is not the move."""


def stops_account(errors: Sequence[ConnectorError | None]) -> bool:
    """Is the account the trouble, and not one message? Its credentials are refused, nobody answers at all, or the last three
    messages in a row got no proper answer (a single mailbox that says "later" stops nobody). ``errors``: of the messages so
    far in order, None for a success."""
    last = errors[-1] if errors else None
    if last is None:
        return False
    if last.channel_broken or last.code == UNREACHABLE:
        return True
    return len(errors) >= IN_A_ROW and all(error is not None and not error.permanent for error in errors[-IN_A_ROW:])


def finish(channel: Channel, results: list[Result]) -> None:
    """Write the results of a handful. A row whose fence has moved on belongs to somebody else and is left alone. Who loses a
    deadlock (with a merge, say) writes again: the platform has the messages, so giving up would leave them ``unknown``."""
    if not results:
        return
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _finish(channel, results)
            break
        except OperationalError as error:
            if attempt == _ATTEMPTS or getattr(error.__cause__, "pgcode", None) != _DEADLOCK:
                raise


def _finish(channel: Channel, results: list[Result]) -> None:
    now = clock.now()
    connector = CONNECTORS[channel.kind]
    moves = [_decide(result, now, connector.idempotent_kinds) for result in results]
    with transaction.atomic():
        settled = _write(results, moves, now)
        gone = [r.item.row.identity_id for r in results if r.error is not None and r.error.address_gone]
        if gone:
            _lose_addresses(gone, now)
        settled = _next_channels(results, settled, now)
        outcomes.append([o for o in settled if o.state != State.QUEUED], now)
    if any(move.move == "send" for move in moves):
        channel_actions.note_sent(channel)


def _decide(result: Result, now: datetime, idempotent_kinds: tuple[str, ...]) -> _Move:
    row, error = result.item.row, result.error
    if not result.tried:
        return _Move("retry", Reason.CHANNEL_BROKEN if error.channel_broken else Reason.RETRY, now)
    if error is None:
        return _Move("send")
    if error.channel_broken:
        return _Move("retry", Reason.CHANNEL_BROKEN, now)
    if error.unknown and result.item.rendered.kind not in idempotent_kinds:
        return _Move("lose", Reason.UNCERTAIN)
    if error.window_closed or error.address_gone:
        reason = Reason.WINDOW_CLOSED if error.window_closed else Reason.ADDRESS_GONE
        if _other_channels(row):
            return _Move("retry", reason, now, result="next")
        return _Move("suppress" if error.window_closed else "fail", reason)
    if error.permanent:
        return _Move("fail", Reason.REJECTED)
    again = _again(row.attempt_no + 1, error, now)
    if row.expires_at and again >= row.expires_at:
        return _Move("expire", Reason.EXPIRED)
    if row.attempt_no + 1 >= MOST_ATTEMPTS:
        return _Move("fail", Reason.EXHAUSTED)
    return _Move("retry", Reason.RETRY, again)


def _again(attempt: int, error: ConnectorError, now: datetime) -> datetime:
    """Doubling back-off with jitter, never before the platform's own time (which is real time)."""
    wait = min(FIRST_RETRY * 2 ** min(attempt - 1, 20), LONGEST_RETRY) * random.uniform(0.8, 1.2)
    if error.retry_at is not None:
        wait = max(timedelta(0), error.retry_at - clock.real_now()) + wait * 0.1
    return now + wait


def _write(results: list[Result], moves: list[_Move], now: datetime) -> list[outcomes.Outcome]:
    rows = [result.item.row for result in results]
    # A row that was not tried gets its attempt back: it did not fail.
    untried = [-1 if not r.tried or (r.error and r.error.channel_broken) else 0 for r in results]
    looks = [_look(result, move, now) for result, move in zip(results, moves, strict=True)]
    columns = ", ".join(f"m.{name}" for name in outcomes.Outcome.COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_message m SET state = t.state, reason = t.reason, next_at = coalesce(t.next_at, m.next_at),"
            " sent_at = CASE WHEN t.state = 'sent' THEN %s ELSE m.sent_at END, platform_id = t.platform_id, error = t.error,"
            " attempt_no = m.attempt_no + t.untried, decisions = m.decisions || t.look::jsonb, lease_until = NULL"
            " FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[],"
            " %s::int[], %s::text[])"
            " AS t(id, fence, state, reason, next_at, platform_id, error, untried, look)"
            f" WHERE m.id = t.id AND m.fence = t.fence AND m.state = %s RETURNING {columns}",
            [
                now,
                [row.id for row in rows],
                [row.fence for row in rows],
                [states.after(State.ATTEMPTING, move.move) for move in moves],
                [str(move.reason) for move in moves],
                [now if move.move in {"send", "lose"} else move.next_at for move in moves],
                [r.receipt.platform_id if r.receipt else "" for r in results],
                [_words(r.error) for r in results],
                untried,
                looks,
                State.ATTEMPTING,
            ],
        )
        return [outcomes.Outcome(*row) for row in cursor.fetchall()]


def _look(result: Result, move: _Move, now: datetime) -> str:
    facts = {
        "stage": "attempt",
        "at": now.isoformat(),
        "no": result.item.row.attempt_no + 1,
        "result": move.result or move.move,
        "channel": result.item.row.channel,
        "reason": str(move.reason),
    }
    if not result.tried:
        return "[]"
    if result.error is not None:
        facts |= {"error": _words(result.error), "code": result.error.code}
    if move.next_at and move.move == "retry":
        facts["again_at"] = move.next_at.isoformat()
    return orjson.dumps([facts]).decode()


def _words(error: ConnectorError | None) -> str:
    return str(error.reason)[:300] if error is not None else ""


def _other_channels(row: Claimed) -> list[str]:
    return [channel for channel in row.channels if channel != row.channel]


def _next_channels(results: list[Result], settled: list[outcomes.Outcome], now: datetime) -> list[outcomes.Outcome]:
    """A closed window or a lost address sends the message on to the next channel asked for; answers what is settled for good."""
    ours = {outcome.id for outcome in settled}
    onward: dict[Reason, list[int]] = {}
    for result in results:
        row, error = result.item.row, result.error
        if (
            error is not None
            and (error.window_closed or error.address_gone)
            and row.id in ours
            and _other_channels(row)
        ):
            onward.setdefault(Reason.WINDOW_CLOSED if error.window_closed else Reason.ADDRESS_GONE, []).append(row.id)
    for reason, ids in onward.items():
        _claimed, changed = regate(ids, now, fallback=reason)
        settled = [outcome for outcome in settled if outcome.id not in ids] + changed
    return settled


def _lose_addresses(identity_ids: list[int], now: datetime) -> None:
    """The platform's word: not reachable there any more. Mail addresses and numbers also go on the suppression list."""
    gone = Identity.objects.filter(pk__in=identity_ids)
    points = gone.filter(kind__in=_POINTS).values_list("kind", "scope", "index")
    Suppression.objects.bulk_create(
        [Suppression(kind=k, scope=s, index=i, reason=SuppressionReason.GONE, created_at=now) for k, s, i in points],
        ignore_conflicts=True,
    )
    gone.update(reachable=False)


def fail_unrendered(channel: Channel, items: list[Ready]) -> None:
    """Messages that could not be rendered fail for good, with the fault in their decisions."""
    if not items:
        return
    now = clock.now()
    with transaction.atomic():
        rows = {item.row.id: item for item in items}
        held = Message.objects.select_for_update().filter(pk__in=rows, state=State.LEASED)
        settled = []
        for message in held:
            if message.fence != rows[message.pk].row.fence:
                continue
            message.state, message.reason, message.error = (
                states.after(message.state, "fail"),
                Reason.RENDERING,
                rows[message.pk].fault,
            )
            message.decisions.append(
                {"stage": "render", "at": now.isoformat(), "reason": message.reason, "error": message.error}
            )
            message.lease_until = None
            message.save(update_fields=["state", "reason", "error", "decisions", "lease_until"])
            settled.append(outcomes.Outcome(*(getattr(message, name) for name in outcomes.Outcome.COLUMNS)))
        outcomes.append(settled, now)


def account_failed(channel: Channel, error: ConnectorError) -> None:
    """Note the account's failure: broken until a person acts, or a rest that grows."""
    Channel.objects.filter(pk=channel.pk).update(last_error=_words(error), last_error_at=clock.real_now())
    if error.channel_broken:
        break_channel(channel, error)
    else:
        pace.rest(channel, error.retry_at, _words(error))


def break_channel(channel: Channel, error: ConnectorError) -> None:
    """Nothing more goes out by this account until a person tries again; what is queued waits with the reason."""
    channel_actions.mark_broken(channel, str(error.reason))
    Message.objects.filter(account_id=channel.pk, state=State.QUEUED).update(reason=Reason.CHANNEL_BROKEN)
