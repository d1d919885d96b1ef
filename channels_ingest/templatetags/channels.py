"""Atoms of the channel pages: {% load channels %}."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from channels_ingest import looks, remedies
from channels_ingest.enums import State
from scrm.core.templatetags.ui import badge

register = template.Library()
register.filter("said", looks.said)
register.filter("masked", looks.masked)


@register.simple_tag
def input_remedy(row, channel=None) -> str:
    """{% input_remedy row channel %}: what to do about refused input."""
    return remedies.input_remedy(channel.kind if channel else "", row.reason)


_ICONS = {State.ACTIVE: "circle-check", State.PAUSED: "player-pause", State.BROKEN: "plug-off"}


@register.simple_tag
def channel_state(channel) -> SafeString:
    """{% channel_state channel %}: active, paused or broken; of an active one also whether it ever, or still, works."""
    if channel.state == State.ACTIVE and channel.present_error:
        return badge(_("Last call failed"), "warn", "alert-triangle")
    if channel.state == State.ACTIVE and not channel.proven:
        return badge(pgettext("channel", "Not proven yet"), "warn", "plug-connected")
    return badge(channel.get_state_display(), looks.STATE_TONES[channel.state], _ICONS[channel.state])
