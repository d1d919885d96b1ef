"""Calls of the Segment HTTP tracking API as events of a person.

Source: Segment documentation, "HTTP API source", "Spec: Common fields" and "Spec: V2 ecommerce events".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from channels_ingest.connectors.base import Parsed, Raw
from channels_ingest.connectors.web import clean, orders
from channels_ingest.enums import BadReason, Trustee
from channels_ingest.models import Channel
from contacts.enums import ChannelKind, EventKind, IdentityKind, Trust
from contacts.identity import mask
from contacts.intake import Handle, Incoming
from scrm.lib import crypto

Call = dict[str, Any]
SHORT = {
    "i": "identify",
    "t": "track",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
    "b": "batch",
    "import": "batch",
}
_SKEW = timedelta(minutes=10)
_BROWSER_PAST = timedelta(days=30)
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_AGES = timedelta(days=365 * 200)
_NAMES = {
    "product viewed": EventKind.PRODUCT_VIEWED,
    "viewed product": EventKind.PRODUCT_VIEWED,
    "order completed": EventKind.ORDER_PAID,
    "completed order": EventKind.ORDER_PAID,
    "order refunded": EventKind.ORDER_REFUNDED,
    "cart updated": EventKind.CART_UPDATED,
    "form submitted": EventKind.FORM_SUBMITTED,
}
"""Names of the ecommerce spec (in words, any case) that the product knows by a kind of its own."""
_KNOWN_TRAITS = {"name", "language", "time_zone", "region", "city", "weibo_uid"}


@dataclass(slots=True)
class _Context:
    channel: Channel
    raw: Raw
    sent_at: datetime | None
    trust: int

    @property
    def browser(self) -> bool:
        return self.raw.trustee == Trustee.BROWSER


def parse(channel: Channel, raw: Raw) -> Parsed:
    """Events of one request, single call or batch. A call without a usable shape is left out and counted."""
    body = orjson.loads(raw.body)
    name = str(raw.notes.get("call", "track"))
    calls = body.get("batch") if name == "batch" else [{**body, "type": name}]
    shared = body.get("context") if name == "batch" else None
    trust = Trust.VERIFIED if raw.trustee == Trustee.SERVER else Trust.CLAIMED
    about = _Context(channel, raw, _time(body.get("sentAt")), trust)
    parsed = Parsed()
    for number, call in enumerate(calls):
        if problem := shape_problem(call):
            parsed.odd.append((BadReason.REFUSED_EVENT, problem, orjson.dumps(call).decode()[:600]))
            continue
        if isinstance(shared, dict):
            call = {**call, "context": {**shared, **(call.get("context") or {})}}
        parsed.incoming.append(_incoming(about, call, number))
    return parsed


def shape_problem(call: Any) -> str:
    """Why this is no call of the API; "" when it is one."""
    if not isinstance(call, dict):
        return "not an object"
    kind = call.get("type")
    if not isinstance(kind, str) or kind not in _TELL:
        return "unknown type"
    if not (_id(call.get("userId")) or _id(call.get("anonymousId")) or kind == "alias"):
        return "neither userId nor anonymousId"
    if kind == "track" and not (isinstance(call.get("event"), str) and call["event"].strip()):
        return "track without event"
    if kind == "alias" and not (
        _id(call.get("previousId")) and (_id(call.get("userId")) or _id(call.get("anonymousId")))
    ):
        return "alias without previousId and userId"
    if any(not isinstance(call.get(part) or {}, dict) for part in ("properties", "traits", "context")):
        return "properties, traits and context must be objects"
    return ""


def _incoming(about: _Context, call: Call, number: int) -> Incoming:
    kind, properties, traits, points = _TELL[call["type"]](about, call)
    message_id = _id(call.get("messageId"))
    return Incoming(
        kind=str(kind),
        channel=ChannelKind.WEB,
        occurred_at=_moment(about, call),
        account_id=about.channel.pk,
        external_id=f"{about.raw.trustee[0]}:{message_id}" if message_id else f"d{about.raw.id}:{number}",
        handles=_handles(about, call, points),
        properties=properties,
        traits=traits,
        source=_source(about.channel, call),
    )


def _handles(about: _Context, call: Call, points: list[tuple[str, str, int]]) -> list[Handle]:
    scope = about.channel.pk
    handles = []
    if user_id := _id(call.get("userId")):
        handles.append(Handle(IdentityKind.USER_ID, user_id, scope=scope, trust=about.trust))
    if anonymous := _id(call.get("anonymousId")):
        trust = Trust.VERIFIED if about.trust == Trust.VERIFIED else Trust.OBSERVED
        handles.append(Handle(IdentityKind.ANONYMOUS, anonymous, scope=scope, trust=trust))
    if call["type"] == "alias" and (previous := _id(call.get("previousId"))):
        handles.append(Handle(_previous_kind(previous, call), previous, scope=scope, trust=about.trust))
    handles += [Handle(kind, value, trust=trust) for kind, value, trust in points]
    return handles


def _previous_kind(previous: str, call: Call) -> str:
    """alias(previousId, userId): the old id is a browser's in all SDKs that make UUIDs, else an old user id."""
    looks_made = len(previous) >= 32 and all(c in "0123456789abcdefABCDEF-" for c in previous)
    return IdentityKind.ANONYMOUS if looks_made or previous == call.get("anonymousId") else IdentityKind.USER_ID


