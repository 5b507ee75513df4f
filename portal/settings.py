"""Django's settings, derived from PortalConfig; nothing else reads the environment."""

from datetime import timedelta

import environ
from django.templatetags.static import static
from django.urls import reverse_lazy

from portal.config import ROOT, load

CONFIG = load()
BASE_DIR = ROOT
SECRET_KEY = CONFIG.secret_key
DEBUG = CONFIG.debug
ALLOWED_HOSTS = list(CONFIG.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [CONFIG.public_url]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ, TIME_ZONE, LANGUAGE_CODE, USE_I18N = True, "UTC", "en-gb", False
FORMAT_MODULE_PATH = "portal.formats"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "axes",
    "portal.apps.PortalApp",
]
MIDDLEWARE = [
    "portal.inside.HealthOfAnyHost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.refusals.RefusalsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "portal" / "templates"],  # Before Unfold's own, of which some are replaced.
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# SQLite: IMMEDIATE is what keeps read-then-write transactions from failing under load; no pool, because
# django-q2 forks. ATOMIC_REQUESTS stays off: every GET would take SQLite's write lock.
_database = environ.Env.db_url_config(CONFIG.database_url)
_database["CONN_MAX_AGE"] = 600
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;"
        "PRAGMA journal_size_limit=67108864;PRAGMA cache_size=-20000;",
    }
DATABASES = {"default": _database}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Everything that needs https follows the public address: without it the portal is one for this machine.
_HTTPS = CONFIG.public_url.startswith("https://")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # Load balancers ask from inside, over plain http.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HTTPS else None
SECURE_HSTS_SECONDS = CONFIG.access.hsts_seconds if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = bool(SECURE_HSTS_SECONDS)
X_FRAME_OPTIONS = "DENY"
# By the beginning of the path; the longest match counts. Unfold's Alpine evaluates its attributes and sets styles; no page
# has a script in its HTML.
CONTENT_SECURITY_POLICIES = {
    "/": {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    },
}
# Five wrong passwords for one name from one address. By the name alone anybody could lock out anybody,
# by the address alone a colleague behind the same router.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT, AXES_COOLOFF_TIME, AXES_RESET_ON_SUCCESS = 5, timedelta(minutes=15), True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "portal.client_address.client_address"
AXES_LOCKOUT_CALLABLE, CSRF_FAILURE_VIEW = "portal.admin.nothing.locked_out", "portal.admin.nothing.form_too_old"
AXES_ENABLE_ADMIN, AXES_DISABLE_ACCESS_LOG, AXES_VERBOSE = False, True, False
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"

STATIC_URL = "/static/"
STATIC_ROOT = CONFIG.static_dir
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# Short idempotent jobs only. `retry` is counted from the moment a task is prefetched, so it must exceed
# timeout * (1 + prefetched / workers); a finished job never repeats, because each starts with a compare-and-set.
Q_CLUSTER = {
    "name": "portal",
    "orm": "default",
    "workers": CONFIG.queue_workers,
    "queue_limit": 1,
    "bulk": 1,
    "timeout": 60,
    "retry": 300,
    "ack_failures": True,
    "max_attempts": 3,
    "catch_up": False,
    "save_limit": 0,
    "recycle": 200,
    "poll": 0.2,
    "guard_cycle": 0.5,
    "ALT_CLUSTERS": {},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.auth.TokenAuthentication", "portal.api.gateway.GatewayAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api.permissions.MayDo"],
    "DEFAULT_THROTTLE_CLASSES": ["portal.api.throttle.PerCaller"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "portal.api.errors.problem_response",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Knopfdruck",
    "DESCRIPTION": "Start, follow, stop, judge and compare load tests. Every error is a problem document (RFC 9457).",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": ["portal.api.schema.values.add_components"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "TAGS": [{"name": name} for name in ("runs", "reports", "scenarios", "environments", "portal")],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"portal": {"level": "INFO"}},
}

UNFOLD = {
    "SITE_TITLE": "Knopfdruck",
    "SITE_HEADER": "Knopfdruck",
    "SITE_SUBHEADER": "Push-button load tests",
    "SITE_SYMBOL": "speed",
    "SITE_URL": None,  # There is no other site to return to.
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "portal.admin.brakes.badge",
    "DASHBOARD_CALLBACK": "portal.admin.start_page.start_page",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("portal/favicon.svg")}],
    "STYLES": [lambda request: static("portal/portal.css")],
    "SCRIPTS": [lambda request: static("portal/accessible.js")],
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": "Load tests",
                "items": [
                    {"title": "Runs", "icon": "play_circle", "link": reverse_lazy("admin:portal_run_changelist")},
                    {"title": "Scenarios", "icon": "code", "link": reverse_lazy("admin:portal_scenario_changelist")},
                    {"title": "Environments", "icon": "cloud", "link": reverse_lazy("admin:portal_environment_changelist")},
                ],
            },
            {
                "title": "Access",
                "items": [
                    {"title": "API tokens", "icon": "key", "link": reverse_lazy("admin:portal_apitoken_changelist")},
                    {
                        "title": "Audit log",
                        "icon": "history",
                        "link": reverse_lazy("admin:portal_auditentry_changelist"),
                        "permission": lambda request: request.user.has_perm("portal.view_auditentry"),
                    },
                    {
                        "title": "Users",
                        "icon": "person",
                        "link": reverse_lazy("admin:auth_user_changelist"),
                        "permission": lambda request: request.user.has_perm("auth.view_user"),
                    },
                ],
            },
        ],
    },
}
