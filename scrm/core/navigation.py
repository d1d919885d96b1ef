"""The menu. Each room lists its items; ``settings.NAVIGATION`` names the lists in order."""

from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from scrm.core.enums import Permission
from scrm.core.models import User

SECTIONS = {
    "": "",
    "customers": _("Customers"),
    "service": _("Service"),
    "sales": _("Sales"),
    "marketing": _("Marketing"),
    "insight": _("Insight"),
    "system": _("System"),
}


@dataclass(frozen=True)
class Item:
    """One line of the menu. ``permission`` None shows it to everybody. ``under`` is the path that marks it as current
    when it is not simply the item's own address (several pages share one item)."""

    label: str
    url_name: str
    icon: str
    permission: Permission | None
    section: str
    under: str = ""


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    icon: str
    current: bool = False
    outside: bool = False


@dataclass(frozen=True)
class Section:
    label: str
    links: list[Link]


def items() -> list[Item]:
    """All items in the order of settings. A room without a menu yet is left out."""
    found: list[Item] = []
    for path in settings.NAVIGATION:
        module, _dot, name = path.rpartition(".")
        try:
            found += getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    return found


def links_for(user: User, path: str) -> list[tuple[Item, Link]]:
    """What the user may open; the link with the longest matching address is the current one."""
    open_to = [item for item in items() if item.permission is None or user.can(item.permission)]
    urls = {item: url for item in open_to if (url := _url(item))}
    matching = [item for item, url in urls.items() if _covers(item.under or url, path)]
    current = max(matching, key=lambda item: len(item.under or urls[item]), default=None)
    return [(item, Link(item.label, url, item.icon, item is current)) for item, url in urls.items()]


def sections_for(request: HttpRequest) -> list[Section]:
    """The menu of the request's user, empty sections left out. No query."""
    links = links_for(request.user, request.path)
    if settings.DEMO:
        sandbox = Item(_("Customer sandbox"), "", "device-mobile", None, "system")
        links.append((sandbox, Link(sandbox.label, settings.SANDBOX_PUBLIC_URL, sandbox.icon, outside=True)))
    grouped = [Section(label, [link for item, link in links if item.section == key]) for key, label in SECTIONS.items()]
    return [section for section in grouped if section.links]


def home_for(user: User) -> str:
    """Where log-in leads: the first page of the menu that the user may open, else the own profile."""
    links = links_for(user, "")
    return links[0][1].url if links else reverse("core:profile")


def _url(item: Item) -> str | None:
    try:
        return reverse(item.url_name)
    except NoReverseMatch:
        return None


def _covers(prefix: str, path: str) -> bool:
    return path == prefix if prefix == "/" else path.startswith(prefix)


ITEMS = [
    Item(_("Settings"), "core:company", "settings", Permission.ROLES_EDIT, "system", under="/settings/"),
    Item(_("Audit log"), "core:audit_list", "history", Permission.AUDIT_VIEW, "system"),
]
