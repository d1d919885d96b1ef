"""Users, the teams they work in and the roles that say what they may do."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from scrm.core.enums import Language, Permission, RoleKey, Scope, Theme


class Role(models.Model):
    key = models.SlugField(_("Key"), max_length=40, unique=True)
    """Stable name for code; made from the name for roles added in the browser."""
    name = models.CharField(_("Name"), max_length=60, blank=True)
    """Empty for a built-in role that was not renamed: it is shown in the reader's language."""
    permissions = ArrayField(models.CharField(max_length=40), verbose_name=_("Permissions"), default=list, blank=True)
    scope = models.CharField(_("Scope"), max_length=8, choices=Scope.choices, default=Scope.OWN)
    sees_contact_points = models.BooleanField(_("Sees phone numbers and e-mail addresses unmasked"), default=False)

    class Meta:
        verbose_name = _("role")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name or (str(RoleKey(self.key).label) if self.is_built_in else self.key)

    @property
    def is_built_in(self) -> bool:
        return self.key in RoleKey.values


class Team(models.Model):
    """A team and its manager. A user works in one team; scope "team" shows the contacts of that team."""

    name = models.CharField(_("Name"), max_length=60, unique=True)
    manager = models.ForeignKey(
        "core.User", models.SET_NULL, verbose_name=_("Manager"), null=True, blank=True, related_name="managed_teams"
    )

    class Meta:
        verbose_name = _("team")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class UserQuerySet(models.QuerySet):
    def active(self) -> "UserQuerySet":
        return self.filter(is_active=True)

    def able(self, permission: Permission) -> "UserQuerySet":
        """Active users whose role has the permission."""
        return self.active().filter(role__permissions__contains=[permission.value])


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=fold_email(email), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str) -> "User":
        return self.get(email=fold_email(username))


def fold_email(email: str) -> str:
    """Log-in names are compared without case."""
    return email.strip().lower()


class User(AbstractBaseUser):
    """Somebody who logs in. Never deleted, only deactivated, so that the audit log keeps its names."""

    email = models.EmailField(pgettext_lazy("address", "E-mail"), max_length=254, unique=True)
    name = models.CharField(pgettext_lazy("person", "Name"), max_length=60)
    language = models.CharField(_("Language"), max_length=10, choices=Language.choices, default=Language.CHINESE)
    theme = models.CharField(_("Theme"), max_length=8, choices=Theme.choices, default=Theme.AUTO)
    role = models.ForeignKey(Role, models.PROTECT, verbose_name=_("Role"), related_name="users")
    team = models.ForeignKey(
        Team, models.SET_NULL, verbose_name=_("Team"), null=True, blank=True, related_name="members"
    )
    is_active = models.BooleanField(_("Active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_any_case"),
        ]

    def __str__(self) -> str:
        return self.name

    def can(self, *permissions: Permission | str) -> bool:
        """True when the user's role has every one of the permissions. No query: the role is loaded with the user."""
        return self.is_active and all(str(p) in self.role.permissions for p in permissions)

    @property
    def scope(self) -> str:
        return self.role.scope

    @property
    def sees_contact_points(self) -> bool:
        return self.role.sees_contact_points
