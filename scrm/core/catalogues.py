"""Message catalogues: one per room, English in the source, Simplified Chinese in ``<room>/locale/zh_Hans``.

Babel reads the Python sources itself; a template is first turned into Python by Django's ``templatize``. The templates of
``templates/<room>/`` belong to the room; those of the shell (``templates/*.html``, ``templates/ui/``) to core.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

LOCALE = "zh_Hans"
KEYWORDS: dict[str, tuple | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_HEADER = rb"""# Simplified Chinese of Zhike. Made by `manage.py messages`; translate the empty lines.
msgid ""
msgstr ""
"Language: zh_Hans\n"
"Plural-Forms: nplurals=1; plural=0;\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""
_PLACE = re.compile(r"%\((\w+)\)[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]|%(?:\d+\$)?[sd]|\{(\w*)\}")


@dataclass(frozen=True)
class Room:
    name: str
    folder: Path
    templates: tuple[Path, ...]

    @property
    def po(self) -> Path:
        return self.folder / "locale" / LOCALE / "LC_MESSAGES" / "django.po"


def rooms() -> list[Room]:
    """Our own apps, and the sandbox, which is a program of its own."""
    base, shelf = settings.BASE_DIR, settings.BASE_DIR / "templates"
    found = []
    for app in apps.get_app_configs():
        folder = Path(app.path)
        if base not in folder.parents or "site-packages" in folder.parts:
            continue
        shared = (*sorted(shelf.glob("*.html")), shelf / "ui") if app.name == "scrm.core" else ()
        found.append(Room(app.label, folder, (shelf / app.label, *shared)))
    sandbox = base / "scrm" / "sandbox"
    if (sandbox / "__init__.py").exists():
        found.append(Room("sandbox", sandbox, (shelf / "sandbox", sandbox / "templates")))
    return found


def extracted(room: Room) -> Catalog:
    """What the sources of the room say now. Places are files without line numbers, so that edits make no noise."""
    catalogue = Catalog(locale=LOCALE, domain="django", fuzzy=False)
    for path, source in _sources(room):
        place = path.relative_to(settings.BASE_DIR).as_posix()
        try:
            found = list(extract("python", BytesIO(source), KEYWORDS, comment_tags=["Translators:"]))
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"{place}: {error}") from error
        for _line, text, comments, context in found:
            if text and (not isinstance(text, tuple) or text[0]):
                catalogue.add(text, locations=[(place, None)], auto_comments=comments, context=context)
    return catalogue


def _sources(room: Room) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(room.folder.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path, path.read_bytes()
    for shelf in room.templates:
        for path in [shelf] if shelf.is_file() else sorted(shelf.rglob("*.html")) if shelf.is_dir() else []:
            python = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            yield path, f"# coding: utf-8\n(\n{python}\n)".encode()  # in brackets no indentation counts


def stored(room: Room) -> Catalog:
    if not room.po.exists():
        return Catalog(locale=LOCALE, domain="django", fuzzy=False)
    with room.po.open("rb") as file:
        return read_po(file, locale=LOCALE, domain="django", ignore_obsolete=True)


def update(room: Room) -> Catalog:
    """Write the room's catalogue anew: new messages come in empty, unused ones go, translations stay. Never guesses."""
    fresh, before = extracted(room), stored(room)
    for message in fresh:
        known = before.get(message.id, message.context) if message.id else None
        if known is not None:
            message.string = known.string
            message.user_comments = known.user_comments
    write(room, fresh)
    return fresh


def write(room: Room, catalogue: Catalog) -> None:
    """Sorted, with a header that says no dates and no versions, so that an unchanged catalogue is an unchanged file."""
    if not len(catalogue) and not room.po.exists():
        return  # a room without words of its own needs no file
    buffer = BytesIO(_HEADER)
    buffer.seek(0, 2)
    write_po(buffer, catalogue, width=110, omit_header=True, sort_output=True)
    room.po.parent.mkdir(parents=True, exist_ok=True)
    if not room.po.exists() or room.po.read_bytes() != buffer.getvalue():
        room.po.write_bytes(buffer.getvalue())


def compile_room(room: Room) -> bool:
    """Write the ``.mo`` when the ``.po`` is newer; answers whether it did."""
    target = room.po.with_suffix(".mo")
    if not room.po.exists() or (target.exists() and target.stat().st_mtime >= room.po.stat().st_mtime):
        return False
    draft = target.with_suffix(f".{os.getpid()}")  # several processes may compile at once
    with draft.open("wb") as file:
        write_mo(file, stored(room))
    draft.replace(target)
    return True


def problems(room: Room) -> list[str]:
    """What is wrong with the room's translations: missing ones, stale catalogue, places that differ from the source."""
    wrong = []
    before = stored(room)
    for message in extracted(room):
        if not message.id:
            continue
        known = before.get(message.id, message.context)
        where = message.locations[0][0] if message.locations else room.name
        label = repr(message.id if isinstance(message.id, str) else message.id[0])
        if known is None or not _texts(known.string) or not all(_texts(known.string)):
            wrong.append(f"{where}: no translation of {label}")
        elif known.fuzzy:
            wrong.append(f"{where}: uncertain translation of {label}")
        elif odd := _odd_places(known):
            wrong.append(f"{where}: {odd} in the translation of {label}")
    return wrong


def conflicts(rooms_: list[Room]) -> list[str]:
    """Messages that two rooms translate differently: Django keeps one translation per message for the whole site, so
    the second room must say what it means with a context (pgettext)."""
    seen: dict[tuple[object, str | None], tuple[str, object]] = {}
    wrong = []
    for room in rooms_:
        if room.name == "sandbox":
            continue  # a program of its own
        for message in stored(room):
            if not message.id or not all(_texts(message.string)):
                continue
            first, string = seen.setdefault((message.id, message.context), (room.name, message.string))
            if string != message.string:
                wrong.append(
                    f"{room.name}: {message.id!r} is {message.string!r} here and {string!r} in {first}; use a context"
                )
    return wrong


def _texts(string: str | tuple[str, ...] | list[str]) -> list[str]:
    return [string] if isinstance(string, str) else list(string)


def _odd_places(message: Message) -> str:
    """Named places of the translation must be those of the source (of the plural, which has them all)."""
    ids = _texts(message.id)
    wanted = {match.group(0) for text in ids for match in _PLACE.finditer(text)}
    needed = {match.group(0) for match in _PLACE.finditer(ids[-1])}
    for text in _texts(message.string):
        given = {match.group(0) for match in _PLACE.finditer(text)}
        if extra := given - wanted:
            return f"unknown place {', '.join(sorted(extra))}"
        if lost := needed - given:
            return f"lost place {', '.join(sorted(lost))}"
    return ""
