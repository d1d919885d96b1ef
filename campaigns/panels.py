"""What this room adds to the profile of a contact (settings.CONTACT_PANELS)."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from campaigns.models import Coupon, Message
from campaigns.sending.reasons import TONES
from contacts.models import Contact

SHOWN = 6


def contact_messages(request: HttpRequest, contact: Contact) -> SafeString | None:
    """The last messages with state and reason, and the coupons; nothing when there are none. Two queries."""
    rows = list(
        Message.objects.filter(contact=contact)
        .select_related("content")
        .defer("decisions", "context")
        .order_by("-id")[: SHOWN + 1]
    )
    coupons = list(Coupon.objects.filter(contact=contact).select_related("batch").order_by("-id")[:SHOWN])
    if not rows and not coupons:
        return None
    messages = [{"message": row, "tone": TONES[row.state]} for row in rows[:SHOWN]]
    context = {"contact": contact, "messages": messages, "more": len(rows) > SHOWN, "coupons": coupons}
    return render_to_string("campaigns/_contact_messages.html", context, request)
