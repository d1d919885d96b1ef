"""Tickets: the list, one ticket with everything an agent needs, a new one by hand."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from contacts import timeline
from contacts.access import contact_for
from contacts.identity import CannotMerge
from contacts.listing import matching
from contacts.models import Contact
from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.models import User
from scrm.core.pages import done, render_page
from service_desk import routing
from service_desk.access import colleagues
from service_desk.actions import AnotherOpen, link_customer, open_ticket
from service_desk.enums import BreachLevel, Priority, Speech, TicketKind, TicketState
from service_desk.flow import Desk
from service_desk.forms.ticket import TicketForm
from service_desk.models import Conversation, Ticket
from service_desk.queries import people, thread
from service_desk.sla import Clock
from service_desk.ticket_access import of_team, ticket_for, tickets_for

_EVENTS = 8
WHOSE = [
    ("mine", gettext_lazy("Mine")),
    ("team", gettext_lazy("My team’s")),
    ("queue", gettext_lazy("In the queue")),
]
PROMISE = [("late", gettext_lazy("Overdue")), ("soon", gettext_lazy("Warned"))]


@require_GET
@requires(Permission.SERVICE_WORK)
def ticket_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        tickets_for(request.user),
        sorts={"due": ("due_at", "-opened_at"), "opened": "-opened_at", "priority": ("-priority", "opened_at")},
        facets=[
            Facet("whose", _("Whose"), WHOSE, lambda rows, values: _whose(rows, values[0], request.user), many=False),
            Facet("state", _("State"), TicketState.choices, lambda rows, values: rows.filter(state__in=values)),
            Facet("priority", _("Priority"), Priority.choices, lambda rows, values: rows.filter(priority__in=values)),
            Facet("kind", _("Kind"), TicketKind.choices, lambda rows, values: rows.filter(kind__in=values)),
            Facet("promise", _("Promise"), PROMISE, _promise),
        ],
        search=Search(_("Number, title or customer"), _search),
    )
    return render_page(request, "service_desk/ticket_list.html", {"page": page})


@require_GET
@requires(Permission.SERVICE_WORK)
def ticket(request: HttpRequest, pk: int) -> HttpResponse:
    found = ticket_for(request.user, pk)
    return render_page(request, "service_desk/ticket.html", context_of(request, found), partial=("ticket-live",))


def context_of(request: HttpRequest, found: Ticket) -> dict[str, Any]:
    """What the page shows of a ticket; a fixed number of queries."""
    desk, user = Desk(), request.user
    [work] = desk.load([found])
    seen = Contact.objects.visible_to(user).filter(pk=found.contact_id).exists()
    place = found.conversation
    slice_ = timeline.read(found.contact, group="", channel="", after="", show_points=False)
    entries = [entry for day in slice_.days for entry in day.entries][:_EVENTS]
    team = list(colleagues())
    held = routing.loads(person.pk for person in team)
    return {
        "ticket": found,
        "clocks": [_shown(one, work, desk) for one in _worth_showing(desk.clocks(work))],
        "spans": work.spans,
        "now": desk.now,
        "seen": seen,
        "thread": thread.read(place, user) if place is not None else None,
        "known": people.known(place or Conversation(contact=found.contact), user),
        "entries": entries,
        "colleagues": [(person, held.get(person.pk, 0)) for person in team],
        "priorities": Priority.choices,
        "labels": [(value, label) for value, label in Speech.choices if value != Speech.COMPLAINT],
        "breaches": list(found.breaches.filter(level=BreachLevel.BREACH).order_by("at")),
        "surveys": list(found.surveys.select_related("agent").order_by("cycle")),
        "follow_ups": list(found.follow_ups.order_by("pk")[:5]),
        "offers": list(found.offers.select_related("agent").order_by("-pk")[:5]),
    }


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_WORK)
def ticket_new(request: HttpRequest) -> HttpResponse:
    """For ``?contact=`` or ``?conversation=``: a ticket is always about somebody."""
    place = None
    if wanted := _number(request.GET.get("conversation")):
        place = fetch(Conversation.objects.visible_to(request.user).select_related("contact"), pk=wanted)
    person = place.contact if place else contact_for(request.user, _number(request.GET.get("contact")))
    form = TicketForm(request.POST or None, initial={"kind": TicketKind.COMPLAINT if place else TicketKind.TASK})
    if request.method == "POST" and form.is_valid():
        try:
            made = open_ticket(contact=person, conversation=place, by=request.user, **form.cleaned_data)
            return done(request, "service_desk:ticket", _("Ticket #%(n)s is open.") % {"n": made.pk}, pk=made.pk)
        except AnotherOpen as other:
            text = _("This conversation has ticket #%(n)s, which is not solved.") % {"n": other.ticket}
            form.add_error(None, text)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "person": person, "place": place}
    return render(request, "service_desk/ticket_new.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_WORK, Permission.CONTACTS_EDIT)
def ticket_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Whom the unknown complainer really is: search for the customer, then merge on the word of staff."""
    found = ticket_for(request.user, pk)
    q = (request.POST.get("q") or request.GET.get("q") or "").strip()[:100]
    mine = Contact.objects.visible_to(request.user).exclude(pk=found.contact_id)
    people_found = list(matching(mine, q).order_by("-last_seen_at", "-id")[:10]) if q else []
    if request.method == "POST":
        return _link(request, found, contact_for(request.user, _number(request.POST.get("contact"))))
    context = {"ticket": found, "q": q, "people": people_found}
    return render_page(request, "service_desk/ticket_link.html", context, partial=("link-people",))


