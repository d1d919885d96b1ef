from service_desk.actions.canned import delete_canned, save_canned
from service_desk.actions.conversation import (
    CannotReply,
    Closed,
    Outdated,
    assign_conversation,
    close_conversation,
    mark_read,
    post_note,
    post_reply,
    reopen_conversation,
    snooze_conversation,
)
from service_desk.actions.presence import note_seen, set_presence

__all__ = [
    "CannotReply",
    "Closed",
    "Outdated",
    "assign_conversation",
    "close_conversation",
    "delete_canned",
    "mark_read",
    "note_seen",
    "post_note",
    "post_reply",
    "reopen_conversation",
    "save_canned",
    "set_presence",
    "snooze_conversation",
]
