"""The inbox: list, thread and customer in one workbench."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from scrm.core.access import requires
from scrm.core.enums import Permission
from service_desk import actions
from service_desk.access import conversation_for
from service_desk.queries import people, thread
from service_desk.views.parts import list_context, page_context, thread_context


@require_GET
@requires(Permission.SERVICE_WORK)
def inbox(request: HttpRequest) -> HttpResponse:
    """The list, with no conversation chosen yet."""
    return render(request, "service_desk/inbox.html", page_context(request, None))


@require_GET
@requires(Permission.SERVICE_WORK)
def inbox_rows(request: HttpRequest) -> HttpResponse:
    """The list again, when something has changed."""
    actions.note_seen(user=request.user)
    on = request.GET.get("on", "")
    context = list_context(request, int(on) if on.isdecimal() and len(on) < 18 else None)
    return render(request, "service_desk/_rows.html", {**context, "again": True})


@require_GET
@requires(Permission.SERVICE_WORK)
def conversation(request: HttpRequest, pk: int) -> HttpResponse:
    found = conversation_for(request.user, pk)
    return render(request, "service_desk/inbox.html", page_context(request, found))


@require_GET
@requires(Permission.SERVICE_WORK)
def conversation_thread(request: HttpRequest, pk: int) -> HttpResponse:
    """What is said, again; with ``before`` only the page that lies before."""
    found = conversation_for(request.user, pk)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 18:
        shown = thread.read(found, request.user, int(before))
        context = {"conversation": found, "contact": found.contact, "thread": shown}
        return render(request, "service_desk/_items.html", context)
    actions.mark_read(conversation=found)
    return render(request, "service_desk/_thread.html", {**thread_context(request, found), "again": True})


@require_GET
@requires(Permission.SERVICE_WORK)
def conversation_info(request: HttpRequest, pk: int) -> HttpResponse:
    found = conversation_for(request.user, pk)
    context = {"conversation": found, "contact": found.contact, "known": people.known(found, request.user)}
    return render(request, "service_desk/_info.html", context)
