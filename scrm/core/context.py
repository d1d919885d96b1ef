"""What every page of the shell needs. Lazy: a fragment for htmx that does not draw the shell costs no query."""

from django.conf import settings
from django.db.models import Count, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from scrm.core.enums import Language
from scrm.core.models import Company, User
from scrm.core.navigation import sections_for


def shell(request: HttpRequest) -> dict[str, object]:
    user = getattr(request, "user", None)
    known = user is not None and user.is_authenticated
    company = SimpleLazyObject(lambda: _company_and_unread(user) if known else Company.get())
    return {
        "company": company,
        "navigation": SimpleLazyObject(lambda: sections_for(request) if known else []),
        "unread": SimpleLazyObject(lambda: company.unread if known else 0),
        "demo": settings.DEMO,
        "LANGUAGE_CODE": get_language(),
        "languages": Language.choices,
        "theme": user.theme if known else request.COOKIES.get("theme", "auto"),
    }


def _company_and_unread(user: User) -> Company:
    """The company with the number of notifications that the user has not read: every page shows both, so one query."""
    unread = user.notifications.unread()
    counted = unread.order_by().values("user").annotate(n=Count("pk")).values("n")
    row = Company.objects.filter(pk=1).annotate(unread=Coalesce(Subquery(counted), 0)).first()
    if row is None:
        row = Company(pk=1)
        row.unread = unread.count()
    return row
