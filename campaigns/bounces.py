"""Reports that come back after a message left: delivered, bounced."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Count

from campaigns.enums import Reason, State, SuppressionReason
from campaigns.models import Message
from campaigns.sending import outcomes, states
from campaigns.suppression import suppress
from contacts.models import Identity
from scrm.lib import clock

SOFT_LIMIT = 3
SOFT_DAYS = 7


@transaction.atomic
def note_bounces(bounced: Sequence[tuple[int, bool, str]]) -> int:
    """[(message id, for good, diagnosis)]. A hard bounce puts the address on the suppression list, so do three soft
    ones within seven days (semantics of delivery). Idempotent, set-based; answers how many messages changed."""
    if not bounced:
        return 0
    now = clock.now()
    columns = ", ".join(f"m.{name}" for name in outcomes.Outcome.COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE campaigns_message m SET state = %s, reason = t.reason, error = t.words, decisions = m.decisions ||
                jsonb_build_array(jsonb_build_object('stage', 'bounce', 'at', to_jsonb(%s::timestamptz), 'reason',
                t.reason, 'error', t.words))
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS t(id, reason, words)
            WHERE m.id = t.id AND m.state = ANY(%s) RETURNING {columns}, m.identity_id""",
            [
                states.target("bounce"),
                now,
                [pk for pk, _hard, _words in bounced],
                [str(Reason.HARD_BOUNCE if hard else Reason.SOFT_BOUNCE) for _pk, hard, _words in bounced],
                [words[:300] for _pk, _hard, words in bounced],
                states.sources("bounce"),
            ],
        )
        rows = cursor.fetchall()
    changed = [outcomes.Outcome(*row[:-1]) for row in rows]
    hard = {row[-1] for row, outcome in zip(rows, changed, strict=True) if outcome.reason == Reason.HARD_BOUNCE}
    soft = {row[-1] for row, outcome in zip(rows, changed, strict=True) if outcome.reason == Reason.SOFT_BOUNCE} - hard
    worn = Message.objects.filter(
        identity_id__in=soft,
        state=State.BOUNCED,
        reason=Reason.SOFT_BOUNCE,
        sent_at__gt=now - timedelta(days=SOFT_DAYS),
    )
    hard |= set(
        worn.values("identity_id")
        .annotate(n=Count("id"))
        .filter(n__gte=SOFT_LIMIT)
        .values_list("identity_id", flat=True)
    )
    if hard:
        suppress(hard, SuppressionReason.BOUNCED)
        Identity.objects.filter(pk__in=hard).update(reachable=False)
    outcomes.append(changed, now)
    return len(changed)
