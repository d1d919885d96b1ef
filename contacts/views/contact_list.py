"""The list of contacts and of unknown visitors, and what can be done to several of them at once."""

from dataclasses import dataclass, fields
from functools import cached_property
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from contacts import actions, counting, listing, queries
from contacts.enums import Stage
from contacts.forms.contact import TagNameForm
from contacts.models import Contact, Identity, Segment, Tag, Tagging
from contacts.reach import ADDRESS_KINDS, CHANNEL_OF
from contacts.sources import SOURCES, source_label
from scrm.core import formats
from scrm.core.access import requires
from scrm.core.enums import Level, Permission
from scrm.core.lists import Page
from scrm.core.lists import listing as cut
from scrm.core.pages import done, render_page

PAGE = 30
MOST_AT_ONCE = 500


@dataclass
class ContactPage(Page):
    """A listing whose count may be an estimate: a million rows are not counted for a page."""

    @classmethod
    def of(cls, page: Page) -> "ContactPage":
        return cls(**{f.name: getattr(page, f.name) for f in fields(page)})

    @cached_property
    def counted(self) -> counting.Count:
        return counting.count(self.matching)

    @property
    def count_text(self) -> str:
        number = formats.count(self.counted.number)
        if not self.counted.exact:
            return _("About %(n)s") % {"n": number}
        return ngettext("%(n)s person", "%(n)s people", self.counted.number) % {"n": number}


@require_GET
@requires(Permission.CONTACTS_VIEW)
def contact_list(request: HttpRequest) -> HttpResponse:
    wish = listing.read(request.GET)
    rows = listing.rows(wish, request.user).select_related("owner").defer("name_grams", "attributes")
    base = cut(request, rows, sorts=listing.SORTS, size=PAGE)
    page = ContactPage.of(base)
    page.is_filtered = bool(wish.active)
    context = {
        "page": page,
        "wish": wish,
        "people": decorated(page.rows),
        "stages": Stage.choices,
        "sources": SOURCES.items(),
        "channels": [(channel.value, channel.label) for channel in ADDRESS_KINDS],
        "tags": Tag.objects.all(),
        "segments": Segment.objects.order_by("name").only("id", "name"),
        "owners": queries.owners_for(request.user),
        "can_edit": request.user.can(Permission.CONTACTS_EDIT),
        "can_set_up": request.user.can(Permission.ROLES_EDIT),
        "scope": request.user.role.scope,
    }
    response = render_page(request, "contacts/contact_list.html", context)
    if request.htmx:  # the filter form sends every field: keep the empty ones out of the address
        kept = urlencode([(name, value) for name, value in request.GET.items() if value])
        response.headers["HX-Push-Url"] = f"{request.path}?{kept}" if kept else request.path
    return response


@require_POST
@requires(Permission.CONTACTS_EDIT)
def contact_bulk_tag(request: HttpRequest) -> HttpResponse:
    """Tag the ticked contacts. Ids that the user may not see are left out without a word, as everywhere."""
    back = request.POST.get("back", "")
    target = f"/contacts/?{back}" if back else "contacts:contact_list"
    form = TagNameForm(request.POST)
    ids = [int(pk) for pk in request.POST.getlist("contact") if pk.isdecimal() and len(pk) < 18][:MOST_AT_ONCE]
    if not ids:
        return done(request, target, _("Tick at least one contact first."), Level.WARN)
    if not form.is_valid():
        return done(request, target, _("Give the tag a name of at most 60 characters."), Level.BAD)
    seen = list(Contact.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", flat=True))
    actions.add_tag(contact_ids=seen, name=form.cleaned_data["name"].strip(), by=request.user)
    text = ngettext("%(n)s contact tagged “%(tag)s”.", "%(n)s contacts tagged “%(tag)s”.", len(seen))
    return done(request, target, text % {"n": len(seen), "tag": form.cleaned_data["name"].strip()})


@dataclass(frozen=True)
class Row:
    contact: Contact
    channels: list[str]
    tags: list[str]
    hint: str
    source: str

    @property
    def more_tags(self) -> int:
        return max(len(self.tags) - 3, 0)

    @property
    def first_tags(self) -> list[str]:
        return self.tags[:3]


def decorated(found: list[Contact]) -> list[Row]:
    """The rows of one page with their channels, tags and a masked handle: two queries, however many rows."""
    ids = [contact.pk for contact in found]
    channels: dict[int, list[str]] = {}
    hints: dict[int, str] = {}
    for identity in (
        Identity.objects.filter(contact__in=ids).only("contact_id", "kind", "hint", "reachable").order_by("-id")
    ):
        channel = CHANNEL_OF[identity.kind].value
        held = channels.setdefault(identity.contact_id, [])
        if identity.reachable and channel in ADDRESS_KINDS and channel not in held:
            held.append(channel)
        if channel != "web" or identity.contact_id not in hints:
            hints[identity.contact_id] = identity.hint
    tags: dict[int, list[str]] = {}
    for contact_id, name in (
        Tagging.objects.filter(contact__in=ids).order_by("tag__name").values_list("contact", "tag__name")
    ):
        tags.setdefault(contact_id, []).append(name)
    return [
        Row(
            contact,
            sorted(channels.get(contact.pk, [])),
            tags.get(contact.pk, []),
            hints.get(contact.pk, ""),
            source_label(contact),
        )
        for contact in found
    ]
