"""Settings of the sandbox process: no database of Django's, no users, loopback only. The product's settings are not read."""

import secrets
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from scrm.lib import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "var")
RECORD_FILE = DATA_DIR / "sandbox.sqlite3"
CLOCK_FILE = DATA_DIR / "clock.json"
"""The business clock that the sandbox's buttons shift; the product's processes read the same file in demo mode."""

PORT = env.integer("SANDBOX_PORT", 8100)
SMTP_PORT = env.integer("SANDBOX_SMTP_PORT", PORT + 25)
PUBLIC_URL = env.text("SANDBOX_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
PRODUCT_URL = env.text("PUBLIC_URL", f"http://127.0.0.1:{env.integer('PORT', 8000)}").rstrip("/")

CALLBACK_TIMEOUT = env.integer("SANDBOX_CALLBACK_TIMEOUT_MS", 5000) / 1000
CALLBACK_RETRY_SECONDS = env.integer("SANDBOX_CALLBACK_RETRY_MS", 5000) / 1000
"""The platform waits 5 s for an answer and tries 3 more times; tests shorten both."""

DEBUG = False
SECRET_KEY = secrets.token_urlsafe(40)  # Nothing that outlives the process is signed.
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ROOT_URLCONF = "scrm.sandbox.urls"
APPEND_SLASH = True
DATABASES: dict[str, dict[str, object]] = {}
INSTALLED_APPS = ["django.contrib.staticfiles", "scrm.sandbox"]
MIDDLEWARE = [
    "scrm.sandbox.middleware.guard",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "scrm.sandbox.middleware.speak",
    "django.middleware.common.CommonMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request", "scrm.sandbox.middleware.context"],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    },
]

STATIC_URL = "/static/"
STATIC_ROOT = None
_NODE = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *(
        (f"vendor/{name}", str(_NODE / path))
        for name, path in {"tabler": "@tabler/core/dist/css", "icons": "@tabler/icons-webfont/dist"}.items()
        if (_NODE / path).is_dir()
    ),
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

TIME_ZONE = env.text("COMPANY_TIME_ZONE", "Asia/Shanghai")
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_COOKIE_NAME = "sandbox_language"
LOCALE_PATHS = [BASE_DIR / "scrm" / "sandbox" / "locale"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {"mail.log": {"level": "WARNING"}},
}
