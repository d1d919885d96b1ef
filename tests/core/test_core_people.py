"""Users, teams, roles, company: works / refused, audited, and never without an administrator."""

import pytest
from django.urls import reverse

from scrm.core import actions
from scrm.core.enums import Permission, RoleKey, Scope
from scrm.core.models import AuditEntry, Company, Role, Team, User
from scrm.core.roles import BUILT_IN, seed


def role(key: str) -> Role:
    seed(Role)  # a transactional test before this one has emptied the tables
    return Role.objects.get(key=key)


def user_data(user: User, **changes) -> dict:
    data = {"name": user.name, "email": user.email, "role": user.role_id, "team": user.team_id or "", "language": "en"}
    return {**data, "password": "", **changes}


class TestUsers:
    def test_add(self, admin, team, client_for):
        data = {
            "name": "Gu",
            "email": "Gu@Example.com",
            "role": role("sales").pk,
            "team": team.pk,
            "language": "zh-hans",
            "password": "harbour-violin-3",
        }
        assert client_for(admin).post(reverse("core:user_add"), data).url == reverse("core:user_list")
        user = User.objects.get(email="gu@example.com")
        assert user.team == team and user.check_password("harbour-violin-3")
        entry = AuditEntry.objects.get(verb="user.created")
        assert entry.by == admin and entry.target_id == str(user.pk) and "harbour" not in str(entry.details)

    def test_the_same_mail_twice_is_refused(self, admin, sales, client_for):
        data = user_data(sales, email="ADMIN@example.com")
        assert client_for(admin).post(reverse("core:user_edit", args=[sales.pk]), data).status_code == 200
        sales.refresh_from_db()
        assert sales.email == "sales@example.com"

    def test_edit_writes_what_changed(self, admin, sales, client_for):
        client_for(admin).post(
            reverse("core:user_edit", args=[sales.pk]), user_data(sales, name="Lin", role=role("agent").pk)
        )
        entry = AuditEntry.objects.get(verb="user.updated")
        assert entry.details == {"name": ["sales", "Lin"], "role_id": [role("sales").pk, role("agent").pk]}

    def test_the_last_administrator_keeps_the_role(self, admin, client_for):
        where = reverse("core:user_edit", args=[admin.pk])
        answer = client_for(admin).post(where, user_data(admin, role=role("sales").pk))
        assert answer.status_code == 200 and answer.context["form"].errors["role"]
        admin.refresh_from_db()
        assert admin.role.key == RoleKey.ADMIN
        assert not AuditEntry.objects.exists()

    def test_the_last_administrator_stays_active(self, admin, make_user, client_for):
        other = make_user("second", RoleKey.ADMIN)
        client_for(admin).post(reverse("core:user_set_active", args=[other.pk]), {"active": "0"})
        other.refresh_from_db()
        assert not other.is_active
        client_for(admin).post(reverse("core:user_set_active", args=[admin.pk]), {"active": "0"})
        admin.refresh_from_db()
        assert admin.is_active

    def test_deactivate_and_back(self, admin, sales, client_for):
        client = client_for(admin)
        for value, verb in (("0", "user.deactivated"), ("1", "user.activated")):
            client.post(reverse("core:user_set_active", args=[sales.pk]), {"active": value})
            sales.refresh_from_db()
            assert sales.is_active == (value == "1")
            assert AuditEntry.objects.filter(verb=verb, target_id=str(sales.pk)).count() == 1

    def test_list_filters_and_searches(self, admin, sales, agent, client_for):
        client = client_for(admin)

        def names(**query):
            return [u.name for u in client.get(reverse("core:user_list"), query).context["page"].rows]

        assert names() == ["admin", "agent", "sales"]
        assert names(sort="-name") == ["sales", "agent", "admin"]
        assert names(sort="password") == ["admin", "agent", "sales"]
        assert names(role=role("sales").pk) == ["sales"]
        assert names(role=[role("sales").pk, role("agent").pk]) == ["agent", "sales"]
        assert names(role="zzz") == ["admin", "agent", "sales"]
        assert names(q="AGENT@") == ["agent"]
        assert names(state="off") == []


