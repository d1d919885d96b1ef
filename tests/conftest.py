"""The cast: the same people in every test. ``outsider`` is an active user whose role allows nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils.translation.reloader import translation_file_changed

from scrm.core.enums import Language, RoleKey, Scope
from scrm.core.models import Role, Team, User, company
from scrm.core.roles import seed

pytest_plugins = ["tests.fixtures_browser", "tests.fixtures_sandbox", "tests.order"]


@pytest.fixture(autouse=True)
def _hermetic(settings) -> None:
    """No hints (tests run the pumps by hand), static files straight from their sources, a cache of this process."""
    settings.HINTS = False
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture(scope="session", autouse=True)
def _compiled_messages() -> None:
    """The compiled catalogues are not in the repository. What was read before they were there is read again."""
    call_command("messages", compile=True)
    translation_file_changed(None, Path("django.mo"))


@pytest.fixture(autouse=True)
def _quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _no_remembered_zone() -> None:
    company._zones.clear()


@pytest.fixture
def team(db) -> Team:
    return Team.objects.create(name="Team one")


@pytest.fixture
def make_user(db) -> Callable[..., User]:
    """make_user("anna", role="sales", team=None, language="en", password="secret-secret") -> User"""
    seed(Role)  # a transactional test before this one has emptied the tables

    def make(name: str, role: str, **fields) -> User:
        fields.setdefault("language", Language.ENGLISH)
        return User.objects.create_user(
            f"{name}@example.com", fields.pop("password", None), name=name, role=Role.objects.get(key=role), **fields
        )

    return make


@pytest.fixture
def admin(make_user) -> User:
    return make_user("admin", RoleKey.ADMIN)


@pytest.fixture
def marketer(make_user) -> User:
    return make_user("marketer", RoleKey.MARKETER)


@pytest.fixture
def agent(make_user) -> User:
    return make_user("agent", RoleKey.AGENT)


@pytest.fixture
def sales(make_user, team) -> User:
    return make_user("sales", RoleKey.SALES, team=team)


@pytest.fixture
def other_sales(make_user) -> User:
    return make_user("other_sales", RoleKey.SALES, team=Team.objects.create(name="Team two"))


@pytest.fixture
def manager(make_user, team) -> User:
    """Manages the team of ``sales``, not that of ``other_sales``."""
    user = make_user("manager", RoleKey.MANAGER, team=team)
    team.manager = user
    team.save()
    return user


@pytest.fixture
def outsider(make_user) -> User:
    Role.objects.get_or_create(key="outsider", defaults={"name": "Outsider", "scope": Scope.OWN})
    return make_user("outsider", "outsider")


@pytest.fixture
def cast(admin, marketer, agent, sales, other_sales, manager, outsider) -> dict[str, User]:
    """Everybody by fixture name, for tests over all roles."""
    return {user.name: user for user in (admin, marketer, agent, sales, other_sales, manager, outsider)}


@pytest.fixture
def client_for() -> Callable[[User], Client]:
    """client_for(user) -> a test client that is logged in as the user."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make
