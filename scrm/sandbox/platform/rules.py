"""What an Official Account may send to whom (channels.md: 48 h and 5 messages after a user's message; 3 within a minute after a
follow, a menu click or a scan; a menu click is not a message). Pure."""

from dataclasses import dataclass

MESSAGE_SECONDS, MESSAGE_SENDS = 48 * 3600, 5
TOUCH_SECONDS, TOUCH_SENDS = 60, 3

OK, NOT_FOLLOWING, BAD_OPENID, WINDOW_CLOSED, COUNT_USED = 0, 43004, 40003, 45015, 45047


@dataclass(frozen=True)
class Window:
    """Business seconds of the last message and the last touch, and what was sent since each."""

    subscribed: bool
    message_at: float | None
    message_sends: int
    touch_at: float | None
    touch_sends: int


def allowance(window: Window, now: float) -> tuple[int, str]:
    """(error code, which window pays: "touch", "message" or ""). The short window pays first, since it closes first."""
    if not window.subscribed:
        return WINDOW_CLOSED, ""
    touch = window.touch_at is not None and now - window.touch_at <= TOUCH_SECONDS
    message = window.message_at is not None and now - window.message_at <= MESSAGE_SECONDS
    if touch and window.touch_sends < TOUCH_SENDS:
        return OK, "touch"
    if message and window.message_sends < MESSAGE_SENDS:
        return OK, "message"
    return (COUNT_USED if touch or message else WINDOW_CLOSED), ""
