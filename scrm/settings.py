"""Every setting comes from the environment (docs/operation.md lists them); a bad value stops the start with a sentence."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from scrm.lib import env, keys

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "var")

DEBUG = env.flag("DEBUG", False)
DEMO = env.flag("DEMO", False)
"""Demo mode: sandbox linked, its customers count in reports, the business clock may be shifted, loopback only."""

# Keys: from the environment, else made at first start in DATA_DIR/keys (0600).
SECRET_KEY = keys.django_secret(DATA_DIR)
ENCRYPTION_KEYS = keys.encryption_ring(DATA_DIR)

PORT = env.port("PORT", 8000)
SANDBOX_PORT = env.port("SANDBOX_PORT", 8100)
SANDBOX_SMTP_PORT = env.port("SANDBOX_SMTP_PORT", SANDBOX_PORT + 25)
PUBLIC_URL = env.text("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
SANDBOX_PUBLIC_URL = env.text("SANDBOX_PUBLIC_URL", f"http://127.0.0.1:{SANDBOX_PORT}").rstrip("/")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", PUBLIC_URL)
BEHIND_PROXY = env.flag("BEHIND_PROXY", False)
"""Our own reverse proxy stands in front and appends the client to X-Forwarded-For."""
if PUBLIC_URL.startswith("https://"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

INSTALLED_APPS = [
    # Ours first: of two catalogues that translate the same words, the first app's wins.
    "scrm.core",
    "contacts",
    "channels_ingest",
    "campaigns",
    "service_desk",
    "journeys",
    "analytics",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "template_partials",
    "scrm.demo",
]

MIDDLEWARE = [
    "scrm.core.middleware.guard_database",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "scrm.core.middleware.protect",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "scrm.core.middleware.speak",
    "scrm.core.middleware.require_login",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "scrm.urls"
WSGI_APPLICATION = "scrm.wsgi.application"
AUTH_USER_MODEL = "core.User"
CSRF_FAILURE_VIEW = "scrm.core.views.errors.csrf_failure"
LOGIN_URL = "core:login"
LOGIN_REDIRECT_URL = "/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["scrm.core.backends.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scrm.core.context.shell",
            ],
            "builtins": ["django.templatetags.i18n", "scrm.core.templatetags.ui"],
        },
    },
]

# One Postgres holds all work; Redis only carries hints and caches.
# Without URLs: the embedded servers of `make run` on the same DATA_DIR, while they run.
DATABASE_URL = env.server("DATABASE_URL", DATA_DIR, "postgres://zhike@127.0.0.1:5432/zhike")
DATABASES = {
    "default": {
        **env.database(DATABASE_URL),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3, "options": "-c timezone=UTC -c jit=off"},
    }
}
REDIS_URL = env.server("REDIS_URL", DATA_DIR, "redis://127.0.0.1:6379/0")
# redis-py would retry with waits of seconds; a page would rather go without.
REDIS_OPTIONS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.3, "retry": Retry(NoBackoff(), 0)}
CACHES = {
    "default": {
        "BACKEND": "scrm.lib.cache.QuietRedisCache",
        "LOCATION": env.text("CACHE_URL", REDIS_URL),
        "KEY_PREFIX": "scrm",
        "OPTIONS": REDIS_OPTIONS,
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
MESSAGE_STORAGE = "django.contrib.messages.storage.fallback.FallbackStorage"

# Celery: messages are hints (architecture: 1). Lost ones cost one sweep, so: early ack, no results, no eta, no retry on publish.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 0.5, "max_retries": 0}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # only late-acknowledged ones; we have none
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "events"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_ROUTES = ("scrm.core.pumps.route",)
HINTS = env.flag("HINTS", True)
"""Off in tests: pumps are then run by hand (``scrm.core.pumps.drain``)."""
PUMP_SECONDS = env.integer("PUMP_SECONDS", 20)
"""How long one task keeps a pump running before it lets the queue's other pumps have their turn."""
LEASE_SECONDS = env.integer("LEASE_SECONDS", 120)
"""How long deliveries and messages stay with the worker that took them; what a killed one held waits so long for another. More
than a handful of calls to a platform that all come late (20 times 5 s)."""
QUEUES = ["welcome", "ingest", "events", "journeys", "send", "bulk"]

