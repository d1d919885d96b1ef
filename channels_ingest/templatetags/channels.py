"""Atoms of the channel pages: {% load channels %}."""

from django import template
from django.utils.safestring import SafeString

from channels_ingest import looks
from channels_ingest.enums import State
from scrm.core.templatetags.ui import badge

register = template.Library()
register.filter("said", looks.said)
register.filter("masked", looks.masked)

_ICONS = {State.ACTIVE: "circle-check", State.PAUSED: "player-pause", State.BROKEN: "plug-off"}


@register.simple_tag
def channel_state(channel) -> SafeString:
    """{% channel_state channel %}: active, paused or broken."""
    return badge(channel.get_state_display(), looks.STATE_TONES[channel.state], _ICONS[channel.state])
