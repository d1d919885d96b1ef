"""Writes of the core room: one transaction with its audit entry."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.module_loading import import_string
from django.utils.text import slugify
from django.utils.translation import gettext as _

from scrm.core import audit
from scrm.core.enums import Permission
from scrm.core.models import Company, Role, Team, User


class LastAdministrator(ValidationError):
    """Nobody could manage users and roles any more."""


def _keep_an_administrator() -> None:
    """Call after the change, inside its transaction. The roles are locked first (see callers), so that two
    administrators cannot remove each other at the same moment."""
    if not User.objects.able(Permission.ROLES_EDIT).exists():
        raise LastAdministrator(
            _("Somebody must be able to manage users and roles. Give another active user such a role first.")
        )


def _lock_roles() -> None:
    list(Role.objects.select_for_update().order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def save_user(*, user: User, password: str = "", by: User) -> User:
    """Create or change a user; an empty password keeps the present one. Raises LastAdministrator."""
    _lock_roles()
    before = User.objects.filter(pk=user.pk).values("name", "email", "role_id", "team_id", "language").first()
    if password:
        user.set_password(password)
    user.save()
    _keep_an_administrator()
    changed = _changes(before, user) | ({"password": True} if password and before else {})
    audit.record(by, "user.updated" if before else "user.created", user, **changed)
    return user


@transaction.atomic
def set_user_active(*, user: User, active: bool, by: User) -> None:
    """Deactivated users cannot log in and are logged out at their next request. Raises LastAdministrator."""
    _lock_roles()
    User.objects.filter(pk=user.pk).update(is_active=active)
    user.is_active = active
    _keep_an_administrator()
    audit.record(by, "user.activated" if active else "user.deactivated", user)


@transaction.atomic
def change_password(*, user: User, password: str, by: User) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(by, "user.password_changed", user)


@transaction.atomic
def save_role(*, role: Role, by: User) -> Role:
    """Create or change a role. Raises LastAdministrator when nobody could edit roles after it."""
    _lock_roles()
    before = Role.objects.filter(pk=role.pk).values("name", "scope", "sees_contact_points", "permissions").first()
    role.permissions = [value for value in Permission.values if value in role.permissions]
    if not role.key:
        role.key = f"{slugify(role.name)[:30] or 'role'}-{get_random_string(6).lower()}"
    role.save()
    _keep_an_administrator()
    audit.record(by, "role.updated" if before else "role.created", role, **_changes(before, role))
    return role


@transaction.atomic
def remove_role(*, role: Role, by: User) -> None:
    """Only an added role that nobody has. Raises ValidationError otherwise."""
    role = Role.objects.select_for_update().get(pk=role.pk)
    if role.is_built_in:
        raise ValidationError(_("A built-in role can be changed, not removed."))
    if role.users.exists():
        raise ValidationError(_("Somebody still has this role. Give them another one first."))
    audit.record(by, "role.removed", role)
    role.delete()


@transaction.atomic
def save_team(*, team: Team, members: list[User], by: User) -> Team:
    """Create or change a team; ``members`` are moved in from other teams, everybody else leaves it."""
    existed = team.pk is not None
    team.save()
    kept = [user.pk for user in members]
    team.members.exclude(pk__in=kept).update(team=None)
    User.objects.filter(pk__in=kept).update(team=team)
    audit.record(by, "team.updated" if existed else "team.created", team, members=sorted(kept), manager=team.manager_id)
    return team


@transaction.atomic
def remove_team(*, team: Team, by: User) -> None:
    """Members and contacts of the team stay, without a team."""
    audit.record(by, "team.removed", team)
    team.delete()


@transaction.atomic
def save_company(*, company: Company, by: User) -> Company:
    fields = ("name", "time_zone", "currency", "quiet_start", "quiet_end", "caps")
    before = Company.objects.filter(pk=1).values(*fields).first()
    company.pk = 1
    company.save()
    audit.record(by, "company.updated", company, **_changes(before, company))
    if before is None or before["currency"] != company.currency:
        for path in settings.CURRENCY_HANDLERS:
            import_string(path)()
    return company


def _changes(before: dict[str, object] | None, after: User | Role | Company) -> dict[str, object]:
    """Field to [old, new] of what changed, as JSON values."""
    if before is None:
        return {}
    plain = {name: getattr(after, name) for name in before}
    return {
        name: [_plain(old), _plain(plain[name])] for name, old in before.items() if _plain(old) != _plain(plain[name])
    }


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, list, dict, bool, type(None))) else str(value)