# What each call tells: kind, properties, traits, contact points (kind, normalised value, trust).
Told = tuple[str, dict[str, Any], dict[str, Any], list[tuple[str, str, int]]]


def _track(about: _Context, call: Call) -> Told:
    name = " ".join(call["event"].split())
    kind = _NAMES.get(name.replace("_", " ").lower(), "")
    given = call.get("properties") or {}
    points = [(*point, int(Trust.CLAIMED)) for point in clean.contact_points(given)]
    in_context = (call.get("context") or {}).get("traits")
    if isinstance(in_context, dict):
        points += [(*point, about.trust) for point in clean.contact_points(in_context)]
    if kind == EventKind.FORM_SUBMITTED:
        return EventKind.FORM_SUBMITTED, _form(call, given, points), {}, points
    properties = {**clean.values(given), **_seen_on(call, given)}
    if kind in {EventKind.ORDER_PAID, EventKind.ORDER_REFUNDED}:
        if about.browser and not about.channel.settings.get("browser_orders"):
            kind = ""  # anybody can make a browser say that it paid
        else:
            properties = orders.paid(properties) if kind == EventKind.ORDER_PAID else orders.refunded(properties)
    if kind == EventKind.CART_UPDATED:
        properties = orders.cart(properties)
    return kind or f"track:{clean.text(name, 90)}", properties, {}, points


def _form(call: Call, given: dict[str, Any], points: list[tuple[str, str, int]]) -> dict[str, Any]:
    """A form's answers without its contact points. ``email_index`` (keyed, not readable) finds the claimed address's
    identity, also when it stays with somebody else until the address is confirmed."""
    answers = clean.values({name: value for name, value in given.items() if name not in {"form", "consent"}})
    properties = {"form": clean.text(str(given.get("form") or ""), 80), "answers": answers, **_seen_on(call, {})}
    if "consent" in given:
        properties["consent"] = given["consent"] is True
    email = next((value for kind, value, _trust in points if kind == IdentityKind.EMAIL), "")
    if email:
        properties["email_hint"] = mask(IdentityKind.EMAIL, email)
        properties["email_index"] = str(crypto.blind_index(IdentityKind.EMAIL, email))
    return properties


def _page(about: _Context, call: Call) -> Told:
    given = call.get("properties") or {}
    page = (call.get("context") or {}).get("page")
    seen = {**(page if isinstance(page, dict) else {}), **given}
    if isinstance(call.get("name"), str):
        seen["name"] = call["name"]
    properties = {**clean.values(seen), **_seen_on(call, seen)}
    return EventKind.PAGE_VIEWED, properties, {}, []


def _screen(about: _Context, call: Call) -> Told:
    properties = {**clean.values(call.get("properties") or {}), "name": clean.text(str(call.get("name") or ""), 200)}
    return EventKind.PAGE_VIEWED, {**properties, "screen": True}, {}, []


def _identify(about: _Context, call: Call) -> Told:
    given = call.get("traits") or {}
    points = [(*point, about.trust) for point in clean.contact_points(given)]
    if not about.browser and (weibo := _id(given.get("weibo_uid"))) and weibo.isdigit():
        # An account that the shop bound by Weibo's own log-in; what a browser says of it proves nothing.
        points.append((IdentityKind.WEIBO_UID, weibo, about.trust))
    by = points[0][0] if points else ("user_id" if _id(call.get("userId")) else "")
    return EventKind.IDENTIFIED, {"by": str(by)} if by else {}, _traits(call, given), points


