"""The one ledger of everything we send. ``submit`` plans messages through the gates, the dispatcher sends what is due.

Outcomes come back as message_* events that carry the asker's ``ref``: message_held, then one of message_sent,
message_suppressed (also when it expired, reason ``expired``) or message_failed (reason ``uncertain`` when the platform may or may
not have it). Later message_delivered, message_opened, message_clicked, message_bounced may follow.

Locks: ``submit`` takes the contacts in id order and, for excluded ones, the lock that orders the event log until the transaction
ends. So call it once in a transaction, with everything, and last.
"""

from campaigns.sending.plan import submit, submit_audience
from campaigns.sending.preview import Preview, preview
from campaigns.sending.requests import SendRequest
from campaigns.sending.stop import call_off, cancel, cancel_for, pause, resume
from campaigns.sending.ways import Way, ways

__all__ = [
    "Preview",
    "SendRequest",
    "Way",
    "call_off",
    "cancel",
    "cancel_for",
    "pause",
    "preview",
    "resume",
    "submit",
    "submit_audience",
    "ways",
]
