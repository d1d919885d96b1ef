"""Log-in by e-mail and password."""

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from scrm.core.models import User, fold_email


class EmailBackend(BaseBackend):
    def authenticate(self, request: HttpRequest | None, email: str = "", password: str = "") -> User | None:
        """The active user, or None. An unknown address costs as much time as a wrong password."""
        user = User.objects.select_related("role", "team").filter(email=fold_email(email)).first()
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The user of a session with role and team, in one query; a deactivated user is logged out at once."""
        return User.objects.select_related("role", "team").filter(pk=user_id, is_active=True).first()
