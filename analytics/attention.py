"""What needs a person now: broken channels, dead letters, sends of unknown outcome, people to review.

Each line leads to its list.
"""

from dataclasses import dataclass

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Message
from channels_ingest.looks import said
from channels_ingest.models import Channel, Delivery
from contacts.models import Merge, PoisonEvent
from scrm.core import first_steps
from scrm.core.enums import Permission
from scrm.core.models import User


@dataclass(frozen=True, slots=True)
class Line:
    icon: str
    tone: str
    title: str
    detail: str
    url: str


def attention(user: User) -> list[Line]:
    """Only what this user may open, each by a small indexed query."""
    lines: list[Line] = []
    lines += _first_steps(user)
    if user.can(Permission.CHANNELS_VIEW):
        for channel in Channel.objects.filter(state="broken")[:3]:
            title = _("Channel “{name}” is broken").format(name=channel.name)
            lines.append(
                Line(
                    "plug-off",
                    "bad",
                    title,
                    said(channel.broken_reason),
                    reverse("channels_ingest:channel_detail", args=[channel.pk]),
                )
            )
        dead = Delivery.objects.filter(state="dead").count()
        if dead:
            title = ngettext("{n} callback could not be read", "{n} callbacks could not be read", dead).format(
                n=f"{dead:,}"
            )
            lines.append(
                Line(
                    "mail-exclamation",
                    "bad",
                    title,
                    _("Replay or discard them"),
                    reverse("channels_ingest:dead_letter_list"),
                )
            )
        poison = PoisonEvent.objects.filter(replayed_at=None).count()
        if poison:
            title = ngettext("{n} event was set aside", "{n} events were set aside", poison).format(n=f"{poison:,}")
            lines.append(
                Line(
                    "alert-octagon",
                    "bad",
                    title,
                    _("A rule could not digest it"),
                    reverse("channels_ingest:poison_list"),
                )
            )
    if user.can(Permission.CAMPAIGNS_EDIT):
        unknown = Message.objects.filter(state="unknown").count()
        if unknown:
            title = ngettext("{n} message of unknown outcome", "{n} messages of unknown outcome", unknown).format(
                n=f"{unknown:,}"
            )
            lines.append(
                Line(
                    "help-octagon",
                    "warn",
                    title,
                    _("The platform may or may not have them"),
                    reverse("campaigns:message_list") + "?state=unknown",
                )
            )
    if user.can(Permission.CONTACTS_EDIT):
        proposed = Merge.objects.filter(state="proposed").aggregate(n=Count("pk"), first=Min("pk"))
        if review := proposed["n"]:
            title = ngettext("{n} possible duplicate to review", "{n} possible duplicates to review", review).format(
                n=f"{review:,}"
            )
            first = reverse("contacts:merge", args=[proposed["first"]])
            lines.append(Line("users-group", "info", title, _("Two contacts share a weak sign"), first))
    return lines


def _first_steps(user: User) -> list[Line]:
    """The checklist of a new company, for whoever runs it, as long as something is left."""
    if not user.can(Permission.ROLES_EDIT):
        return []
    left = first_steps.left(first_steps.steps_for(user))
    if not left:
        return []
    title = ngettext("{n} of the first steps is left", "{n} of the first steps are left", left).format(n=left)
    detail = _("Channel, colleagues, content, campaign, journey")
    return [Line("list-check", "info", title, detail, reverse("core:first_steps"))]
