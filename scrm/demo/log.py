"""What the product did for the sandbox's customers, as lines the sandbox can show. Demo mode only; the sandbox has no
other way in.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_GET

from contacts.enums import IdentityKind
from contacts.identity.normalise import normalise
from contacts.lines import describe
from contacts.models import Contact, Event, Identity
from scrm.core.access import public
from scrm.core.looks import CHANNELS
from scrm.lib import crypto

LIMIT = 200
_KINDS = [IdentityKind.OPENID, IdentityKind.EMAIL, IdentityKind.ANONYMOUS, IdentityKind.WEIBO_UID]


@public
@require_GET
def demo_log(request: HttpRequest) -> JsonResponse:
    """``who``: handles of one customer (openid, e-mail, anonymous id), several allowed. ``after``: the last line seen."""
    if not settings.DEMO:
        raise Http404
    people = _people(request.GET.getlist("who")[:20])
    after = request.GET.get("after", "0")
    events = (
        Event.objects.filter(contact_id__in=people, id__gt=int(after) if after.isdecimal() else 0).order_by("id")[
            :LIMIT
        ]
        if people
        else []
    )
    language = request.GET.get("lang", "zh-hans")
    with translation.override(language if language in dict(settings.LANGUAGES) else "zh-hans"):
        items = [_item(event) for event in events]
    return JsonResponse({"items": items, "contacts": [reverse("contacts:contact", args=[pk]) for pk in people]})


def _people(handles: list[str]) -> list[int]:
    """The living contacts that these handles lead to."""
    wanted = {
        crypto.blind_index(kind, value)
        for handle in handles
        for kind in _KINDS
        if (value := normalise(kind, handle)) is not None
    }
    found = set(Identity.objects.filter(index__in=wanted, kind__in=_KINDS).values_list("contact_id", flat=True))
    return list(Contact.objects.living().filter(pk__in=found).order_by("pk").values_list("pk", flat=True))


def _item(event: Event) -> dict[str, object]:
    line = describe(event.kind, event.properties, show_points=True)
    detail = " · ".join(str(part) for part in (line.body, *(note.text for note in line.notes)) if part)
    return {
        "id": event.id,
        "at": event.recorded_at.isoformat(),
        "kind": event.kind,
        "icon": line.icon or CHANNELS.get(event.channel, ("point", ""))[0],
        "tone": line.tone,
        "channel": event.channel,
        "title": f"{line.title} {line.subject}".strip(),
        "detail": detail[:300],
        "url": _url(event),
        "badge": "",
    }


def _url(event: Event) -> str:
    message = event.properties.get("message")
    if event.kind.startswith("message_") and message:
        return reverse("campaigns:message_detail", args=[message])
    return reverse("contacts:contact", args=[event.contact_id])
