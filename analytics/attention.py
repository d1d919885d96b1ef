"""What needs a person now: broken channels, dead letters, sends of unknown outcome, people to review.

Each line leads to its list.
"""

from dataclasses import dataclass

from django.db.models import Count, Exists, Min, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Campaign, Content, Message
from channels_ingest.looks import said
from channels_ingest.models import Channel, Delivery
from contacts.models import Merge, PoisonEvent
from journeys.models import Journey
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
    if _has_begun(user):
        return []
    detail = _("Channel, colleagues, content, campaign, journey")
    return [Line("list-check", "info", _("First steps are left"), detail, reverse("core:first_steps"))]


def _has_begun(user: User) -> bool:
    """The steps of the checklist in one query, since the overview is opened all the time. The checklist tells them singly."""
    heard = Q(last_callback_at__isnull=False) | Q(checked_at__isnull=False) | Q(last_sent_at__isnull=False)
    return User.objects.filter(
        Exists(Channel.objects.filter(heard)),
        Exists(User.objects.active().exclude(pk=user.pk)),
        Exists(Content.objects.filter(system_key="", state="approved")),
        Exists(Campaign.objects.exclude(state__in=["draft", "cancelled"])),
        Exists(Journey.objects.exclude(state="draft")),
        pk=user.pk,
    ).exists()
