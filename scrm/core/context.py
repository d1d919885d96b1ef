"""What every page of the shell needs. Lazy: a fragment for htmx that does not draw the shell costs no query."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from scrm.core.enums import Language
from scrm.core.models import Company
from scrm.core.navigation import sections_for


def shell(request: HttpRequest) -> dict[str, object]:
    user = getattr(request, "user", None)
    known = user is not None and user.is_authenticated
    return {
        "company": SimpleLazyObject(Company.get),
        "navigation": SimpleLazyObject(lambda: sections_for(request) if known else []),
        "unread": SimpleLazyObject(lambda: user.notifications.unread().count() if known else 0),
        "demo": settings.DEMO,
        "LANGUAGE_CODE": get_language(),
        "languages": Language.choices,
        "theme": user.theme if known else request.COOKIES.get("theme", "auto"),
    }
