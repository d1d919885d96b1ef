"""The reply box: by which ways the customer can be answered now, and what stops the usual one."""

from dataclasses import dataclass, field

from campaigns.sending import Way, ways
from contacts.enums import ChannelKind
from scrm.core import formats
from scrm.core.models import User
from scrm.lib import clock
from service_desk import lines
from service_desk.enums import ConversationState
from service_desk.models import Conversation
from service_desk.queries.thread import Thread

TEXT_BYTES = 2048
"""Customer-service texts of an Official Account (WeChat, "custom/send")."""
MOST = 4000


@dataclass
class Composer:
    """What the box shows. ``own`` is the way by the conversation's own channel."""

    conversation: Conversation
    thread: Thread
    offered: list[Way]
    own: Way | None
    chosen: Way | None
    text: str = ""
    subject: str = ""
    error: str = ""
    meanwhile: bool = False
    """Somebody answered while this was written: the writer must look and send again."""
    note: bool = False
    colleagues: list[str] = field(default_factory=list)

    @property
    def blocked(self) -> str:
        """Why the conversation's own channel takes nothing now; empty when it does."""
        if self.own is None:
            return str(lines.why_closed("no_account"))
        return "" if self.own.open else lines.why_closed(self.own.reason)

    @property
    def closes_in(self) -> str:
        """Countdown of the reply window."""
        return formats.left(self.own.closes_at, clock.now()) if self.own and self.own.closes_at else ""

    @property
    def can_reply(self) -> bool:
        return bool(self.offered) and self.conversation.state != ConversationState.CLOSED

    @property
    def signature(self) -> str:
        """Changes when the ways to answer do, so that an open box is drawn again."""
        state = "closed" if self.conversation.state == ConversationState.CLOSED else "going"
        return "|".join([state, *(way.key for way in self.offered), self.chosen.key if self.chosen else ""])


def make(conversation: Conversation, thread: Thread, reader: User, way: str = "", **shown: object) -> Composer:
    """The box for one conversation; ``way`` is what was chosen before, taken when it is still offered."""
    found = ways(
        conversation.contact_id,
        channel=conversation.channel,
        identity_id=conversation.identity_id,
        comment=thread.comment is not None,
    )
    own = next((w for w in found if w.channel == conversation.channel and w.key == conversation.channel), None)
    offered = [w for w in found if w.open]
    by_key = {w.key: w for w in offered}
    usual = "comment" if thread.last_is_public and "comment" in by_key else conversation.channel
    chosen = by_key.get(way) or by_key.get(usual) or (offered[0] if offered else None)
    return Composer(conversation, thread, offered, own, chosen, **shown)


def label(way: Way) -> str:
    if way.key == "comment":
        return str(lines.comment_words())
    return str(ChannelKind(way.channel).label)


def body_data(composer: Composer, way: Way) -> dict[str, object]:
    """What goes into the message beside the text: the comment that is answered, the subject of a mail."""
    comment = composer.thread.comment
    if way.key == "comment" and comment is not None:
        return {name: comment.data[name] for name in ("comment_id", "post_id") if comment.data.get(name)}
    if way.channel == ChannelKind.EMAIL:
        return {"subject": composer.subject} if composer.subject else {}
    return {}


def fault(text: str, way: Way) -> str:
    """Why this text cannot go this way; empty when it can."""
    if way.channel == ChannelKind.OA and len(text.encode()) > TEXT_BYTES:
        return lines.too_long(len(text.encode()), TEXT_BYTES)
    return lines.too_long(len(text), MOST) if len(text) > MOST else ""
