"""Official Account callbacks as events of a person: one pure function per event name.

Names and fields: WeChat developer documentation, "Receive standard messages" and "Receive events".
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
from django.conf import settings

from channels_ingest.connectors import xml
from channels_ingest.connectors.base import Parsed, Raw
from channels_ingest.connectors.wechat_oa.edge import dedupe_key
from channels_ingest.connectors.wechat_oa.names import told_name
from channels_ingest.enums import BadReason
from channels_ingest.models import Channel
from contacts.enums import ChannelKind, EventKind, IdentityKind, Trust
from contacts.intake import Handle, Incoming

Message = dict[str, object]
Told = tuple[str, dict[str, object]]
"""An event kind and its properties."""

DELIVERY_REPORT = "delivery_report"
"""What a platform says about a message of ours: {"platform_id", "status": delivered | failed, "detail"}; no act of the person."""
_SKEW = timedelta(minutes=10)


def parse(channel: Channel, raw: Raw) -> Parsed:
    """Events of one callback. An unknown event gives none and is counted; raises on a body that is no callback at all."""
    body = raw.body
    message = orjson.loads(body) if body.lstrip()[:1] == b"{" else xml.parse(body)
    name = str(message.get("Event", "")).lower()
    kind = str(message.get("MsgType", "")).lower()
    tell = EVENTS.get(name) if kind == "event" else MESSAGES.get(kind)
    openid = str(message.get("FromUserName", ""))
    if tell is None or not openid:
        return Parsed(odd=[(BadReason.UNKNOWN_EVENT, f"{kind} {name}".strip()[:200], "")])
    moment, key = _moment(message, raw), dedupe_key(message, body)
    handle = Handle(IdentityKind.OPENID, openid, scope=channel.pk, trust=Trust.VERIFIED)
    told = tell(message)
    if name == "subscribe" and raw.notes.get("replied"):
        told.append((EventKind.AUTO_REPLIED, {"text": raw.notes["replied"]}))
    return Parsed(
        [
            Incoming(
                kind=str(event),
                channel=ChannelKind.OA,
                occurred_at=moment,
                account_id=channel.pk,
                external_id=f"{key}:{number}" if number else str(key),
                handles=(handle,),
                properties=properties,
                traits=_traits(event, properties),
                source=_source(channel, properties) if event == EventKind.FOLLOWED else None,
            )
            for number, (event, properties) in enumerate(told)
        ]
    )


def _moment(message: Message, raw: Raw) -> datetime:
    """The platform's CreateTime, never later than the arrival. In a demo the platform double may run by the other clock;
    what is far off is stamped by the business clock."""
    try:
        told = datetime.fromtimestamp(int(str(message.get("CreateTime"))), UTC)
    except (ValueError, OverflowError, OSError):
        return raw.business_at
    if told > raw.business_at + _SKEW or (settings.DEMO and told < raw.business_at - _SKEW):
        return raw.business_at
    return told


def _source(channel: Channel, properties: dict[str, object]) -> dict[str, object]:
    if properties.get("scene"):
        return {"kind": "qr_scene", "label": properties["scene"], "account_id": channel.pk}
    return {"kind": "oa", "label": channel.name, "account_id": channel.pk}


def _traits(event: str, properties: dict[str, object]) -> dict[str, object]:
    """What the person told us of themselves in a message."""
    name = told_name(str(properties.get("text") or "")) if event == EventKind.MESSAGE_IN else ""
    return {"name": name} if name else {}


def _said(kind: str, message: Message, *names: tuple[str, str]) -> Told:
    """A message the person wrote: its type and the fields worth keeping."""
    found = {ours: message[theirs] for ours, theirs in names if message.get(theirs) not in (None, "")}
    return EventKind.MESSAGE_IN, {"type": kind, **found}


def _text(message: Message) -> list[Told]:
    return [_said("text", message, ("text", "Content"), ("menu", "bizmsgmenuid"))]


def _image(message: Message) -> list[Told]:
    return [_said("image", message, ("media", "MediaId"), ("url", "PicUrl"))]


def _voice(message: Message) -> list[Told]:
    return [_said("voice", message, ("media", "MediaId"), ("format", "Format"), ("text", "Recognition"))]


def _video(message: Message) -> list[Told]:
    return [_said("video", message, ("media", "MediaId"), ("thumb", "ThumbMediaId"))]


def _link(message: Message) -> list[Told]:
    return [_said("link", message, ("text", "Title"), ("description", "Description"), ("url", "Url"))]


def _place(message: Message) -> list[Told]:
    """A location sent as a message: the person wrote to us, and shared a place."""
    place = _point(message.get("Location_X"), message.get("Location_Y"))
    said = _said("location", message, ("text", "Label"))
    return [said, (EventKind.LOCATION_SHARED, {**place, "label": message.get("Label", "")})] if place else [said]


def _subscribe(message: Message) -> list[Told]:
    scene = str(message.get("EventKey") or "").removeprefix("qrscene_")
    return [(EventKind.FOLLOWED, {"scene": scene} if scene else {})]


def _unsubscribe(message: Message) -> list[Told]:
    return [(EventKind.UNFOLLOWED, {})]


def _scan(message: Message) -> list[Told]:
    return [(EventKind.SCANNED, {"scene": str(message.get("EventKey") or "")})]


def _location(message: Message) -> list[Told]:
    place = _point(message.get("Latitude"), message.get("Longitude"))
    return [(EventKind.LOCATION_SHARED, {**place, "precision": message.get("Precision", "")})] if place else []


def _menu(kind: str) -> Callable[[Message], list[Told]]:
    """Only ``click`` and the scanning buttons open the one-minute reply window; opening a page does not."""

    def tell(message: Message) -> list[Told]:
        properties = {"type": kind, "key": str(message.get("EventKey") or "")}
        scanned = message.get("ScanCodeInfo")
        if isinstance(scanned, dict) and scanned.get("ScanResult"):
            properties["result"] = str(scanned["ScanResult"])
        return [(EventKind.MENU_CLICKED, properties)]

    return tell


def _template_report(message: Message) -> list[Told]:
    status = str(message.get("Status", ""))
    report: dict[str, object] = {"platform_id": str(message.get("MsgID", "")), "machine": True}
    if status == "success":
        return [(DELIVERY_REPORT, {**report, "status": "delivered"})]
    return [(DELIVERY_REPORT, {**report, "status": "failed", "detail": status})]


def _about_the_account(message: Message) -> list[Told]:
    """A report about a job of the whole account: known, kept in the inbox, nothing any one person did."""
    return []


def _point(latitude: object, longitude: object) -> dict[str, object]:
    try:
        place = {"latitude": float(str(latitude)), "longitude": float(str(longitude))}
    except ValueError:
        return {}
    return place if abs(place["latitude"]) <= 90 and abs(place["longitude"]) <= 180 else {}


MESSAGES: dict[str, Callable[[Message], list[Told]]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "shortvideo": _video,
    "link": _link,
    "location": _place,
}
EVENTS: dict[str, Callable[[Message], list[Told]]] = {
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "scan": _scan,
    "location": _location,
    "click": _menu("click"),
    "view": _menu("view"),
    "view_miniprogram": _menu("view"),
    "scancode_push": _menu("scan"),
    "scancode_waitmsg": _menu("scan"),
    "pic_sysphoto": _menu("picture"),
    "pic_photo_or_album": _menu("picture"),
    "pic_weixin": _menu("picture"),
    "location_select": _menu("place"),
    "templatesendjobfinish": _template_report,
    "masssendjobfinish": _about_the_account,
    "publishjobfinish": _about_the_account,
}
