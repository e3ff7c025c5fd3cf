"""One file of settings for every environment; what may differ is read through env.py.

Each variable has its line in .env.example.
"""

from pathlib import Path
from typing import Any

import allauth
import bootstrap  # type: ignore[import-untyped] # a folder of CSS
import dj_database_url
import django_htmx
import fontpkg_public_sans  # type: ignore[import-untyped] # two font files
import plotly
from csp.constants import NONE, SELF

from webapp.env import (
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_path,
    env_secret,
    env_text,
    load_dotenv,
)

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")

# --- Where things lie -------------------------------------------------------------------------

DATA_DIR = env_path("DATA_DIR", default=BASE_DIR / "var")
DATA_ROOT = env_path("DATA_ROOT", default=DATA_DIR / "data")
# Roots below which a job may name an image folder; whoever may launch jobs may read these.
DATA_FOLDERS = [Path(root).expanduser() for root in env_list("DATA_FOLDERS", default=[])] or [
    DATA_ROOT
]
WEIGHTS_STORE = env_path("WEIGHTS_STORE", default=DATA_DIR / "weights")
RUNS_DIR = env_path("RUNS_DIR", default=DATA_DIR / "runs")
MEDIA_ROOT = env_path("MEDIA_ROOT", default=DATA_DIR / "media")

# --- Security ---------------------------------------------------------------------------------

DEBUG = env_bool("DEBUG", default=False)
DATABASE_URL = env_text("DATABASE_URL")
EMBEDDED = not DATABASE_URL  # everything on this one machine, nothing to configure
HTTPS = env_bool("HTTPS", default=False)  # behind a proxy that ends TLS

SECRET_KEY = env_secret(
    "SECRET_KEY", keep_in=DATA_DIR / "secret-key" if EMBEDDED or DEBUG else None
)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", default=[])

SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # Plotly sets style attributes on what it draws.
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Django -----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "webapp.accounts",
    "webapp.teams",
    "webapp.tables",
    "webapp.jobs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "webapp.static_files.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Closed by default: a view is open only where it says so.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [  # Any: what each template engine takes
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

LANGUAGE_CODE = "en"
TIME_ZONE = env_text("TIME_ZONE", default="UTC")
USE_TZ = True

# --- Database, Redis --------------------------------------------------------------------------

_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": DATA_DIR / "bespoke.sqlite3",
    "OPTIONS": {
        # Take the write lock at BEGIN: a transaction that reads first cannot fail halfway.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}
DATABASES: dict[str, Any] = {  # Any: options differ by database
    "default": _SQLITE
    if EMBEDDED
    else dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
}

# The embedded server listens on a socket in a folder that only its owner may enter.
VALKEY_DIR = DATA_DIR / "valkey"
REDIS_URL_GIVEN = env_text("REDIS_URL")
REDIS_URL = REDIS_URL_GIVEN or f"unix://{VALKEY_DIR / 'valkey.sock'}"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "bespoke"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "bespoke",
    }
    if REDIS_URL_GIVEN
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- Jobs -------------------------------------------------------------------------------------

LEASE_SECONDS = env_int("LEASE_SECONDS", default=60, lowest=2)
WORKER_SLOTS = env_int("WORKER_SLOTS", default=1, lowest=1)  # jobs one worker runs at a time
# How often an idle worker looks for queued jobs and expired leases.
LOOKOUT_SECONDS = env_int("LOOKOUT_SECONDS", default=5, lowest=1)
STOP_SECONDS = env_int("STOP_SECONDS", default=60, lowest=1)  # for a checkpoint; then SIGKILL
CLOSE_SECONDS = 10  # the same, where the whole worker is closing
DESCRIBE_SECONDS = 120  # to describe a model outside the catalogue
# How long a worker keeps the checkpoints of a run that failed or was cancelled.
RUN_FOLDER_DAYS = env_int("RUN_FOLDER_DAYS", default=30, lowest=1)
MOST_LOST_ATTEMPTS = 5  # killed or lost in a row before a job is given up
UPLOAD_LIMIT_MB = env_int("UPLOAD_LIMIT_MB", default=512, lowest=1)
TABLE_LIMIT_MB = env_int("TABLE_LIMIT_MB", default=4, lowest=1, highest=4)  # of a device's times
TABLE_DRAFT_HOURS = 24  # a table that was uploaded waits so long to be kept
ENGINE_COMMAND = env_text("ENGINE_COMMAND")  # empty: this Python's `-m engine`

# --- Static files -----------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "webapp.vendor_files.VendorFinder",
]
_ALLAUTH_JS = Path(allauth.__path__[0]) / "account" / "static" / "account" / "js"
_BOOTSTRAP_CSS = Path(bootstrap.__path__[0]) / "css"
_HTMX = Path(django_htmx.__path__[0]) / "static" / "django_htmx"
_PUBLIC_SANS = fontpkg_public_sans.ROOT / "files"
VENDOR_FILES: dict[str, Path] = {  # the only ones of these packages that are served
    "account/js/account.js": _ALLAUTH_JS / "account.js",
    "account/js/onload.js": _ALLAUTH_JS / "onload.js",
    "django_htmx/django-htmx.js": _HTMX / "django-htmx.js",
    "django_htmx/htmx-2.min.js": _HTMX / "htmx-2.min.js",
    "vendor/plotly/plotly.min.js": Path(plotly.__path__[0]) / "package_data" / "plotly.min.js",
    "vendor/bootstrap/css/bootstrap.min.css": _BOOTSTRAP_CSS / "bootstrap.min.css",
    "vendor/bootstrap/css/bootstrap.min.css.map": _BOOTSTRAP_CSS / "bootstrap.min.css.map",
    "vendor/public-sans/PublicSans[wght].ttf": _PUBLIC_SANS / "PublicSans[wght].ttf",
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "webapp.static_files.HashedStaticFilesStorage"
    },
}

# --- Accounts ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SIGN_UP_OPEN = env_bool("SIGN_UP_OPEN", default=True)
DEMO_ACCOUNTS = env_bool("DEMO_ACCOUNTS", default=EMBEDDED)

ACCOUNT_ADAPTER = "webapp.teams.sign_up.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none" if EMBEDDED else "optional"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_USERNAME_BLACKLIST = ["admin", "root", "bespoke"]
EMAIL_BACKEND = (
    "django.core.mail.backends.console.EmailBackend"
    if EMBEDDED
    else "django.core.mail.backends.smtp.EmailBackend"
)
EMAIL_HOST = env_text("EMAIL_HOST", default="localhost")
EMAIL_PORT = env_int("EMAIL_PORT", default=25, lowest=1, highest=65535)
DEFAULT_FROM_EMAIL = env_text("EMAIL_FROM", default="bespoke@localhost")

# --- The start command, logs ------------------------------------------------------------------

HOST = env_text("HOST", default="127.0.0.1")
PORT = env_int("PORT", default=8000, lowest=1, highest=65535)
LOG_LEVEL = env_choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