class TestRoles:
    def data(self, of: Role, **changes) -> dict:
        data = {"name": of.name, "scope": of.scope, "permissions": of.permissions}
        return {**data, **({"sees_contact_points": "on"} if of.sees_contact_points else {}), **changes}

    def test_seeded(self, db, cast):
        assert set(role("admin").permissions) == set(Permission.values)
        assert role("sales").scope == Scope.OWN and role("sales").sees_contact_points
        for key in ("marketer", "agent"):
            assert role(key).scope == Scope.ALL and not role(key).sees_contact_points
        assert role("manager").scope == Scope.TEAM and Permission.ANALYTICS_VIEW in role("manager").permissions
        assert not cast["outsider"].can(Permission.CONTACTS_VIEW) and cast["outsider"].can()

    def test_a_change_works_at_the_next_request(self, admin, agent, client_for):
        of = role("agent")
        before = client_for(agent).get(reverse("core:audit_list")).status_code
        data = self.data(of, permissions=[*of.permissions, "audit.view"], scope="team")
        assert client_for(admin).post(reverse("core:role_edit", args=[of.pk]), data).status_code == 302
        of.refresh_from_db()
        assert of.scope == "team"
        assert set(of.permissions) == {*BUILT_IN["agent"]["permissions"], "audit.view"}
        assert (before, client_for(agent).get(reverse("core:audit_list")).status_code) == (403, 200)
        assert AuditEntry.objects.get(verb="role.updated").details["scope"] == ["all", "team"]

    def test_unknown_permissions_are_refused(self, admin, client_for):
        of = role("agent")
        data = self.data(of, permissions=["contacts.view", "everything"])
        assert client_for(admin).post(reverse("core:role_edit", args=[of.pk]), data).status_code == 200

    def test_the_role_of_the_last_administrator_keeps_its_power(self, admin, client_for):
        of = role("admin")
        data = self.data(of, permissions=["contacts.view"])
        answer = client_for(admin).post(reverse("core:role_edit", args=[of.pk]), data)
        assert answer.status_code == 200 and answer.context["form"].non_field_errors()
        assert Permission.ROLES_EDIT in role("admin").permissions

    def test_add_and_remove(self, admin, client_for):
        client = client_for(admin)
        client.post(reverse("core:role_add"), {"name": "渠道运营", "scope": "all", "permissions": ["channels.view"]})
        added = Role.objects.get(name="渠道运营")
        assert added.key.startswith("role-")
        client.post(reverse("core:role_remove", args=[added.pk]))
        assert not Role.objects.filter(pk=added.pk).exists()
        assert AuditEntry.objects.filter(verb="role.removed").exists()

    def test_a_built_in_or_used_role_stays(self, admin, outsider, client_for):
        client = client_for(admin)
        for of in (role("sales"), outsider.role):
            client.post(reverse("core:role_remove", args=[of.pk]))
            assert Role.objects.filter(pk=of.pk).exists()

    def test_name_is_translated_until_renamed(self, db):
        from django.utils import translation

        of = role("sales")
        with translation.override("zh-hans"):
            assert str(of) == "销售"
        of.name = "Shop sales"
        assert str(of) == "Shop sales"


class TestTeams:
    def test_members_move(self, admin, sales, other_sales, team, client_for):
        client = client_for(admin)
        data = {"name": "One", "manager": admin.pk, "members": [other_sales.pk]}
        client.post(reverse("core:team_edit", args=[team.pk]), data)
        sales.refresh_from_db()
        other_sales.refresh_from_db()
        assert sales.team is None and other_sales.team == team
        assert AuditEntry.objects.get(verb="team.updated").details["members"] == [other_sales.pk]

    def test_removing_keeps_the_people(self, admin, sales, team, client_for):
        client_for(admin).post(reverse("core:team_remove", args=[team.pk]))
        sales.refresh_from_db()
        assert sales.team is None and not Team.objects.filter(pk=team.pk).exists()


class TestCompany:
    DATA = {
        "name": "Shanye",
        "currency": "CNY",
        "time_zone": "Asia/Urumqi",
        "quiet_start": "21:30",
        "quiet_end": "09:00",
        "per_day": 2,
        "per_week": "",
        "per_month": 10,
    }

    def test_save(self, admin, client_for):
        client_for(admin).post(reverse("core:company"), self.DATA)
        company = Company.get()
        assert company.time_zone == "Asia/Urumqi" and company.quiet_start.strftime("%H:%M") == "21:30"
        assert company.caps == {"day": 2, "month": 10}
        assert Company.zone() == "Asia/Urumqi"
        assert AuditEntry.objects.filter(verb="company.updated", by=admin).exists()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"time_zone": "Mars/Olympus"},
            {"quiet_start": "09:00", "quiet_end": "08:00"},
            {"per_day": 5, "per_month": 2},
            {"per_day": 0},
            {"name": ""},
        ],
    )
    def test_nonsense_is_refused(self, wrong, admin, client_for):
        assert client_for(admin).post(reverse("core:company"), {**self.DATA, **wrong}).status_code == 200
        assert not Company.objects.exists()

    def test_two_companies_cannot_be(self, db):
        from django.db import IntegrityError

        with pytest.raises(IntegrityError):
            Company.objects.create(pk=2, name="Second")


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other(make_user):
    """Both at the same moment: the second sees what the first did."""
    from threading import Thread

    from django.db import connection

    people = [make_user("one", RoleKey.ADMIN), make_user("two", RoleKey.ADMIN)]
    refused = []

    def leave(user: User, by: User) -> None:
        try:
            actions.set_user_active(user=user, active=False, by=by)
        except actions.LastAdministrator:
            refused.append(user)
        finally:
            connection.close()

    threads = [Thread(target=leave, args=(people[0], people[1])), Thread(target=leave, args=(people[1], people[0]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1 and User.objects.active().count() == 1
