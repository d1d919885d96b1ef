"""What leads add to the profile of a contact (settings.CONTACT_PANELS)."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from contacts.models import Contact, Lead
from scrm.core.enums import Permission


def contact_lead(request: HttpRequest, contact: Contact) -> SafeString | None:
    """The newest lead that the reader may see, or the button that makes one. One query."""
    if not (contact.known and request.user.can(Permission.LEADS_WORK)):
        return None
    lead = Lead.objects.visible_to(request.user).filter(contact=contact).select_related("owner").order_by("-pk").first()
    return render_to_string("contacts/_lead_panel.html", {"contact": contact, "lead": lead}, request)