# Where rooms on the left give their part to rooms on the right (dotted paths, see docs/architecture.md).
PUMPS = [
    "channels_ingest.pumps.INGEST",
    "channels_ingest.pumps.POLL",
    "channels_ingest.pumps.EXPIRE",
    "contacts.pumps.CONSUMERS",
    "contacts.pumps.SEGMENTS",
    "contacts.pumps.LEADS",
    "campaigns.pumps.LAUNCH",
    "campaigns.pumps.DISPATCH",
    "service_desk.pumps.WAKE",
    "service_desk.pumps.ROUTE",
    "service_desk.pumps.CLOCKS",
    "service_desk.pumps.LEARN",
    "journeys.pumps.ADVANCE",
    "analytics.pumps.REPORTS",
    "scrm.core.tallies.FOLD",
]
TALLIES = ["contacts.tallies.TAGS", "campaigns.tallies.MESSAGES", "journeys.tallies.ENROLMENTS"]
"""Kept counts (scrm.core.tallies)."""
EVENT_CONSUMERS = [
    "contacts.consumers.lifecycle.consume",
    "contacts.consumers.leads.consume",
    "campaigns.consumers.engagement.consume",
    "campaigns.consumers.redemption.consume",
    "service_desk.consumers.conversations.consume",
    "service_desk.consumers.tickets.consume",
    "journeys.consumers.triggers.consume",
    "analytics.consumers.daily.consume",
    "analytics.consumers.effect.consume",
]
CONTACT_PANELS = [
    "contacts.panels.contact_lead",
    "service_desk.ticket_panels.contact_tickets",
    "service_desk.panels.contact_conversations",
    "campaigns.panels.contact_messages",
    "journeys.panels.contact_enrolments",
]
SEGMENT_CONDITIONS = ["campaigns.conditions.CONDITIONS"]
RULE_HOLDERS = ["journeys.queries.named_leaves"]
"""Functions that answer (what holds it, leaf) for every condition that a room's own rows hold: what they name is not deleted."""
CONTACT_MERGE_HANDLERS: list[str] = [
    "contacts.leads.merging.merged",
    "campaigns.merging.merged",
    "service_desk.merging.merged",
    "service_desk.ticket_merging.merged",
    "journeys.merging.on_merge",
    "analytics.crediting.merged",
]
"""Called with (survivor_id, other_id) inside the transaction of a merge, to re-point a room's own rows."""
CONTACT_UNMERGE_HANDLERS: list[str] = [
    "contacts.leads.merging.unmerged",
    "campaigns.merging.unmerged",
    "service_desk.merging.unmerged",
    "service_desk.ticket_merging.unmerged",
    "journeys.merging.on_unmerge",
    "analytics.crediting.unmerged",
]
"""The same when a merge is undone, after identities went back to ``other_id`` and before the log does."""
CURRENCY_HANDLERS: list[str] = ["contacts.actions.recount_orders"]
"""Called without arguments, in its transaction, when the company's currency was changed."""
BENCHES: list[str] = [
    "contacts.bench.BENCHES",
    "campaigns.bench.BENCHES",
    "journeys.bench.BENCHES",
    "scrm.demo.bench.BENCHES",
]
FIRST_STEPS = [
    "channels_ingest.first_steps.steps",
    "scrm.core.first_steps.company_steps",
    "campaigns.first_steps.steps",
    "journeys.first_steps.steps",
]
"""Functions that answer (user) -> [scrm.core.first_steps.Step] for the checklist of a new company."""
SEARCH_PROVIDERS = ["contacts.search.provide"]
NAVIGATION = [
    "analytics.navigation.ITEMS",
    "contacts.navigation.ITEMS",
    "service_desk.navigation.ITEMS",
    "journeys.navigation.ITEMS",
    "campaigns.navigation.ITEMS",
    "channels_ingest.navigation.ITEMS",
    "scrm.core.navigation.ITEMS",
]

IDENTITY_LIMITS = {"anonymous": 20, "other": 5}
"""Most identities of a kind per contact; beyond it nothing is attached or merged by itself (a shared device, a default)."""

# Platforms: every base URL is a setting so that the sandbox can stand in.
WEIBO_API_URL = env.text("WEIBO_API_URL", "https://api.weibo.com").rstrip("/")
WECHAT_API_URL = env.text("WECHAT_API_URL", "https://api.weixin.qq.com").rstrip("/")

COMPANY_TIME_ZONE = env.text("COMPANY_TIME_ZONE", "Asia/Shanghai")
TIME_ZONE = COMPANY_TIME_ZONE
USE_TZ = True
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_COOKIE_NAME = "language"
USE_I18N = True
CLOCK_FILE = DATA_DIR / "clock.json" if DEMO else None
"""Business clock shift, shared by every process of a demo (scrm.lib.clock)."""

STATIC_URL = "/static/"
STATIC_ROOT = env.folder("STATIC_ROOT", DATA_DIR / "static")
_NODE = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *(
        (f"vendor/{name}", str(_NODE / path))
        for name, path in {
            "tabler": "@tabler/core/dist/css",
            "tabler-js": "@tabler/core/dist/js",
            "icons": "@tabler/icons-webfont/dist",
            "htmx": "htmx.org/dist",
            "echarts": "echarts/dist",
            "sortable": "sortablejs",
        }.items()
        if (_NODE / path).is_dir()
    ),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "scrm.core.assets.Assets"
    },
}
MEDIA_ROOT = DATA_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
}
