"""The profile page and its timeline."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from contacts import lines, profile, queries, timeline
from contacts import reach as reaching
from contacts.access import contact_for, profile_of, survivor_of
from contacts.enums import ChannelKind, Stage
from contacts.models import Contact
from contacts.sources import source_label
from scrm.core.access import requires
from scrm.core.enums import Permission, Scope
from scrm.core.models import User
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
    person = profile_of(request.user, pk)
    if person is None:
        if survivor := survivor_of(request.user, pk):
            return redirect("contacts:contact", survivor.pk)
        raise Http404
    may_edit = request.user.can(Permission.CONTACTS_EDIT)
    owners = list(queries.owners_for(request.user, everybody=True)) if may_edit else []
    identities = list(person.identities.order_by("kind", "id"))
    consents = person.agreed
    shown = profile.shown_identities(identities, request.user)
    merges, proposals = profile.merges_of(person)
    now = clock.now()
    context = {
        **timeline_context(request, person, people=owners),
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
        **profile.tags(person),
        "consents": profile.consent_rows(identities, consents),
        "attributes": profile.attribute_rows(person),
        "stage_path": profile.stage_path(person),
        "orders": list(person.orders.order_by("-placed_at")[:3]),
        "order_mean": person.order_total / person.order_count if person.order_count else None,
        "days_since_order": profile.days_ago(person.last_order_at, now),
        "stages": Stage.choices,
        "owners": owners,
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


def timeline_context(
    request: HttpRequest, person: Contact, *, tally: bool = True, people: Sequence[User] = ()
) -> dict[str, Any]:
    """``people``: colleagues that are known already and need not be asked for by id."""
    group, channel = request.GET.get("group", ""), request.GET.get("channel", "")
    group = group if group in lines.GROUPS else ""
    channel = channel if channel in ChannelKind.values else ""
    cut = timeline.read(
        person,
        group=group,
        channel=channel,
        after=request.GET.get("after", ""),
        show_points=request.user.sees_contact_points,
        people=people,
    )
    today = localtime(clock.now()).date()
    context: dict[str, Any] = {
        "contact": person,
        "can_edit": request.user.can(Permission.CONTACTS_EDIT),
        "perms_orders": request.user.can(Permission.ORDERS_VIEW),
        "slice": cut,
        "group": group,
        "channel": channel,
        "today": today,
        "yesterday": today - timedelta(days=1),
    }
    if tally:
        whole = cut if not (group or channel or request.GET.get("after")) and not cut.after else None
        groups, channels = timeline.tally(person, whole)
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
