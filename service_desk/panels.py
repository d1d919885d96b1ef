"""What this room adds to the profile of a contact (settings.CONTACT_PANELS)."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from contacts.models import Contact
from scrm.core.enums import Permission
from service_desk.lines import excerpt_text
from service_desk.models import Conversation

SHOWN = 4


def contact_conversations(request: HttpRequest, contact: Contact) -> SafeString | None:
    """The last conversations; nothing when there are none. One query."""
    rows = list(Conversation.objects.filter(contact=contact).select_related("assignee").order_by("-last_at")[:SHOWN])
    if not rows:
        return None
    for row in rows:
        row.shown = excerpt_text(row.excerpt)
    context = {"conversations": rows, "linked": request.user.can(Permission.SERVICE_WORK)}
    return render_to_string("service_desk/_contact_conversations.html", context, request)