def _group(about: _Context, call: Call) -> Told:
    properties = {"group_id": _id(call.get("groupId")), "traits": clean.values(call.get("traits") or {})}
    return "track:Group", properties, {}, []


def _alias(about: _Context, call: Call) -> Told:
    return EventKind.IDENTIFIED, {"by": "alias"}, {}, []


_TELL: dict[str, Callable[[_Context, Call], Told]] = {
    "track": _track,
    "page": _page,
    "screen": _screen,
    "identify": _identify,
    "group": _group,
    "alias": _alias,
}


def _traits(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Traits under our names; custom ones as they are, when they are simple values."""
    flat = dict(given)
    address = flat.pop("address", None)
    context = call.get("context") or {}
    first, last = flat.pop("firstName", ""), flat.pop("lastName", "")
    found = {
        "name": flat.pop("name", "") or _full_name(str(first or ""), str(last or "")),
        "language": flat.pop("language", "") or context.get("locale", ""),
        "time_zone": flat.pop("timezone", "") or flat.pop("time_zone", "") or context.get("timezone", ""),
        **{name: flat.pop(name, "") for name in ("region", "city")},
    }
    if isinstance(address, dict):
        found["city"] = found["city"] or address.get("city", "")
        found["region"] = found["region"] or address.get("state", "") or address.get("region", "")
    traits = {name: clean.text(str(value), 120) for name, value in found.items() if value and isinstance(value, str)}
    for name, value in list(flat.items())[:50]:
        kept = clean.values(value)
        simple = isinstance(kept, str | int | float | bool) or (isinstance(kept, list) and len(kept) <= 20)
        if simple and not clean.handle_kind(name) and name not in _KNOWN_TRAITS:
            traits[clean.text(name, 60)] = kept
    return traits


def _full_name(first: str, last: str) -> str:
    chinese = any("\u4e00" <= c <= "\u9fff" for c in first + last)
    return f"{last}{first}" if chinese else f"{first} {last}".strip()


def _seen_on(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Where it happened, when the call does not say so itself; and the personal link that led here (``context.link``)."""
    context = call.get("context") or {}
    page = context.get("page") if isinstance(context.get("page"), dict) else {}
    found = {
        name: clean.text(str(page[name]), 500)
        for name in ("url", "title", "referrer")
        if page.get(name) and name not in given
    }
    if isinstance(context.get("link"), str) and context["link"]:
        found["link"] = clean.text(context["link"], 80)
    campaign = context.get("campaign")
    if isinstance(campaign, dict) and campaign:
        found["utm"] = {clean.text(str(k), 20): clean.text(str(v), 120) for k, v in list(campaign.items())[:8]}
    return found


def _source(channel: Channel, call: Call) -> dict[str, Any]:
    context = call.get("context") or {}
    campaign, page = context.get("campaign"), context.get("page")
    label = ""
    if isinstance(campaign, dict):
        parts = [str(campaign.get(name) or "") for name in ("source", "medium", "name")]
        label = " / ".join(clean.text(part, 40) for part in parts if part)
    if not label and isinstance(page, dict) and page.get("referrer"):
        label = _host(str(page["referrer"]))
        label = "" if label == _host(str(page.get("url") or "")) else label
    return {"kind": "web", "label": label or channel.name, "account_id": channel.pk}


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:80]
    except ValueError:
        return ""


def _moment(about: _Context, call: Call) -> datetime:
    """When it happened by our clock: the sender's clock error is taken out by ``sentAt``, as Segment does. A browser may
    not write history, and nobody the future. In a demo, what has no time of its own beside the clock's error happens in
    business time."""
    raw = about.raw
    told = _time(call.get("timestamp")) or _time(call.get("originalTimestamp"))
    if told is None:
        return raw.business_at
    sent = about.sent_at or _time(call.get("sentAt")) or raw.received_at
    age = sent - told
    anchor = raw.business_at if abs(age) <= _SKEW else raw.received_at
    if age <= -_AGES:
        return raw.business_at
    moment = min(anchor - age, raw.business_at) if age < _AGES else _EARLIEST
    if about.browser and moment < raw.business_at - _BROWSER_PAST:
        return raw.business_at
    return max(moment, _EARLIEST)


def _time(value: Any) -> datetime | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value > 1e11 else value
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _id(value: Any) -> str:
    """An id as text; numbers are taken as SDKs send them. Too long or absent: ""."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    told = str(value).replace("\0", "").strip()
    return told if len(told) <= 200 else ""
