"""Search over all rooms. ``settings.SEARCH_PROVIDERS`` names functions ``provide(user, q, limit) -> list[Group]``; each
shows only what the user may see."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from scrm.core.models import User
from scrm.core.navigation import links_for


@dataclass(frozen=True)
class Hit:
    """One line. ``icon`` is a Tabler icon; ``look`` a tone or channel class; ``hint`` small text on the right."""

    title: str
    url: str
    icon: str = "file"
    hint: str = ""
    look: str = ""


@dataclass(frozen=True)
class Group:
    label: str
    hits: list[Hit] = field(default_factory=list)


def pages_for(user: User, q: str, limit: int) -> list[Group]:
    """Pages of the menu whose name contains the words."""
    found = [
        Hit(str(link.label), link.url, link.icon)
        for _item, link in links_for(user, "")
        if q.casefold() in str(link.label).casefold()
    ]
    return [Group(_("Pages"), found[:limit])]
