"""The one ledger of everything we send. ``submit`` plans messages through the gates, the dispatcher sends what is due.

Outcomes come back as message_* events that carry the asker's ``ref``: message_held, then one of message_sent,
message_suppressed (also when it expired, reason ``expired``) or message_failed (reason ``uncertain`` when the platform may or may
not have it). Later message_delivered, message_opened, message_clicked, message_bounced may follow.
"""

from campaigns.sending.requests import SendRequest


def submit(requests: list[SendRequest]) -> dict[str, int]:
    raise NotImplementedError


__all__ = ["SendRequest", "submit"]
