"""What import-linter cannot see: dotted paths in settings, string foreign keys, templates of another room."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, get_resolver
from django.utils.module_loading import import_string

ROOT = Path(settings.BASE_DIR)
ORDER = ["core", "contacts", "channels_ingest", "campaigns", "service_desk", "journeys", "analytics"]
"""From right to left: a room may know those before it."""

REGISTRIES = ["PUMPS", "EVENT_CONSUMERS", "CONTACT_PANELS", "SEGMENT_CONDITIONS", "NAVIGATION"]


def rooms():
    return [apps.get_app_config(label) for label in ORDER]


@pytest.mark.parametrize("name", REGISTRIES)
def test_dotted_paths_lead_somewhere(name):
    for path in getattr(settings, name):
        assert import_string(path) is not None


def test_middleware_and_handlers_lead_somewhere():
    for path in settings.MIDDLEWARE:
        import_string(path)
    for status in (400, 403, 404, 500):
        get_resolver().resolve_error_handler(status)


@pytest.mark.parametrize("label", ORDER)
def test_relations_point_to_the_right(label):
    reachable = {*ORDER[: ORDER.index(label) + 1], "auth", "contenttypes", "sessions", "django_celery_beat"}
    for model in apps.get_app_config(label).get_models():
        for field in model._meta.get_fields():
            if field.is_relation and not field.auto_created and field.related_model:
                target = field.related_model._meta.app_label
                assert target in reachable, f"{model.__name__}.{field.name} points to {target}"


def named(label: str) -> set[str]:
    """Room names that the templates of a room mention in url, include and extends tags."""
    found = set()
    for path in (ROOT / "templates" / label).rglob("*.html"):
        text = path.read_text()
        found |= {(path.name, space) for space in re.findall(r"{%\s*url\s+[\"'](\w+):", text)}
        found |= {(path.name, folder) for folder in re.findall(r"{%\s*(?:include|extends)\s+[\"'](\w+)/", text)}
    return found


@pytest.mark.parametrize("label", ORDER)
def test_templates_know_rooms_on_the_right_only(label):
    allowed = {*ORDER[: ORDER.index(label) + 1], "ui", "registration"}
    wrong = sorted((name, room) for name, room in named(label) if room not in allowed)
    assert not wrong


def test_no_file_with_a_name_that_says_nothing():
    banned = {"services.py", "utils.py", "helpers.py", "managers.py", "signals.py"}
    found = [path for room in rooms() for path in Path(room.path).rglob("*.py") if path.name in banned]
    assert not found


def patterns(resolver, prefix=""):
    for part in resolver.url_patterns:
        if isinstance(part, URLPattern):
            yield prefix + str(part.pattern), part
        else:
            yield from patterns(part, prefix + str(part.pattern))


def test_no_two_rooms_answer_the_same_address():
    seen: dict[str, str] = {}
    for path, pattern in patterns(get_resolver()):
        plain = re.sub(r"<[^>]+>", "<>", path)
        assert plain not in seen, f"{path}: {pattern.callback.__module__} and {seen[plain]}"
        seen[plain] = pattern.callback.__module__
