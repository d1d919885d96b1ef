"""Every page of the core room for every member of the cast."""

import pytest
from django.urls import NoReverseMatch, reverse

from scrm.core import navigation, notify
from scrm.core.enums import Permission, RoleKey
from scrm.core.models import AuditEntry, Company, Notification, Role, User

CAST = ["admin", "marketer", "agent", "sales", "other_sales", "manager", "outsider"]
FOR_ALL = ["profile", "password", "notification_list", "notification_bell", "search"]
FOR_ADMINS = ["company", "user_list", "user_add", "team_list", "team_add", "role_list", "role_add", "first_steps"]
POSTS_FOR_ADMINS = ["user_set_active", "team_remove", "role_remove"]


def address(name: str, cast: dict[str, User], team) -> str:
    pk = {"user": cast["sales"].pk, "team": team.pk, "role": Role.objects.get(key=RoleKey.SALES).pk}
    try:
        return reverse(f"core:{name}")
    except NoReverseMatch:
        return reverse(f"core:{name}", args=[pk[name.partition("_")[0]]])


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("name", FOR_ALL)
def test_pages_for_everybody(name, who, cast, team, client_for):
    assert client_for(cast[who]).get(address(name, cast, team)).status_code == 200


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("name", [*FOR_ADMINS, "user_edit", "team_edit", "role_edit"])
def test_settings_are_for_administrators(name, who, cast, team, client_for):
    answer = client_for(cast[who]).get(address(name, cast, team))
    assert answer.status_code == (200 if who == "admin" else 403)


@pytest.mark.parametrize("who", CAST)
def test_audit_log_needs_its_permission(who, cast, client_for):
    allowed = cast[who].can(Permission.AUDIT_VIEW)
    assert allowed == (who in {"admin", "manager"})
    assert client_for(cast[who]).get(reverse("core:audit_list")).status_code == (200 if allowed else 403)


@pytest.mark.parametrize("name", POSTS_FOR_ADMINS)
def test_changes_are_refused_without_permission_and_by_get(name, cast, team, client_for):
    where = address(name, cast, team)
    assert client_for(cast["outsider"]).post(where).status_code == 403
    assert client_for(cast["admin"]).get(where).status_code == 405


@pytest.mark.parametrize("name", [*FOR_ALL, *FOR_ADMINS, "audit_list"])
def test_strangers_are_sent_to_the_login(name, cast, team, client):
    where = address(name, cast, team)
    answer = client.get(where)
    assert answer.status_code == 302 and answer.url == f"{reverse('core:login')}?next={where}"
    fragment = client.get(where, headers={"HX-Request": "true"})
    assert fragment.status_code == 204 and fragment.headers["HX-Redirect"] == reverse("core:login")


def test_a_new_page_is_closed_until_it_says_otherwise():
    """No view of the core room is public by accident."""
    from scrm.core.urls import urlpatterns

    public = {pattern.name for pattern in urlpatterns if getattr(pattern.callback, "is_public", False)}
    assert public == {"home", "live", "login", "language", "theme", "first_run"}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", [*FOR_ALL, *FOR_ADMINS, "audit_list", "user_edit", "role_edit", "team_edit"])
def test_pages_carry_the_policy_and_their_language(name, language, cast, team, client_for):
    cast["admin"].language = language
    cast["admin"].save()
    answer = client_for(cast["admin"]).get(address(name, cast, team))
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "'unsafe-eval'" not in policy
    assert answer.headers["Content-Language"] == language
    body = answer.content.decode()
    assert "<script>" not in body and "onclick=" not in body
    if "<html" in body:
        assert f'<html lang="{language}"' in body
        assert body.count("<h1") == 1


def test_menu_shows_only_what_opens(cast, client_for, settings):
    settings.NAVIGATION = ["scrm.core.navigation.ITEMS"]
    body = client_for(cast["agent"]).get(reverse("core:profile")).content.decode()
    assert reverse("core:company") not in body and reverse("core:audit_list") not in body
    body = client_for(cast["manager"]).get(reverse("core:profile")).content.decode()
    assert reverse("core:company") not in body and reverse("core:audit_list") in body


def test_menu_marks_the_longest_matching_address(admin, settings):
    settings.NAVIGATION = ["scrm.core.navigation.ITEMS"]
    current = [link.url for _item, link in navigation.links_for(admin, "/settings/users/7/") if link.current]
    assert current == [reverse("core:company")]


def test_demo_links_the_sandbox(admin, client_for, settings):
    settings.SANDBOX_PUBLIC_URL = "http://127.0.0.1:8199"
    assert b"127.0.0.1:8199" not in client_for(admin).get(reverse("core:profile")).content
    settings.DEMO = True
    assert b"127.0.0.1:8199" in client_for(admin).get(reverse("core:profile")).content


