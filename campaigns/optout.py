"""The person says stop: the consent is withdrawn and everything queued by that channel is stopped, at once and together."""

from collections.abc import Iterable, Mapping

from django.db import transaction

from campaigns import consent
from campaigns.enums import Reason
from campaigns.models import Message
from campaigns.sending import outcomes, stop
from contacts import intake
from contacts.enums import ConsentState
from scrm.lib import clock

KEYWORDS = {"TD", "T", "退订", "取消订阅", "STOP", "UNSUBSCRIBE"}
"""A chat message that consists of one of these and nothing else is an opt-out."""


def is_opt_out(text: str) -> bool:
    return text.strip(" \t\r\n.。!！").upper() in KEYWORDS


@transaction.atomic
def opt_out(contact_ids: Iterable[int], channel: str, proof: Mapping[str, object]) -> int:
    """No more marketing by this channel to these people; answers how many queued messages were stopped. Idempotent, set-based."""
    contact_ids = set(contact_ids)
    consent.lock_people(contact_ids)
    told, stopped = rows(contact_ids, channel, proof)
    if told:
        intake.append_own(told)
    return stopped


def rows(contact_ids: Iterable[int], channel: str, proof: Mapping[str, object]) -> tuple[list[intake.Incoming], int]:
    """``opt_out`` without its locks and with the events left to the caller, who appends them last."""
    contact_ids = list(contact_ids)
    told = consent.set_state(contact_ids, channel, ConsentState.WITHDRAWN, proof)
    stopped = stop.stop_marketing(contact_ids, channel, Reason.UNSUBSCRIBED)
    return told + outcomes.events(stopped, clock.now()), len(stopped)


def unsubscribe(message: Message, how: str) -> int:
    """The way out that a message carries: stops marketing by its channel."""
    return opt_out([message.contact_id], message.channel, {"how": how, "message": message.pk})
