"""Catalogues: nothing untranslated, places as in the source, translations kept."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scrm.core import catalogues
from scrm.core.catalogues import Room

SOURCE = """from django.utils.translation import gettext as _, ngettext, pgettext
A = _("Hello %(name)s")
B = ngettext("%(n)s dog", "%(n)s dogs", 2)
C = pgettext("verb", "Open")
"""
TEMPLATE = """{% if a %}
      {% translate "From a template" %}
   {% endif %}{% blocktranslate trimmed count n=rows|length %}
  {{ n }} cat{% plural %}{{ n }} cats{% endblocktranslate %}"""


@pytest.fixture
def room(tmp_path: Path, settings) -> Room:
    settings.BASE_DIR = tmp_path
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "views.py").write_text(SOURCE)
    shelf = tmp_path / "templates" / "zoo"
    shelf.mkdir(parents=True)
    (shelf / "list.html").write_text(TEMPLATE)
    return Room("zoo", tmp_path / "zoo", (shelf,))


def translate(room: Room, texts: dict[str, str]) -> None:
    catalogue = catalogues.stored(room)
    for message in catalogue:
        first = message.id if isinstance(message.id, str) else message.id[0]
        if first in texts:
            message.string = texts[first] if isinstance(message.id, str) else (texts[first],)
    catalogues.write(room, catalogue)


GOOD = {
    "Hello %(name)s": "你好 %(name)s",
    "%(n)s dog": "%(n)s 只狗",
    "Open": "打开",
    "From a template": "来自模板",
    "%(n)s cat": "%(n)s 只猫",
}


def test_python_and_templates_are_read(room):
    ids = {(m.id if isinstance(m.id, str) else m.id[0], m.context) for m in catalogues.extracted(room) if m.id}
    assert ids == {(text, "verb" if text == "Open" else None) for text in GOOD}


def test_missing_translations_are_named(room):
    catalogues.update(room)
    wrong = catalogues.problems(room)
    assert len(wrong) == 5 and any("zoo/views.py: no translation of 'Open'" in line for line in wrong)


def test_a_full_catalogue_passes_and_is_stable(room):
    catalogues.update(room)
    translate(room, GOOD)
    catalogues.update(room)
    assert catalogues.problems(room) == []
    before = room.po.read_bytes()
    catalogues.update(room)
    assert room.po.read_bytes() == before and b"POT-Creation" not in before


def test_new_messages_keep_the_old_translations_and_unused_ones_go(room):
    catalogues.update(room)
    translate(room, GOOD)
    (room.folder / "views.py").write_text(SOURCE.replace('"Open"', '"Shut"'))
    catalogues.update(room)
    assert b"\xe4\xbd\xa0\xe5\xa5\xbd" in room.po.read_bytes() and b'"Open"' not in room.po.read_bytes()
    assert catalogues.problems(room) == ["zoo/views.py: no translation of 'Shut'"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("你好", "lost place %(name)s"),
        ("你好 %(nmae)s", "unknown place %(nmae)s"),
        ("你好 %(name)s %s", "unknown place %s"),
    ],
)
def test_places_must_be_those_of_the_source(room, text, problem):
    catalogues.update(room)
    translate(room, {**GOOD, "Hello %(name)s": text})
    assert [line for line in catalogues.problems(room) if problem in line]


def test_compiled_only_when_newer(room):
    catalogues.update(room)
    translate(room, GOOD)
    assert catalogues.compile_room(room) and not catalogues.compile_room(room)
    assert room.po.with_suffix(".mo").stat().st_size > 100


def test_two_rooms_may_not_translate_one_message_differently(room, tmp_path):
    other = Room("circus", tmp_path / "circus", ())
    other.folder.mkdir()
    (other.folder / "views.py").write_text(SOURCE)
    for one in (room, other):
        catalogues.update(one)
        translate(one, GOOD)
    assert catalogues.conflicts([room, other]) == []
    translate(other, {**GOOD, "Open": "开着"})
    assert len(catalogues.conflicts([room, other])) == 1


def test_core_is_complete():
    out = StringIO()
    core = next(room for room in catalogues.rooms() if room.name == "core")
    assert catalogues.problems(core) == []
    with pytest.raises(CommandError, match="No such room"):
        call_command("messages", room=["nowhere"], stdout=out)
