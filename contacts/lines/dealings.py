"""Lines of posts and comments, carts and parcels, tickets and leads."""

from django.utils.translation import gettext as _

from contacts.lines.line import Line, Note, Properties, Renderer, money_of, text_of


def commented(p: Properties) -> Line:
    return Line(_("Commented"), text_of(p, "post_text", "post_title"), body=text_of(p, "text"), icon="message-2")


def mentioned(p: Properties) -> Line:
    return Line(_("Mentioned us"), body=text_of(p, "text"), icon="at")


def liked(p: Properties) -> Line:
    return Line(_("Liked the post"), text_of(p, "post_text", "post_title"), icon="heart")


def reposted(p: Properties) -> Line:
    return Line(_("Reposted"), text_of(p, "post_text", "post_title"), body=text_of(p, "text"), icon="repeat")


def cart_updated(p: Properties) -> Line:
    return Line(_("Changed the cart"), body=_names(p), amount=money_of(p, "total", "value"), icon="shopping-cart")


def order_placed(p: Properties) -> Line:
    return Line(
        _("Placed the order"), _order(p), body=_names(p), amount=money_of(p, "total"), icon="shopping-cart-check"
    )


def order_shipped(p: Properties) -> Line:
    notes = tuple(Note(text) for text in (text_of(p, "carrier"), text_of(p, "tracking_number")) if text)
    return Line(_("Order shipped"), _order(p), notes=notes, icon="truck-delivery", tone="info")


def order_delivered(p: Properties) -> Line:
    return Line(_("Order delivered"), _order(p), icon="package", tone="ok")


def order_invoiced(p: Properties) -> Line:
    number = text_of(p, "invoice_number", "number")
    return Line(_("Order invoiced"), _order(p), notes=(Note(number),) if number else (), icon="file-invoice")


def order_cancelled(p: Properties) -> Line:
    return Line(_("Order cancelled"), _order(p), body=text_of(p, "reason"), icon="shopping-cart-off", tone="warn")


def ticket_opened(p: Properties) -> Line:
    return Line(_("Ticket opened"), text_of(p, "title"), icon="lifebuoy", tone="warn")


def ticket_solved(p: Properties) -> Line:
    return Line(_("Ticket solved"), text_of(p, "title"), icon="checks", tone="ok")


def ticket_reopened(p: Properties) -> Line:
    return Line(_("Ticket reopened"), text_of(p, "title"), icon="rotate", tone="warn")


def ticket_closed(p: Properties) -> Line:
    return Line(_("Ticket closed"), text_of(p, "title"), icon="lock", tone="mute")


def satisfaction_rated(p: Properties) -> Line:
    stars = text_of(p, "stars")
    given = "★" * min(int(stars), 5) if stars.isdigit() else ""
    return Line(_("Rated our service"), given, body=text_of(p, "text"), icon="star", tone="info")


def lead_opened(p: Properties) -> Line:
    return Line(
        _("Became a lead"), text_of(p, "title", "source"), body=text_of(p, "why"), icon="target-arrow", tone="info"
    )


def lead_assigned(p: Properties) -> Line:
    return Line(_("Lead assigned"), text_of(p, "owner_name"), icon="user-check", tone="mute")


def lead_closed(p: Properties) -> Line:
    return Line(_("Lead closed"), text_of(p, "outcome_name", "outcome"), body=text_of(p, "reason"), icon="target-off")


def _order(p: Properties) -> str:
    return text_of(p, "order_id")


def _names(p: Properties) -> str:
    lines = p.get("lines")
    if not isinstance(lines, list):
        return ""
    told = [(text_of(line, "name", "sku"), text_of(line, "quantity")) for line in lines[:6] if isinstance(line, dict)]
    return "\n".join(f"{name} × {quantity}" if quantity not in ("", "1") else name for name, quantity in told if name)


RENDERERS: dict[str, Renderer] = {
    "commented": commented,
    "mentioned": mentioned,
    "liked": liked,
    "reposted": reposted,
    "cart_updated": cart_updated,
    "order_placed": order_placed,
    "order_shipped": order_shipped,
    "order_delivered": order_delivered,
    "order_invoiced": order_invoiced,
    "order_cancelled": order_cancelled,
    "ticket_opened": ticket_opened,
    "ticket_solved": ticket_solved,
    "ticket_reopened": ticket_reopened,
    "ticket_closed": ticket_closed,
    "satisfaction_rated": satisfaction_rated,
    "lead_opened": lead_opened,
    "lead_assigned": lead_assigned,
    "lead_closed": lead_closed,
}
