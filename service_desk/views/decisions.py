"""Who has a conversation, until when it rests, and whether it is done."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from service_desk import actions
from service_desk.access import conversation_for
from service_desk.forms.decisions import AssignForm, SnoozeForm
from service_desk.queries import people
from service_desk.queries.inbox import Wish
from service_desk.views.parts import back


@require_POST
@requires(Permission.SERVICE_WORK)
def conversation_take(request: HttpRequest, pk: int) -> HttpResponse:
    found = conversation_for(request.user, pk)
    actions.assign_conversation(conversation=found, to=request.user, team=found.team, by=request.user)
    return back(request, found, _("The conversation is yours."))


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_WORK)
def conversation_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand it to a colleague, to a team or back to the queue (a modal)."""
    found = conversation_for(request.user, pk)
    desk = people.desk()
    form = AssignForm(
        request.POST if request.method == "POST" else None, conversation=found, colleagues=[c.user for c in desk]
    )
    if request.method == "POST" and form.is_valid():
        to = form.cleaned_data["to"]
        actions.assign_conversation(
            conversation=found, to=to, team=form.cleaned_data["team"], note=form.cleaned_data["note"], by=request.user
        )
        text = _("Handed to {name}.").format(name=to.name) if to else _("Back in the queue.")
        return back(request, found, text)
    context = {
        "conversation": found,
        "form": form,
        "desk": desk,
        "kept": request.POST.get("back") or Wish.read(request.GET).kept,
    }
    return render(request, "service_desk/assign.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "POST"])
@requires(Permission.SERVICE_WORK)
def conversation_snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Until a time (a modal with the usual ones)."""
    found = conversation_for(request.user, pk)
    form = SnoozeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.snooze_conversation(conversation=found, until=form.cleaned_data["until"], by=request.user)
        except actions.Closed:
            return back(request, found, _("The conversation is closed."), Level.WARN)
        return back(request, found, _("It comes back then, or when the customer writes."))
    kept = request.POST.get("back") or Wish.read(request.GET).kept
    context = {"conversation": found, "form": form, "choices": form.choices(), "kept": kept}
    return render(request, "service_desk/snooze.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@requires(Permission.SERVICE_WORK)
def conversation_close(request: HttpRequest, pk: int) -> HttpResponse:
    found = conversation_for(request.user, pk)
    actions.close_conversation(conversation=found, by=request.user)
    return back(request, found, _("Closed. The customer’s next message opens a new conversation."))


@require_POST
@requires(Permission.SERVICE_WORK)
def conversation_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    found = conversation_for(request.user, pk)
    try:
        actions.reopen_conversation(conversation=found, by=request.user)
    except actions.Closed as closed:
        text = _("This customer has a newer conversation here: #{n}. It goes on there.").format(n=closed.going)
        return back(request, found, text, Level.WARN)
    return back(request, found, _("The conversation is open again."))


@require_POST
@requires(Permission.SERVICE_WORK)
def presence(request: HttpRequest) -> HttpResponse:
    """Online or away, as the agent says."""
    actions.set_presence(away=request.POST.get("state") == "away", by=request.user)
    return redirect("service_desk:inbox")
