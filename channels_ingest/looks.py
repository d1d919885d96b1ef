"""Words and tones of states, and texts from outside as pages may show them."""

import re

from django.utils.translation import gettext as _

from channels_ingest.enums import DeliveryState, State
from contacts.enums import IdentityKind
from contacts.identity import mask

STATE_TONES = {State.ACTIVE: "ok", State.PAUSED: "mute", State.BROKEN: "bad"}
DELIVERY_TONES = {
    DeliveryState.PENDING: "info",
    DeliveryState.DONE: "ok",
    DeliveryState.DEAD: "bad",
    DeliveryState.DISCARDED: "mute",
}
_EMAIL = re.compile(r"[^\s@<>\"'=:&?]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_OPENID = re.compile(r"\bo[A-Za-z0-9_-]{27}\b")


def masked(text: str) -> str:
    """A raw body or an error with its contact points masked."""
    text = _EMAIL.sub(lambda found: mask(IdentityKind.EMAIL, found[0]), text)
    text = _PHONE.sub(lambda found: mask(IdentityKind.PHONE, "+86" + found[0]), text)
    return _OPENID.sub(lambda found: mask(IdentityKind.OPENID, found[0]), text)


def said(reason: str) -> str:
    """A connector's sentence in the reader's language; what is not in the catalogue is shown as it is."""
    return _(reason) if reason else ""
