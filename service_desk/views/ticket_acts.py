"""What the buttons of a ticket do. Each carries the version its page showed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from scrm.core.access import fetch, requires
from scrm.core.enums import Level, Permission
from scrm.core.pages import done
from service_desk import actions
from service_desk.access import colleagues
from service_desk.enums import Priority, Speech
from service_desk.models import Ticket
from service_desk.ticket_access import ticket_for


def _act(request: HttpRequest, pk: int, action: Callable[..., Ticket], text, **more) -> HttpResponse:
    found = ticket_for(request.user, pk)
    version = request.POST.get("version", "")
    try:
        action(ticket=found, by=request.user, version=int(version) if version.isdigit() else -1, **more)
    except actions.Outdated:
        text = _("Somebody changed the ticket meanwhile. Look at it again, then decide.")
        return done(request, "service_desk:ticket", text, Level.WARN, pk=pk)
    except actions.WrongState:
        text = _("That cannot be done in the state the ticket is in now.")
        return done(request, "service_desk:ticket", text, Level.WARN, pk=pk)
    except actions.AnotherOpen as other:
        text = _("The conversation has another ticket, #%(n)s, that is not solved.") % {"n": other.ticket}
        return done(request, "service_desk:ticket", text, Level.WARN, pk=pk)
    return done(request, "service_desk:ticket", str(text), pk=pk)


def _simple(action: Callable[..., Ticket], text) -> Callable[..., HttpResponse]:
    @require_POST
    @requires(Permission.SERVICE_WORK)
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        return _act(request, pk, action, text)

    return view


ticket_accept = _simple(actions.accept_ticket, gettext_lazy("The ticket is yours."))
ticket_pending = _simple(actions.set_pending, gettext_lazy("We wait for the customer; the clock stands."))
ticket_solve = _simple(actions.solve_ticket, gettext_lazy("Solved."))
ticket_reopen = _simple(actions.reopen_ticket, gettext_lazy("Open again."))


@require_POST
@requires(Permission.SERVICE_WORK)
def ticket_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """``to`` a colleague's number, or empty for the queue."""
    wanted = request.POST.get("to", "")
    to = fetch(colleagues(), pk=int(wanted)) if wanted.isdigit() else None
    text = _("%(name)s has the ticket now.") % {"name": to.name} if to else _("Back in the queue.")
    return _act(request, pk, actions.assign_ticket, text, to=to)


@require_POST
@requires(Permission.SERVICE_WORK)
def ticket_priority(request: HttpRequest, pk: int) -> HttpResponse:
    wanted = request.POST.get("priority", "")
    if not wanted.isdigit() or int(wanted) not in Priority.values:
        return done(request, "service_desk:ticket", _("Choose a priority."), Level.BAD, pk=pk)
    return _act(request, pk, actions.set_priority, _("The promise follows the priority."), priority=int(wanted))


@require_POST
@requires(Permission.SERVICE_WORK)
def ticket_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """One click: it is no complaint. ``label`` says what it is, a question when nothing is said."""
    label = request.POST.get("label") or Speech.QUESTION.value
    if label not in Speech.values or label == Speech.COMPLAINT:
        return done(request, "service_desk:ticket", _("Choose what it is."), Level.BAD, pk=pk)
    text = _("Closed as no complaint. The detector learns from it.")
    return _act(request, pk, actions.dismiss_ticket, text, label=label)