@pytest.mark.parametrize(("name", "most"), [("user_list", 8), ("team_list", 7), ("role_list", 6), ("audit_list", 10)])
def test_lists_ask_as_much_for_thirty_rows_as_for_one(
    name, most, admin, team, make_user, client_for, django_assert_max_num_queries
):
    from scrm.core import audit
    from scrm.core.models import Team

    client = client_for(admin)
    audit.record(admin, "user.updated", admin)
    client.get(reverse(f"core:{name}"))
    with django_assert_max_num_queries(most) as few:
        client.get(reverse(f"core:{name}"))
    before = len(few.captured_queries)
    for number in range(30):
        user = make_user(f"u{number}", RoleKey.SALES, team=Team.objects.create(name=f"T{number}"))
        Role.objects.create(key=f"r{number}", name=f"R{number}")
        audit.record(user, "user.updated", user, name=["a", "b"])
    with django_assert_max_num_queries(most) as many:
        body = client.get(reverse(f"core:{name}")).content
    assert len(many.captured_queries) == before
    assert body.count(b"<tr") >= 30


def test_notifications_list_counts_queries(admin, client_for, django_assert_max_num_queries):
    client = client_for(admin)
    notify.tell([admin] * 30, "Done")
    client.get(reverse("core:notification_list"))
    with django_assert_max_num_queries(7):
        body = client.get(reverse("core:notification_list")).content
    assert body.count(b"<li>") == 30


class TestNotifications:
    def test_bell_counts_and_reading_clears(self, admin, client_for):
        client = client_for(admin)
        notify.tell(admin, "Import finished", "/profile/", "ok")
        notify.tell(admin, "Coupon batch is empty", "", "bad")
        assert b"2 unread" in client.get(reverse("core:notification_bell")).content
        first = Notification.objects.get(text="Import finished")
        assert client.post(reverse("core:notification_open", args=[first.pk])).url == "/profile/"
        assert b"1 unread" in client.get(reverse("core:notification_bell")).content
        client.post(reverse("core:notification_read_all"))
        assert not admin.notifications.unread().exists()

    def test_somebody_elses_is_not_there(self, admin, sales, client_for):
        notify.tell(admin, "Secret")
        pk = Notification.objects.get().pk
        assert client_for(sales).post(reverse("core:notification_open", args=[pk])).status_code == 404
        assert Notification.objects.get().read_at is None
        assert b"Secret" not in client_for(sales).get(reverse("core:notification_list")).content

    def test_an_outside_address_is_not_followed(self, admin, client_for):
        notify.tell(admin, "Odd", "https://evil.example/")
        pk = Notification.objects.get().pk
        assert client_for(admin).post(reverse("core:notification_open", args=[pk])).url == reverse(
            "core:notification_list"
        )

    def test_a_role_is_told_in_each_language(self, make_user):
        from django.utils.translation import gettext_lazy

        make_user("zh", RoleKey.SALES, language="zh-hans")
        make_user("en", RoleKey.SALES)
        make_user("gone", RoleKey.SALES, is_active=False)
        assert notify.tell(Role.objects.get(key=RoleKey.SALES), gettext_lazy("Nothing new")) == 2
        assert set(Notification.objects.values_list("user__name", flat=True)) == {"zh", "en"}


class TestAuditLog:
    def test_filters(self, admin, sales, team, client_for):
        from scrm.core import audit

        audit.record(admin, "team.updated", team)
        audit.record(sales, "user.updated", sales)
        audit.record(None, "company.opened", Company(pk=1, name="Shanye"))
        client = client_for(admin)

        def shown(**query) -> list[str]:
            body = client.get(reverse("core:audit_list"), query, headers={"HX-Request": "true"}).context["page"]
            return [entry.verb for entry in body.rows]

        assert set(shown()) == {"team.updated", "user.updated", "company.opened"}
        assert shown(who=admin.pk) == ["team.updated"]
        assert shown(who="system") == ["company.opened"]
        assert shown(verb="user.updated") == ["user.updated"]
        assert shown(object="core.team") == ["team.updated"]
        assert shown(q="Team one") == ["team.updated"]
        assert len(shown(who="9' or 1=1")) == 3

    def test_kinds_are_the_different_ones(self, admin, team):
        from scrm.core import audit
        from scrm.core.queries import audit_kinds

        assert audit_kinds("verb") == audit_kinds("target_type") == []
        for verb, target in [("b.x", team), ("a.x", admin), ("b.x", None), ("c.x", team)]:
            audit.record(admin, verb, target)
        assert audit_kinds("verb") == ["a.x", "b.x", "c.x"]
        assert audit_kinds("target_type") == ["core.team", "core.user"]

    def test_the_address_is_noted(self, admin, client_for):
        client_for(admin).post(
            reverse("core:team_add"),
            {"name": "North"},
            REMOTE_ADDR="203.0.113.9",
            headers={"X-Forwarded-For": "10.0.0.1"},
        )
        assert AuditEntry.objects.get(verb="team.created").ip == "203.0.113.9"

    def test_behind_our_proxy_its_hop_counts(self, admin, client_for, settings):
        settings.BEHIND_PROXY = True
        client_for(admin).post(
            reverse("core:team_add"), {"name": "North"}, headers={"X-Forwarded-For": "10.0.0.1, 198.51.100.4"}
        )
        assert AuditEntry.objects.get(verb="team.created").ip == "198.51.100.4"

    def test_a_hop_that_is_no_address_breaks_nothing(self, admin, client_for, settings):
        settings.BEHIND_PROXY = True
        client_for(admin).post(
            reverse("core:team_add"),
            {"name": "North"},
            REMOTE_ADDR="203.0.113.9",
            headers={"X-Forwarded-For": "unknown:port"},
        )
        assert AuditEntry.objects.get(verb="team.created").ip == "203.0.113.9"


