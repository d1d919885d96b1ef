"""The very first administrator is made with a token that only the console of the server shows."""

import hashlib
import hmac
import secrets

from django.db import transaction

from scrm.core import audit
from scrm.core.enums import RoleKey
from scrm.core.models import Company, FirstRunToken, Role, User
from scrm.lib.clock import real_now


def is_needed() -> bool:
    """True until the first user exists. One query."""
    return not User.objects.exists()


def token() -> str | None:
    """A new token for the console, replacing any earlier one; None when there is a user. Only a hash is kept."""
    if not is_needed():
        return None
    value = secrets.token_urlsafe(18)
    FirstRunToken.objects.update_or_create(pk=1, defaults={"digest": _digest(value), "created_at": real_now()})
    return value


def fits(value: str) -> bool:
    row = FirstRunToken.objects.filter(pk=1).first()
    return row is not None and hmac.compare_digest(row.digest, _digest(value.strip()))


@transaction.atomic
def open_company(*, company: Company, name: str, email: str, password: str, language: str) -> User | None:
    """Save the company and make the first administrator; the token is used up. Answers None when somebody else was
    faster (the token row is the lock)."""
    if not FirstRunToken.objects.select_for_update().filter(pk=1).exists() or not is_needed():
        return None
    FirstRunToken.objects.all().delete()
    company.pk = 1
    company.save()
    admin = User.objects.create_user(
        email, password, name=name, language=language, role=Role.objects.get(key=RoleKey.ADMIN)
    )
    audit.record(admin, "company.opened", company)
    return admin


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
