"""The list beside the thread: folders, filters, counts. Every folder is one range of an index."""

from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import pgettext_lazy

from contacts import listing
from contacts.enums import ChannelKind
from contacts.models import Contact
from scrm.core.models import User
from scrm.lib import keyset
from service_desk.enums import ConversationState, TicketState
from service_desk.models import Conversation, Ticket

PAGE = 30
COUNTED_TO = 99
FOLDERS = {
    "mine": pgettext_lazy("conversations", "Mine"),
    "unassigned": pgettext_lazy("conversations", "Unassigned"),
    "all": pgettext_lazy("conversations", "All"),
    "snoozed": pgettext_lazy("conversations", "Snoozed"),
    "closed": pgettext_lazy("conversations", "Closed"),
}
COUNTED = ("mine", "unassigned", "all")
CHANNELS = [
    *(ChannelKind.OA, ChannelKind.WEIBO, ChannelKind.WECOM, ChannelKind.DOUYIN),
    *(ChannelKind.XHS, ChannelKind.EMAIL, ChannelKind.WEB),
]


@dataclass(frozen=True)
class Wish:
    """What the address asks for; what makes no sense there is left out."""

    folder: str = ""
    channel: str = ""
    q: str = ""
    at: str = ""

    @classmethod
    def read(cls, params: QueryDict) -> "Wish":
        folder, channel = params.get("folder", ""), params.get("channel", "")
        return cls(
            folder if folder in FOLDERS else "",
            channel if channel in ChannelKind.values else "",
            params.get("q", "").replace("\x00", "").strip()[:60],
            params.get("at", "")[:300],
        )

    def query(self, **changes: str) -> str:
        """The address's query string with other values; the place in the pages is forgotten unless it is given."""
        values = {"folder": self.folder, "channel": self.channel, "q": self.q, **changes}
        params = QueryDict(mutable=True)
        for name, value in values.items():
            if value:
                params[name] = value
        return params.urlencode()

    @property
    def kept(self) -> str:
        return self.query(at=self.at)


@dataclass
class Listed:
    """One page of the list."""

    wish: Wish
    rows: list[Conversation]
    counts: dict[str, int]
    next: str | None = None
    previous: str | None = None
    tickets: dict[int, Ticket] = field(default_factory=dict)

    @property
    def folders(self) -> list[dict[str, object]]:
        return [
            {
                "key": key,
                "label": label,
                "on": key == self.wish.folder,
                "query": self.wish.query(folder=key),
                "count": self.counts.get(key),
                "more": self.counts.get(key, 0) > COUNTED_TO,
            }
            for key, label in FOLDERS.items()
        ]


def read(user: User, wish: Wish) -> Listed:
    """One page and the counts: six queries, however many conversations there are."""
    counts = {key: _capped(folder(user, key)) for key in COUNTED}
    if not wish.folder:
        first = next((key for key in COUNTED if counts[key]), "all")
        wish = Wish(first, wish.channel, wish.q, wish.at)
    rows = narrowed(user, wish).select_related("contact", "assignee", "team")
    cut = keyset.page(rows.defer("contact__name_grams", "contact__attributes"), ["-last_at"], wish.at, PAGE)
    pks = [row.pk for row in cut.rows]
    tickets = Ticket.objects.filter(conversation__in=pks, state__in=[TicketState.OPEN, TicketState.PENDING])
    return Listed(wish, cut.rows, counts, cut.next, cut.previous, {t.conversation_id: t for t in tickets})


def folder(user: User, key: str) -> QuerySet[Conversation]:
    rows = Conversation.objects.visible_to(user)
    if key == "mine":
        return rows.filter(assignee=user, state=ConversationState.OPEN)
    if key == "unassigned":
        return rows.filter(assignee=None, state=ConversationState.OPEN)
    if key == "snoozed":
        return rows.filter(state=ConversationState.SNOOZED)
    if key == "closed":
        return rows.filter(state=ConversationState.CLOSED)
    return rows.filter(state=ConversationState.OPEN)


def narrowed(user: User, wish: Wish) -> QuerySet[Conversation]:
    rows = folder(user, wish.folder)
    if wish.channel:
        rows = rows.filter(channel=wish.channel)
    if wish.q.lstrip("#").isdecimal() and wish.q.startswith("#") and len(wish.q) < 18:
        return rows.filter(pk=int(wish.q[1:]))
    if wish.q:
        rows = rows.filter(contact__in=listing.matching(Contact.objects.living(), wish.q).values("pk"))
    return rows


def _capped(rows: QuerySet[Conversation]) -> int:
    return rows.order_by()[: COUNTED_TO + 1].count()