def _link(request: HttpRequest, found: Ticket, known: Contact) -> HttpResponse:
    if known.pk == found.contact_id:
        return done(request, "service_desk:ticket", _("That is the same customer."), Level.WARN, pk=found.pk)
    try:
        link_customer(ticket=found, known=known, by=request.user)
    except CannotMerge:
        return done(request, "service_desk:ticket", _("One of the two was merged meanwhile."), Level.WARN, pk=found.pk)
    text = _("Linked with %(name)s. It can be undone on the profile.") % {"name": known.display_name}
    return done(request, "service_desk:ticket", text, pk=found.pk)


def _worth_showing(found: list[Clock]) -> list[Clock]:
    """The first reply, the wait that runs or the last one, and every cycle of the resolution."""
    waits = [one for one in found if one.metric == "next"]
    return [one for one in found if one.metric != "next" or one is waits[-1]]


def _shown(one: Clock, work, desk: Desk) -> dict[str, Any]:
    left = one.left
    if one.breached_at:
        tone = "bad"
    elif one.ended_at:
        tone = "ok"
    elif one.paused:
        tone = "mute"
    else:
        tone = "warn" if one.warn_at is not None and one.warn_at <= desk.now else "info"
    return {
        "clock": one,
        "tone": tone,
        "percent": round(one.ratio * 100),
        "elapsed": duration(one.elapsed),
        "target": duration(one.target),
        "left": duration(max(left, 0)),
        "many": one.metric == "solve" and one.trigger > 1,
    }


def duration(seconds: float) -> str:
    """Working time: 45 min, 3 h 20 min. Not days: a working day has no fixed length."""
    minutes = int(seconds // 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(n)s min") % {"n": rest}
    return _("%(h)s h %(m)s min") % {"h": hours, "m": rest} if rest else _("%(h)s h") % {"h": hours}


def _whose(rows: QuerySet, value: str, user: User) -> QuerySet:
    if value == "mine":
        return rows.filter(assignee=user)
    if value == "queue":
        return rows.filter(assignee=None, state=TicketState.OPEN)
    return rows.filter(of_team(user))


def _promise(rows: QuerySet, values: list[str]) -> QuerySet:
    wanted = Q()
    for value in values:
        wanted |= Q(**{value: True})
    return rows.filter(wanted)


def _search(rows: QuerySet, text: str) -> QuerySet:
    if text.lstrip("#").isdigit() and len(text) < 12:
        return rows.filter(pk=int(text.lstrip("#")))
    people_found = matching(Contact.objects.living(), text).order_by().values("pk")
    return rows.filter(Q(title__icontains=text) | Q(contact__in=people_found))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 18 else 0
