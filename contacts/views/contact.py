"""The profile page and its timeline."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from contacts import lines, profile, queries, timeline
from contacts import reach as reaching
from contacts.access import contact_for, survivor_of
from contacts.enums import ChannelKind, Stage
from contacts.models import Contact
from contacts.sources import source_label
from scrm.core.access import requires
from scrm.core.enums import Permission, Scope
from scrm.lib import clock

GROUP_LABELS = {
    "": _("All"),
    "conversation": _("Messages"),
    "browsing": _("Visits"),
    "orders": _("Orders"),
    "reach": _("What we sent"),
    "changes": _("Changes"),
}


@require_GET
@requires(Permission.CONTACTS_VIEW)
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """One person. A contact that was merged away leads to where it lives on."""
    if survivor := survivor_of(request.user, pk):
        return redirect("contacts:contact", survivor.pk)
    person = contact_for(request.user, pk)
    identities = list(person.identities.order_by("kind", "id"))
    consents = list(person.consents.all())
    shown = profile.shown_identities(identities, request.user)
    merges, proposals = profile.merges_of(person)
    now = clock.now()
    context = {
        **timeline_context(request, person),
        "identities": shown,
        "points": profile.points(shown),
        "merged": sum(1 for merge in merges if merge.state == "done"),
        "merges": merges,
        "proposals": proposals,
        "reach": [
            {"label": ChannelKind(item.channel).label, **vars(item), "state": item.state}
            for item in reaching.strip(identities, consents, now)
        ],
        "source": source_label(person),
        "tag_sources": profile.tag_sources(person),
        "tag_names": profile.tag_names(),
        "consents": profile.consent_rows(identities, consents),
        "attributes": profile.attribute_rows(person),
        "stage_path": profile.stage_path(person),
        "orders": list(person.orders.order_by("-placed_at")[:3]) if person.order_count else [],
        "order_mean": person.order_total / person.order_count if person.order_count else None,
        "days_since_order": profile.days_ago(person.last_order_at, now),
        "stages": Stage.choices,
        "owners": queries.owners_for(request.user, everybody=True)
        if request.user.can(Permission.CONTACTS_EDIT)
        else [],
        "hands_away": request.user.scope == Scope.OWN,
        "panels": profile.panels(request, person, settings.CONTACT_PANELS),
    }
    return render(request, "contacts/contact.html", context)


@require_GET
@requires(Permission.CONTACTS_VIEW)
def contact_timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """The timeline again under another filter, or with ``after`` only the days that come below."""
    person = contact_for(request.user, pk)
    more = bool(request.GET.get("after"))
    context = timeline_context(request, person, tally=not more)
    return render(request, "contacts/_days.html" if more else "contacts/_timeline.html", context)


def timeline_context(request: HttpRequest, person: Contact, *, tally: bool = True) -> dict[str, Any]:
    group, channel = request.GET.get("group", ""), request.GET.get("channel", "")
    group = group if group in lines.GROUPS else ""
    channel = channel if channel in ChannelKind.values else ""
    cut = timeline.read(
        person,
        group=group,
        channel=channel,
        after=request.GET.get("after", ""),
        show_points=request.user.sees_contact_points,
    )
    today = localtime(clock.now()).date()
    context: dict[str, Any] = {
        "contact": person,
        "can_edit": request.user.can(Permission.CONTACTS_EDIT),
        "slice": cut,
        "group": group,
        "channel": channel,
        "today": today,
        "yesterday": today - timedelta(days=1),
    }
    if tally:
        groups, channels = timeline.tally(person)
        total = sum(groups.values())
        context["line_groups"] = [
            {"value": name, "label": label, "number": groups[name] if name else total}
            for name, label in GROUP_LABELS.items()
            if not name or groups[name] or name == group
        ]
        context["line_channels"] = [
            {"value": kind.value, "label": kind.label, "number": channels[kind.value]}
            for kind in ChannelKind
            if channels[kind.value] or kind.value == channel
        ]
    return context
