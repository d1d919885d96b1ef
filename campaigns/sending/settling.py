"""A person decides about a message of which nobody knows whether the platform has it."""

from django.db import transaction

from campaigns.enums import State
from campaigns.models import Message
from campaigns.sending import outcomes, states
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock, hints


@transaction.atomic
def settle_unknown(*, message: Message, sent: bool, by: User) -> Message:
    """``sent``: the customer has it, so it counts as sent; else it goes back to the queue and through the gates once more. Audited.
    Raises states.ImpossibleMove when it is not unknown any more."""
    now = clock.now()
    message = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    message.state = states.after(message.state, "settle_sent" if sent else "settle_again")
    message.reason = ""
    message.decisions.append({"stage": "settled", "at": now.isoformat(), "by": by.name, "result": message.state})
    message.fence += 1
    message.lease_until = None
    if sent:
        message.sent_at = message.sent_at or message.next_at
    else:
        message.next_at = now
    message.save(update_fields=["state", "reason", "decisions", "fence", "lease_until", "sent_at", "next_at"])
    audit.record(by, "message.settled_as_sent" if sent else "message.sent_again", message, contact=message.contact_id)
    if message.state == State.SENT:
        outcomes.append([outcomes.Outcome(*(getattr(message, name) for name in outcomes.Outcome.COLUMNS))], now)
    hints.poke_on_commit("dispatch")
    return message