class TestSearch:
    def test_pages_by_name(self, admin, client_for, settings):
        settings.NAVIGATION, settings.SEARCH_PROVIDERS = ["scrm.core.navigation.ITEMS"], []
        body = client_for(admin).get(reverse("core:search"), {"q": "audit"}).content
        assert reverse("core:audit_list").encode() in body

    def test_only_what_opens(self, agent, client_for, settings):
        settings.NAVIGATION, settings.SEARCH_PROVIDERS = ["scrm.core.navigation.ITEMS"], []
        assert b"Nothing found" in client_for(agent).get(reverse("core:search"), {"q": "audit"}).content

    def test_a_room_without_search_is_left_out(self, admin, client_for, settings):
        settings.SEARCH_PROVIDERS = ["scrm.core.no_such_module.provide"]
        assert client_for(admin).get(reverse("core:search"), {"q": "zz"}).status_code == 200

    def test_too_short_shows_the_hint(self, admin, client_for):
        assert b"two characters" in client_for(admin).get(reverse("core:search"), {"q": "a"}).content


class TestErrorPages:
    def test_unknown_address_in_the_shell(self, admin, client_for, client):
        answer = client_for(admin).get("/no/such/page/")
        assert answer.status_code == 404 and b'id="nav"' in answer.content
        answer = client.get("/no/such/page/")
        assert answer.status_code == 404 and b'id="nav"' not in answer.content

    def test_missing_permission_to_htmx_is_a_toast(self, outsider, client_for):
        answer = client_for(outsider).get(reverse("core:user_list"), headers={"HX-Request": "true"})
        assert answer.status_code == 403 and '"level": "bad"' in answer.headers["HX-Trigger"]

    def test_database_away_is_503_without_asking_it(self, rf, db, django_assert_num_queries):
        from django.db import OperationalError

        from scrm.core.middleware import guard_database

        with django_assert_num_queries(0):
            answer = guard_database(lambda request: None).process_exception(rf.get("/"), OperationalError("gone"))
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        assert guard_database(lambda request: None).process_exception(rf.get("/"), ValueError()) is None

    def test_database_away_inside_the_middleware_is_503_too(self, client, monkeypatch, settings):
        from django.db import OperationalError

        def fail(*args, **kwargs):
            raise OperationalError("gone")

        client.raise_request_exception = False
        monkeypatch.setattr("scrm.core.first_run.User.objects.exists", fail)
        assert client.get("/").status_code == 503

    def test_a_bug_is_500_with_a_number(self, client, monkeypatch):
        client.raise_request_exception = False
        monkeypatch.setattr("scrm.core.first_run.is_needed", lambda: 1 / 0)
        answer = client.get("/")
        assert answer.status_code == 500 and answer.headers["Content-Type"].startswith("text/html")

    def test_expired_form(self, admin):
        from django.test import Client

        client = Client(enforce_csrf_checks=True)
        client.force_login(admin)
        assert client.post(reverse("core:theme"), {"theme": "dark"}).status_code == 403


class TestLive:
    def test_versions_change_when_touched_and_need_no_database(self, client, db, django_assert_num_queries):
        from scrm.core import live

        key = live.key("contact", 7)
        with django_assert_num_queries(0):
            before = client.get(reverse("core:live"), {"of": [key, "contact:8~forged"]}).json()
            live.touch("contact", 7)
            after = client.get(reverse("core:live"), {"of": key}).json()
        assert set(before) == {key} and before[key] != after[key]


def test_a_new_user_has_no_role_before_one_is_chosen(admin, client_for):
    page = client_for(admin).get(reverse("core:user_add"))
    assert page.context["form"]["role"].value() is None and "Please choose" in page.content.decode()


def test_first_steps_say_what_is_done(admin, marketer, client_for):
    steps = client_for(admin).get(reverse("core:first_steps")).context["steps"]
    assert [step.done for step in steps] == [False, None, True, False, False, False]  # two people can log in
    assert client_for(marketer).get(reverse("core:first_steps")).status_code == 403
