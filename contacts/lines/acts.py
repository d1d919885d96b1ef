"""Lines of what the person did."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.lines.line import Line, Note, Properties, Renderer, money_of, text_of

_MEDIA = {
    "image": "photo",
    "voice": "microphone",
    "video": "video",
    "shortvideo": "video",
    "location": "map-pin",
    "link": "link",
    "file": "file",
}


def followed(p: Properties) -> Line:
    scene = _scene(p)
    notes = (Note(_("by the QR code “%(scene)s”") % {"scene": scene}, "qrcode"),) if scene else ()
    return Line(_("Followed"), text_of(p, "account", "account_name"), notes=notes, tone="ok", icon="user-plus")


def unfollowed(p: Properties) -> Line:
    return Line(_("Unfollowed"), text_of(p, "account", "account_name"), tone="bad", icon="user-minus")


def scanned(p: Properties) -> Line:
    return Line(_("Scanned a QR code"), _scene(p), icon="qrcode")


def message_in(p: Properties) -> Line:
    kind = text_of(p, "type", "message_type") or "text"
    if kind in {"text", "event"} or text_of(p, "text", "content"):
        return Line(_("Wrote to us"), body=text_of(p, "text", "content"))
    names = {
        "image": _("a picture"),
        "voice": _("a voice message"),
        "video": _("a video"),
        "shortvideo": _("a video"),
        "location": _("a location"),
        "link": _("a link"),
        "file": _("a file"),
    }
    body = text_of(p, "recognition", "title", "label", "url")
    return Line(_("Sent us"), names.get(kind, kind), body=body, icon=_MEDIA.get(kind, ""))


def auto_replied(p: Properties) -> Line:
    return Line(_("Automatic reply"), body=text_of(p, "text", "content"), icon="robot", tone="mute")


def menu_clicked(p: Properties) -> Line:
    return Line(_("Clicked the menu"), text_of(p, "label", "name", "key", "url"), icon="menu-2")


def location_shared(p: Properties) -> Line:
    place = text_of(p, "label", "address", "city")
    if not place and text_of(p, "latitude") and text_of(p, "longitude"):
        place = f"{text_of(p, 'latitude')}, {text_of(p, 'longitude')}"
    return Line(_("Shared a location"), place, icon="map-pin")


def page_viewed(p: Properties) -> Line:
    return Line(_("Viewed the page"), text_of(p, "title", "name", "path", "url"), notes=_dwell(p) + _referrer(p))


def product_viewed(p: Properties) -> Line:
    name = text_of(p, "name", "title", "product", "sku", "product_id", "url")
    category = text_of(p, "category")
    notes: tuple[Note, ...] = (Note(category, "category"),) if category else ()
    return Line(_("Viewed the product"), name, notes=notes + _dwell(p) + _referrer(p), icon="shoe", tone="info")


def page_left(p: Properties) -> Line:
    return Line(_("Left the page"), text_of(p, "title", "path", "url"), notes=_dwell(p), icon="door-exit")


def form_submitted(p: Properties) -> Line:
    answers = p.get("answers") or p.get("fields")
    body = ""
    if isinstance(answers, dict):
        body = "\n".join(f"{key}: {value}" for key, value in list(answers.items())[:12])
    return Line(_("Submitted the form"), text_of(p, "form_name", "form", "name", "title"), body=body, icon="forms")


def identified(p: Properties) -> Line:
    how = {
        "email": _("by e-mail address"),
        "phone": _("by phone number"),
        "user_id": _("by user id"),
        "customer": _("by customer number"),
    }
    return Line(_("Became known"), how.get(text_of(p, "kind", "by"), ""), icon="id", tone="info")


def email_confirmed(p: Properties) -> Line:
    return Line(_("Confirmed the e-mail address"), text_of(p, "hint"), icon="mail-check", tone="ok")


def order_paid(p: Properties) -> Line:
    total = money_of(p, "total", "revenue", "value", "amount")
    return Line(
        _("Paid the order"), _order_number(p), body=_order_lines(p), amount=total, icon="shopping-bag", tone="ok"
    )


def order_refunded(p: Properties) -> Line:
    amount = money_of(p, "refunded", "amount", "refund", "total")
    return Line(
        _("Order refunded"),
        _order_number(p),
        body=text_of(p, "reason"),
        amount=-abs(amount) if amount is not None else None,
        icon="receipt-refund",
        tone="warn",
    )


def coupon_redeemed(p: Properties) -> Line:
    return Line(_("Used the coupon"), text_of(p, "name", "batch_name", "code"), icon="ticket", tone="ok")


def custom(kind: str, p: Properties) -> Line:
    """A track call under a name of the shop's own, or a kind that this version does not know."""
    name = kind.removeprefix("track:").replace("_", " ")
    told = [f"{key}: {value}" for key, value in p.items() if isinstance(value, str | int | float | Decimal)][:4]
    return Line(name, notes=tuple(Note(text[:120]) for text in told), icon="activity")


def _scene(p: Properties) -> str:
    return text_of(p, "scene_label", "label", "scene")


def _order_number(p: Properties) -> str:
    return text_of(p, "number", "order_number", "order_id", "external_id", "order")


def _order_lines(p: Properties) -> str:
    rows = p.get("lines") or p.get("products") or []
    named = [
        f"{text_of(row, 'name', 'title', 'sku', 'product_id')} × {row.get('quantity') or 1}"
        for row in rows[:6]
        if isinstance(row, dict)
    ]
    if named:
        rest = len(rows) - len(named)
        return ", ".join(named) + (" …" if rest > 0 else "")
    quantity = p.get("quantity")
    return ngettext("%(n)s piece", "%(n)s pieces", quantity) % {"n": quantity} if isinstance(quantity, int) else ""


def _dwell(p: Properties) -> tuple[Note, ...]:
    seconds = p.get("dwell_seconds") or p.get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 1:
        return ()
    minutes, rest = divmod(int(seconds), 60)
    spent = _("%(m)s min %(s)s s") % {"m": minutes, "s": rest} if minutes else _("%(s)s s") % {"s": rest}
    return (Note(spent, "clock"),)


def _referrer(p: Properties) -> tuple[Note, ...]:
    source = text_of(p, "utm_source", "referrer_label", "source")
    return (Note(_("from %(source)s") % {"source": source}),) if source else ()


RENDERERS: dict[str, Renderer] = {
    "followed": followed,
    "unfollowed": unfollowed,
    "scanned": scanned,
    "message_in": message_in,
    "auto_replied": auto_replied,
    "menu_clicked": menu_clicked,
    "location_shared": location_shared,
    "page_viewed": page_viewed,
    "product_viewed": product_viewed,
    "track:Page Left": page_left,
    "form_submitted": form_submitted,
    "identified": identified,
    "email_confirmed": email_confirmed,
    "order_paid": order_paid,
    "order_refunded": order_refunded,
    "coupon_redeemed": coupon_redeemed,
}
