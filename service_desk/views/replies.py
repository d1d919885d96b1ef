"""Writing to the customer and to each other."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from scrm.core.pages import is_fragment, trigger
from service_desk import actions, canned, lines
from service_desk import composer as box
from service_desk.access import conversation_for
from service_desk.forms.reply import NoteForm, ReplyForm
from service_desk.models import Conversation
from service_desk.queries import people
from service_desk.queries.canned import matching
from service_desk.views.parts import back, page_context, thread_context


@require_GET
@requires(Permission.SERVICE_WORK)
def conversation_composer(request: HttpRequest, pk: int) -> HttpResponse:
    """The empty box again, when the ways to answer have changed."""
    return _box(request, conversation_for(request.user, pk), way=request.GET.get("way", ""))


@require_GET
@requires(Permission.SERVICE_WORK)
def conversation_canned(request: HttpRequest, pk: int) -> HttpResponse:
    """Canned replies for what was typed after the slash, each as it would read for this customer."""
    found = conversation_for(request.user, pk)
    rows = matching(found.channel, request.GET.get("q", ""))
    known = canned.values(found.contact, request.user) if rows else {}
    offered = [canned.offered(row, known) for row in rows]
    return render(request, "service_desk/_canned.html", {"offered": offered, "q": request.GET.get("q", "")})


@require_POST
@requires(Permission.SERVICE_WORK)
def conversation_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the customer. What was typed is never lost: whatever stands in the way, it comes back in the box with the reason."""
    found = conversation_for(request.user, pk)
    form = ReplyForm(request.POST)
    typed = {
        "text": request.POST.get("text", ""),
        "way": request.POST.get("way", ""),
        "subject": request.POST.get("subject", ""),
    }
    if not form.is_valid():
        error = next(iter(form.errors.values()))[0]
        return _box(request, found, error=error, status=422, **typed)
    context = thread_context(request, found, **typed)
    written = context["box"]
    way = next((w for w in written.offered if w.key == typed["way"]), None)
    if way is None:
        return _box(request, found, error=written.blocked or _("Choose how to send it."), status=422, **typed)
    text = form.cleaned_data["text"]
    if error := box.fault(text, way):
        return _box(request, found, error=error, status=422, **typed)
    try:
        actions.post_reply(
            conversation=found,
            text=text,
            way=way,
            version=form.cleaned_data["version"],
            by=request.user,
            data=box.body_data(written, way),
            canned=form.cleaned_data["canned"],
        )
    except actions.Outdated:
        found = conversation_for(request.user, pk)
        return _box(request, found, meanwhile=True, status=422, **typed)
    except actions.Closed:
        return _box(request, found, error=_("The conversation is closed. Reopen it to answer."), status=422, **typed)
    except actions.CannotReply as refused:
        return _box(request, found, error=lines.why_closed(refused.reason), status=422, **typed)
    if is_fragment(request):
        fresh = _box(request, conversation_for(request.user, pk), way=way.key)
        return trigger(fresh, replied=True)
    return back(request, found, _("The reply is on its way."))


@require_POST
@requires(Permission.SERVICE_WORK)
def conversation_note(request: HttpRequest, pk: int) -> HttpResponse:
    """A private note."""
    found = conversation_for(request.user, pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        error = next(iter(form.errors.values()))[0]
        return _box(request, found, text=request.POST.get("text", ""), error=error, note=True, status=422)
    actions.post_note(conversation=found, text=form.cleaned_data["text"], by=request.user)
    if is_fragment(request):
        return trigger(_box(request, conversation_for(request.user, pk)), replied=True)
    return back(request, found, _("Noted."), Level.OK)


def _box(request: HttpRequest, found: Conversation, *, status: int = 200, **shown: object) -> HttpResponse:
    """The box alone for htmx, else the page around it."""
    if not is_fragment(request):
        return render(request, "service_desk/inbox.html", page_context(request, found, **shown), status=status)
    context = thread_context(request, found, **shown)
    context["box"].colleagues = [c.user.name for c in people.desk() if c.user.pk != request.user.pk]
    return render(request, "service_desk/_composer.html", context, status=status)
