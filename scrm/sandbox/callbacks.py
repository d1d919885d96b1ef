"""The callbacks an Official Account sends to its developer's server: XML in the platform's form, queued in the record.

CreateTime is business time, since it says when the customer acted; the signature's timestamp is real time (outbox.py).
"""

import secrets
import sqlite3
import time
from dataclasses import dataclass

from scrm.lib import clock
from scrm.sandbox import store

Field = tuple[str, str | int | float]


@dataclass(frozen=True)
class Draft:
    """A callback before it is queued: its label for the log, the XML fields after the common four, whether a person waits."""

    label: str
    fields: list[Field]
    message: bool = False


def event(name: str, key: str | None = None, ticket: str = "") -> Draft:
    fields: list[Field] = [("MsgType", "event"), ("Event", name)]
    if key is not None:
        fields.append(("EventKey", key))
    if ticket:
        fields.append(("Ticket", ticket))
    return Draft(name, fields)


def location_report(latitude: float, longitude: float) -> Draft:
    position: list[Field] = [("Latitude", latitude), ("Longitude", longitude), ("Precision", 40.0)]
    return Draft("LOCATION", [("MsgType", "event"), ("Event", "LOCATION"), *position])


def message(kind: str, **fields: str | int | float) -> Draft:
    """A message by the person: text (Content), image (PicUrl, MediaId), voice (MediaId, Format, Recognition),
    link (Title, Description, Url), location (Location_X, Location_Y, Scale, Label)."""
    return Draft(kind, [("MsgType", kind), *fields.items()], message=True)


def queue(account: sqlite3.Row, openid: str, draft: Draft, *, act: int | None = None, after: float = 0.0) -> int:
    """Put a callback into the outbox, ``after`` real seconds from now; its id. Call inside the transaction of what caused it."""
    number = str(int(time.time() * 1_000_000) * 1000 + secrets.randbelow(1000)) if draft.message else ""
    common: list[Field] = [
        ("ToUserName", account["gh_id"]),
        ("FromUserName", openid),
        ("CreateTime", int(clock.now().timestamp())),
    ]
    tail: list[Field] = [("MsgId", int(number))] if number else []
    stamps = store.stamps()
    return store.add(
        "callback",
        appid=account["appid"],
        openid=openid,
        label=draft.label,
        msg_id=number,
        xml=render([*common, *draft.fields, *tail]),
        act=act,
        waits_reply=int(draft.message),
        next_real=stamps["at_real"] + after,
        **stamps,
    )


def template_finished(account: sqlite3.Row, openid: str, number: int) -> None:
    fields: list[Field] = [
        ("MsgType", "event"),
        ("Event", "TEMPLATESENDJOBFINISH"),
        ("MsgID", number),
        ("Status", "success"),
    ]
    queue(account, openid, Draft("TEMPLATESENDJOBFINISH", fields), after=0.5)


def render(fields: list[Field]) -> str:
    return "<xml>" + "".join(f"<{name}>{_text(value)}</{name}>" for name, value in fields) + "</xml>"


def _text(value: str | int | float) -> str:
    if isinstance(value, str):
        return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"
    return str(value)
