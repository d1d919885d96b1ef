"""Weibo's callbacks and polled items as events of a person: one pure function per kind.

Source: Weibo open platform, "Fans service, message types" (text, position, voice, image, event, mention) and
"comments/to_me", "comments/mentions", "statuses/mentions". Times are like "Tue May 31 17:46:55 +0800 2011".
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings

from channels_ingest.connectors.base import Parsed, Raw
from channels_ingest.connectors.weibo.edge import key_of
from channels_ingest.enums import BadReason
from channels_ingest.models import Channel
from contacts.enums import ChannelKind, EventKind, IdentityKind, Trust
from contacts.intake import Handle, Incoming

Message = dict[str, Any]
Told = tuple[str, dict[str, Any]]
_FORMAT = "%a %b %d %H:%M:%S %z %Y"
_SKEW = timedelta(minutes=10)


def parse(channel: Channel, raw: Raw) -> Parsed:
    """Events of one callback or polled item. Unknown ones give none and are counted; raises on a body that is neither."""
    told = orjson.loads(raw.body)
    feed = raw.notes.get("feed")
    if feed:
        return _item(channel, raw, str(feed), told)
    kind = str(told.get("type", "")).lower()
    tell = (
        EVENTS.get(str((told.get("data") or {}).get("subtype", "")).lower()) if kind == "event" else MESSAGES.get(kind)
    )
    sender = _uid(told.get("sender_id"))
    if tell is None or not sender:
        return Parsed(odd=[(BadReason.UNKNOWN_EVENT, f"{kind} {told.get('data', '')}"[:200], "")])
    key = str(key_of("callback", raw.body.hex()))
    event, properties = tell(told)
    return Parsed([_event(channel, raw, event, properties, sender, told.get("created_at"), key)])


def _item(channel: Channel, raw: Raw, feed: str, item: Message) -> Parsed:
    """A comment on our posts, or a post or comment that mentions us."""
    user = item.get("user") or {}
    author = _uid(user.get("idstr") or user.get("id"))
    number = _uid(item.get("idstr") or item.get("id"))
    if not author or not number:
        return Parsed(odd=[(BadReason.REFUSED_EVENT, f"{feed}: no author or id", "")])
    if author == channel.settings.get("uid"):
        return Parsed()  # our own words
    post = item.get("status") or {}
    is_post = feed == "statuses"
    properties = {
        "text": _text(item.get("text")),
        "post_id": number if is_post else _uid(post.get("idstr") or post.get("id")),
        "post_text": "" if is_post else _text(post.get("text"))[:200],
        "author": _text(user.get("screen_name"))[:60],
    }
    if not is_post:
        properties["comment_id"] = number
        above = item.get("reply_comment") or {}
        if above.get("id"):
            properties["reply_to"] = _uid(above.get("idstr") or above.get("id"))
    event = EventKind.COMMENTED if feed == "comments" else EventKind.MENTIONED
    traits = {"name": properties["author"]} if properties["author"] else {}
    if isinstance(user.get("followers_count"), int):
        traits["weibo_followers"] = user["followers_count"]
    kept = {name: value for name, value in properties.items() if value}
    key = f"{'post' if is_post else 'comment'}:{number}"
    return Parsed([_event(channel, raw, event, kept, author, item.get("created_at"), key, traits)])


def _event(channel, raw, event, properties, uid, told_at, key, traits=None) -> Incoming:  # type: ignore[no-untyped-def]
    return Incoming(
        kind=str(event),
        channel=ChannelKind.WEIBO,
        occurred_at=_moment(told_at, raw),
        account_id=channel.pk,
        external_id=key,
        handles=(Handle(IdentityKind.WEIBO_UID, uid, trust=Trust.VERIFIED),),
        properties=properties,
        traits=traits or {},
        source={"kind": "weibo", "label": channel.name, "account_id": channel.pk},
    )


def _moment(told_at: Any, raw: Raw) -> datetime:
    """The platform's time, never later than the arrival; in a demo the platform double may run by the other clock."""
    try:
        moment = datetime.strptime(str(told_at), _FORMAT).astimezone(UTC)
    except ValueError:
        return raw.business_at
    if moment > raw.business_at or (settings.DEMO and moment < raw.business_at - _SKEW):
        return raw.business_at
    return moment


def _uid(value: Any) -> str:
    told = str(value or "").strip()
    return told if told.isascii() and told.isdigit() and len(told) <= 24 else ""


def _text(value: Any) -> str:
    return str(value or "").replace("\0", "").strip()[:2000]


def _said(kind: str) -> Callable[[Message], Told]:
    def tell(message: Message) -> Told:
        data = message.get("data") or {}
        found = {
            "type": kind,
            "text": _text(message.get("text")),
            "media": _text(data.get("tovfid") or data.get("vfid")),
        }
        return EventKind.MESSAGE_IN, {name: value for name, value in found.items() if value}

    return tell


def _place(message: Message) -> Told:
    data = message.get("data") or {}
    found = {"type": "location", "text": _text(message.get("text"))}
    for name in ("latitude", "longitude"):
        try:
            found[name] = float(data[name])
        except (KeyError, TypeError, ValueError):
            continue
    return EventKind.MESSAGE_IN, found


def _mention(message: Message) -> Told:
    data = message.get("data") or {}
    name = "comment_id" if data.get("subtype") == "comment" else "post_id"
    found = {"text": _text(message.get("text")), name: _uid(data.get("key"))}
    return EventKind.MENTIONED, {key: value for key, value in found.items() if value}


def _scene(message: Message) -> dict[str, Any]:
    key = _text((message.get("data") or {}).get("key"))
    return {"scene": key[:120]} if key else {}


def _follow(message: Message) -> Told:
    return EventKind.FOLLOWED, {}


def _unfollow(message: Message) -> Told:
    return EventKind.UNFOLLOWED, {}


def _scan(message: Message) -> Told:
    return EventKind.SCANNED, _scene(message)


def _menu(message: Message) -> Told:
    data = message.get("data") or {}
    return EventKind.MENU_CLICKED, {"type": str(data.get("subtype", "")), "key": _text(data.get("key"))[:120]}


MESSAGES: dict[str, Callable[[Message], Told]] = {
    "text": _said("text"),
    "image": _said("image"),
    "voice": _said("voice"),
    "position": _place,
    "mention": _mention,
}
EVENTS: dict[str, Callable[[Message], Told]] = {
    "follow": _follow,
    "unfollow": _unfollow,
    "subscribe": _follow,
    "unsubscribe": _unfollow,
    "scan": _scan,
    "scan_follow": _scan,
    "click": _menu,
    "view": _menu,
}
