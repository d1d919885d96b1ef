"""Loopback and same-origin only, language by cookie, and what every page needs."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils import translation

Handler = Callable[[HttpRequest], HttpResponse]


def guard(handle: Handler) -> Handler:
    """Other Host names (DNS rebinding) and writes from other sites are refused; machines send neither header and pass."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            host = request.get_host()
        except DisallowedHost:
            return HttpResponse("The sandbox answers on 127.0.0.1 only.\n", status=421, content_type="text/plain")
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            origin = request.headers.get("Origin")
            site = request.headers.get("Sec-Fetch-Site", "none")
            if (origin and origin != f"http://{host}") or site not in {"same-origin", "none"}:
                return HttpResponse("Not from another site.\n", status=403, content_type="text/plain")
        response = handle(request)
        product = settings.PRODUCT_URL
        response.headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'self'; script-src 'self' {product}; connect-src 'self' {product}; img-src 'self' data: {product}; "
            f"frame-src 'self' {product}; style-src 'self'; style-src-attr 'unsafe-inline'; object-src 'none'; base-uri 'self'; "
            "frame-ancestors 'self'",
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response

    return middleware


def speak(handle: Handler) -> Handler:
    """Simplified Chinese unless the switch said otherwise; the browser's own preference is not asked, as in the product."""

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) or request.COOKIES.get("language")
        language = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = handle(request)
            response.headers.setdefault("Content-Language", language)
            return response

    return middleware


def context(request: HttpRequest) -> dict[str, object]:
    theme = request.COOKIES.get("sandbox_theme")
    return {
        "product_url": settings.PRODUCT_URL,
        "language": translation.get_language(),
        "theme": "dark" if theme == "dark" else "light",
    }
