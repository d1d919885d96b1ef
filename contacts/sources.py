"""Where somebody was first seen, in words."""

from django.utils.translation import gettext_lazy as _

from contacts.models import Contact

SOURCES = {
    "qr_scene": _("Scene QR code"),
    "oa": _("Official Account"),
    "weibo": _("Weibo"),
    "web": _("Web site"),
    "order": _("Order"),
    "import": _("Import"),
    "api": _("Interface"),
    "campaign": _("Campaign"),
    "referral": _("Referral"),
}


def source_label(contact: Contact) -> str:
    """For example “Scene QR code: shop window”; a dash when unknown."""
    kind = str(SOURCES.get(contact.source_kind, contact.source_kind))
    if kind and contact.source_label:
        return str(_("%(kind)s: %(label)s") % {"kind": kind, "label": contact.source_label})
    return kind or contact.source_label or "—"
