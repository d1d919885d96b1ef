"""Log-in, throttling, first run, and the two switches."""

from datetime import timedelta

import pytest
from django.urls import reverse

from scrm.core import first_run, throttle
from scrm.core.models import AuditEntry, Company, LoginAttempt, User
from scrm.lib.clock import real_now

PASSWORD = "right-horse-battery"


@pytest.fixture
def person(make_user) -> User:
    return make_user("person", "sales", password=PASSWORD)


def try_login(client, password, email="person@example.com", **extra):
    return client.post(reverse("core:login"), {"email": email, "password": password, "next": "/profile/"}, **extra)


def test_login_goes_on_to_where_one_wanted_and_is_audited(person, client):
    answer = try_login(client, PASSWORD, email="  Person@Example.com ")
    assert answer.status_code == 302 and answer.url == "/profile/"
    assert AuditEntry.objects.get(verb="user.logged_in").by == person


def test_login_does_not_go_elsewhere(person, client):
    answer = client.post(
        reverse("core:login"), {"email": person.email, "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer.url == "/"


@pytest.mark.parametrize(("email", "password"), [("person@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_wrong_password_and_unknown_account_look_the_same(email, password, person, client):
    body = try_login(client, password, email=email).content.decode()
    assert "password is wrong" in body or "密码不对" in body


def test_deactivated_user_cannot_log_in_and_loses_the_session(person, client, client_for):
    session = client_for(person)
    person.is_active = False
    person.save()
    assert session.get(reverse("core:profile")).status_code == 302
    assert try_login(client, PASSWORD).status_code == 200


class TestThrottle:
    def test_five_failures_then_even_the_right_password_waits(self, person, client):
        for _ in range(5):
            assert b"30" not in try_login(client, "wrong").content.split(b"</form>")[0].split(b"note")[-1]
        assert LoginAttempt.objects.get(account=person.email).failures == 5
        answer = try_login(client, PASSWORD)
        assert answer.status_code == 200 and AuditEntry.objects.count() == 0
        assert LoginAttempt.objects.get(account=person.email).failures == 5

    def test_after_the_wait_it_works_and_forgets(self, person, client):
        for _ in range(5):
            try_login(client, "wrong")
        LoginAttempt.objects.update(blocked_until=real_now() - timedelta(seconds=1))
        assert try_login(client, PASSWORD).status_code == 302
        assert not LoginAttempt.objects.filter(account=person.email).exists()

    def test_another_address_is_not_held_up(self, person, client):
        for _ in range(6):
            try_login(client, "wrong", REMOTE_ADDR="203.0.113.5")
        assert try_login(client, PASSWORD, REMOTE_ADDR="203.0.113.6").status_code == 302

    def test_delay_grows_to_its_limit(self):
        waits = [throttle.wait_for(n, 5).total_seconds() for n in range(4, 40)]
        assert waits[:4] == [0, 30, 60, 120] and waits[-1] == 1800 and waits == sorted(waits)

    def test_guessing_over_many_accounts_from_one_address_slows_down(self, db):
        answers = [throttle.begin(f"user{n}@example.com", "203.0.113.7") for n in range(throttle.FREE_PER_ADDRESS + 1)]
        assert answers[:-1] == [0] * throttle.FREE_PER_ADDRESS and answers[-1] > 0

    def test_old_failures_are_forgotten(self, db):
        throttle.begin("a@example.com", "203.0.113.8")
        LoginAttempt.objects.update(last_at=real_now() - throttle.FORGET_AFTER - timedelta(minutes=1), failures=9)
        assert throttle.begin("a@example.com", "203.0.113.8") == 0
        assert LoginAttempt.objects.get(account="a@example.com").failures == 1


class TestFirstRun:
    DATA = {
        "company": "Shanye Running",
        "time_zone": "Asia/Shanghai",
        "name": "Su Nian",
        "email": "Su@Example.com",
        "password": "kettle-mountain-9",
        "language": "en",
    }

    def test_the_token_makes_company_and_administrator_once(self, client, make_user):
        token = first_run.token()
        assert client.get("/").url == reverse("core:first_run")
        assert client.get(reverse("core:login")).url == reverse("core:first_run")
        answer = client.post(reverse("core:first_run"), {**self.DATA, "token": token})
        assert answer.url == reverse("core:first_steps")
        user = User.objects.get()
        assert user.email == "su@example.com" and user.role.key == "admin" and user.check_password("kettle-mountain-9")
        assert Company.get().name == "Shanye Running"
        assert client.get(reverse("core:first_steps")).status_code == 200
        assert first_run.token() is None
        client.logout()
        assert client.get(reverse("core:first_run")).url == reverse("core:login")
        assert client.post(reverse("core:first_run"), {**self.DATA, "token": token}).url == reverse("core:login")
        assert User.objects.count() == 1

    def test_without_the_right_token_nothing_happens(self, client, make_user):
        old = first_run.token()
        new = first_run.token()
        for token in (old, "", "x" * 24):
            assert client.post(reverse("core:first_run"), {**self.DATA, "token": token}).status_code == 200
        assert not User.objects.exists()
        assert first_run.fits(new)

    def test_guessing_the_token_is_throttled(self, client, make_user):
        token = first_run.token()
        for _ in range(5):
            client.post(reverse("core:first_run"), {**self.DATA, "token": "guess"})
        assert client.post(reverse("core:first_run"), {**self.DATA, "token": token}).status_code == 200
        assert not User.objects.exists()

    def test_a_weak_password_is_refused(self, client, make_user):
        token = first_run.token()
        client.post(reverse("core:first_run"), {**self.DATA, "token": token, "password": "password12"})
        assert not User.objects.exists() and first_run.fits(token)

    @pytest.mark.parametrize(
        ("password", "reason"), [("short", "太短"), ("password123", "猜到"), ("Su@Example.com", "接近")]
    )
    def test_the_reason_is_told_in_chinese(self, password, reason, client, make_user):
        token = first_run.token()
        answer = client.post(reverse("core:first_run"), {**self.DATA, "token": token, "password": password})
        assert reason in str(answer.context["form"].errors["password"])


class TestSwitches:
    def test_language_for_strangers_is_a_cookie(self, client, person):
        assert client.get(reverse("core:login")).headers["Content-Language"] == "zh-hans"
        client.post(reverse("core:language"), {"language": "en", "next": "/login/"})
        assert client.get(reverse("core:login")).headers["Content-Language"] == "en"

    def test_the_browsers_wish_is_not_followed(self, client, person):
        answer = client.get(reverse("core:login"), headers={"Accept-Language": "en-US,en;q=0.9"})
        assert answer.headers["Content-Language"] == "zh-hans"

    def test_language_of_a_user_is_kept_on_the_account(self, person, client_for):
        client = client_for(person)
        answer = client.post(reverse("core:language"), {"language": "zh-hans", "next": "/profile/"})
        assert answer.url == "/profile/"
        person.refresh_from_db()
        assert person.language == "zh-hans"
        assert client.get(reverse("core:profile")).headers["Content-Language"] == "zh-hans"

    def test_nonsense_changes_nothing(self, person, client_for):
        client = client_for(person)
        assert client.post(reverse("core:language"), {"language": "xx", "next": "//evil.example"}).url == "/"
        client.post(reverse("core:theme"), {"theme": "purple"})
        person.refresh_from_db()
        assert (person.language, person.theme) == ("en", "auto")

    def test_theme(self, person, client_for):
        client = client_for(person)
        assert client.post(reverse("core:theme"), {"theme": "dark"}).status_code == 204
        assert b'data-bs-theme="dark"' in client.get(reverse("core:profile")).content

    def test_times_are_shown_in_the_zone_of_the_company(self, admin, client_for):
        Company.objects.create(pk=1, name="C", time_zone="America/New_York")
        from scrm.core import audit
        from scrm.lib import clock

        entry = audit.record(admin, "user.updated", admin)
        from zoneinfo import ZoneInfo

        there = entry.at.astimezone(ZoneInfo("America/New_York")).strftime("%Y-%m-%d %H:%M:%S")
        assert there.encode() in client_for(admin).get(reverse("core:audit_list")).content
        assert clock.real_now() >= entry.at

    def test_the_audit_log_offers_every_word_once(self, admin, client_for):
        from scrm.core import audit

        for verb, note in (("team.updated", "a"), ("role.updated", "b"), ("user.login", "c")):
            audit.record(admin, verb, admin, note=note)
        client = client_for(admin)
        html = client.get(reverse("core:audit_list")).content.decode()
        assert html.count('value="role.updated,team.updated"') == 1
        rows = client.get(reverse("core:audit_list"), {"verb": "role.updated,team.updated"}).context["page"].rows
        assert {row.verb for row in rows} == {"team.updated", "role.updated"}


class TestProfile:
    def test_save(self, person, client_for):
        client = client_for(person)
        client.post(reverse("core:profile"), {"name": "New Name", "language": "zh-hans", "theme": "light"})
        person.refresh_from_db()
        assert (person.name, person.language, person.theme) == ("New Name", "zh-hans", "light")

    def test_password_change_needs_the_old_one_and_ends_other_sessions(self, person, client_for):
        client, elsewhere = client_for(person), client_for(person)
        data = {"old": "no", "new": "lantern-river-42", "again": "lantern-river-42"}
        assert client.post(reverse("core:password"), data).status_code == 200
        assert client.post(reverse("core:password"), {**data, "old": PASSWORD, "again": "other"}).status_code == 200
        assert client.post(reverse("core:password"), {**data, "old": PASSWORD}).status_code == 302
        person.refresh_from_db()
        assert person.check_password("lantern-river-42")
        assert client.get(reverse("core:profile")).status_code == 200
        assert elsewhere.get(reverse("core:profile")).status_code == 302
        entry = AuditEntry.objects.get(verb="user.password_changed")
        assert "lantern" not in str(entry.details)
