"""Settings, read once from the environment (and `.env`): Development, Testing and Production.

The environment decides everything that differs between a laptop and a fleet: with nothing set the application is
embedded (SQLite in `instance/`, caches and limits in memory); `DATABASE_URL` and `REDIS_URL` make it a fleet member.
Production refuses to start with a weak or missing secret.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
from collections.abc import Iterable
from difflib import get_close_matches
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env
from limits import parse_many
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"
MINIMUM_SECRET_LENGTH = 32

# Each limit by name: (the default, the strict profile). The strict profile has the figures that the first published
# version of this API had (5 an hour on a list, 1 an hour on a deletion); where it had none, a tight one.
# RATE_LIMIT_PROFILE=strict takes the second column; RATE_LIMIT_<NAME>, such as RATE_LIMIT_LOGIN="3/minute", wins.
RATE_LIMITS: dict[str, tuple[str, str]] = {
    "login": ("20/minute", "5/minute"),
    "register": ("20/minute", "5/minute"),
    "recovery": ("10/minute", "5/hour"),
    "refresh": ("60/minute", "20/minute"),
    "invite": ("60/hour", "10/hour"),
    "read": ("600/minute", "60/minute"),
    "photo": ("20/minute", "10/hour"),
    "attachment": ("120/minute", "60/hour"),
    "watch": ("60/minute", "60/hour"),
    "export": ("60/minute", "20/hour"),
    "files": ("600/minute", "60/minute"),
    "directory": ("300/minute", "60/minute"),
    "estimate_page": ("60/minute", "30/minute"),
    "estimate_decision": ("20/minute", "10/minute"),
    "write": ("300/minute", "30/minute"),
    "delete": ("120/minute", "20/hour"),
    "paper": ("60/minute", "20/hour"),
    "tables": ("30/minute", "10/hour"),
    "ranking": ("120/minute", "20/hour"),
    "customers_list": ("300/minute", "15/hour"),
    "mechanics_list": ("300/minute", "5/hour"),
    "mechanics_delete": ("60/minute", "1/hour"),
    "invitations_list": ("300/minute", "15/hour"),
    "api_keys_make": ("20/minute", "10/hour"),
    "api_keys_list": ("120/minute", "15/hour"),
    "members_list": ("120/minute", "15/hour"),
    "roles_list": ("120/minute", "15/hour"),
    "service_tickets_list": ("300/minute", "5/hour"),
    "service_tickets_remove_mechanic": ("120/minute", "20/hour"),
    "vehicles_list": ("300/minute", "15/hour"),
    "inventory_list": ("300/minute", "15/hour"),
    "notifications_list": ("300/minute", "15/hour"),
    "audit_list": ("120/minute", "20/hour"),
    "documentation": ("300/minute", "60/minute"),
    "health": ("1200/minute", "600/minute"),
}

# How long a cached answer lives at most, in seconds. A committed write ends it at once; the lifetime only bounds what
# a lost invalidation can cost.
CACHE_SECONDS: dict[str, int] = {
    "mechanics": 60,
    "inventory": 60,
    "vehicles": 60,
    "service_tickets": 60,
    "rankings": 60,
}

DATABASE_DRIVERS = ("sqlite", "postgresql+pg8000", "postgresql+psycopg")
# What may stand after the `?` of DATABASE_URL; sslmode as PostgreSQL's own library has it.
PG8000_PARAMETERS = ("sslmode", "sslrootcert", "application_name", "unix_sock")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

# Families of settings, of which a misspelled one is refused.
FAMILIES: dict[str, list[str]] = {
    "RATE_LIMIT_": ["profile", "enabled", *RATE_LIMITS],
    "CACHE_SECONDS_": [*CACHE_SECONDS],
}

TOKEN_LIFETIME_MINUTES = 30
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LONGEST_LIMIT_SECONDS = 366 * 86_400
LONGEST_PAUSE_MINUTES = 7 * 1_440

# FILES_STORE: where the bytes of photos, attachments and exports lie, encrypted.
FILE_STORES = ("database", "folder", "s3")

# SMTP_SECURITY: how the connection to the mail server is kept private, and the port where such a server listens.
SMTP_PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class ConfigurationError(Exception):
    """A setting is missing, weak or contradictory; the message names it and says the mend."""


class Environment(Env):
    """The variables of the environment, and those of `.env` that it leaves open; an empty one counts as absent."""

    def _get_value(self, env_key: str, default: Any) -> Any:
        return super()._get_value(env_key, default) or default

    def names(self, prefix: str) -> list[str]:
        """Return the names of the variables that begin with `prefix` and are not empty."""
        return sorted(name for name, value in os.environ.items() if name.startswith(prefix) and value)


class NoEnvironment(Environment):
    """As if nothing were set."""

    def _get_value(self, env_key: str, default: Any) -> Any:
        return default

    def names(self, prefix: str) -> list[str]:
        return []


def _environment() -> Environment:
    env = Environment()
    env.read_env(str(ROOT / ".env"), recurse=False)
    return env


def database_uri(url: str) -> str:
    """Return `url` with an explicit driver: `postgres://` and `postgresql://` mean pg8000.

    :raises ConfigurationError: it is no address, or of a database that this does not run on. The address, which may hold a
    password, is not shown.
    """
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            url = "postgresql+pg8000://" + url.removeprefix(scheme)
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    if address is None or address.drivername not in DATABASE_DRIVERS:
        raise ConfigurationError(
            f"DATABASE_URL takes such as postgresql://user:password@host:5432/database; it begins with one of: "
            f"postgresql, {', '.join(DATABASE_DRIVERS)}."
        )
    if (
        address.drivername == "postgresql+pg8000"
    ):  # psycopg's own library looks at what stands in its addresses
        _require_known_parameters(address)
    return url


def _require_known_parameters(address: URL) -> None:
    """Refuse what would do nothing after the `?` of an address: a misspelled sslmode leaves a connection unverified.

    :raises ConfigurationError: naming the parameter, and never the rest of the address.
    """
    if strange := sorted(set(address.query) - set(PG8000_PARAMETERS)):
        raise ConfigurationError(
            f"DATABASE_URL has the parameter {strange[0]!r}: it takes {', '.join(PG8000_PARAMETERS)}."
        )
    mode, certificates = address.query.get("sslmode", "prefer"), address.query.get("sslrootcert")
    if mode not in SSL_MODES:
        raise ConfigurationError(f"DATABASE_URL has sslmode={mode}: it takes {', '.join(SSL_MODES)}.")
    if certificates is not None and not Path(str(certificates)).is_file():
        raise ConfigurationError(f"DATABASE_URL has sslrootcert={certificates}: there is no such file.")


def redis_url(env: Env) -> str:
    """Return where Redis is; empty for none.

    :raises ConfigurationError: it is no address. The address, which may hold a password, is not shown.
    """
    chosen = env.str("REDIS_URL", "").strip()
    if chosen and not _is_redis(chosen):
        raise ConfigurationError(
            "REDIS_URL takes such as redis://user:password@host:6379/0, or rediss:// for TLS; in a password / ? # and @ "
            "are written %2F %3F %23 %40."
        )
    return chosen


def _is_redis(address: str) -> bool:
    from redis.connection import parse_url  # where there is one; an embedded installation does without

    if not re.fullmatch(r"(rediss?|unix)://\S+", address):
        return False
    try:
        parts, read = urlsplit(address), parse_url(address)  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return parts.scheme == "unix" or (
        bool(read.get("host")) and re.fullmatch(r"/?\d*", parts.path) is not None
    )


def database_role(env: Env) -> str:
    """Return the role of PostgreSQL that statements are run under; empty for the one that signs in."""
    role = env.str("DB_ROLE", "")
    if role and not re.fullmatch(r"[a-z_][a-z0-9_]{0,39}", role):
        raise ConfigurationError(
            f"DB_ROLE is {role!r}: it takes small letters, digits and underscores, at most 40, such as mechanic_shop_app."
        )
    return role


def token_keys(env: Env) -> dict[str, str]:
    """Return the keys that sign tokens by their ids, the signing one first; none where TOKEN_KEYS is empty."""
    try:
        keys: dict[str, str] = dict(env.dict("TOKEN_KEYS", {}, delimiter=","))
    except ValueError as error:
        raise ConfigurationError("TOKEN_KEYS takes `<key id>=<key>`, several separated by commas.") from error
    if len(keys) < len(env.list("TOKEN_KEYS", [])):
        raise ConfigurationError("TOKEN_KEYS has a key id twice: one of its keys would be no good any more.")
    return keys


def encryption_keys(env: Env) -> list[str]:
    """Return the keys that encrypt, the newest first; none where ENCRYPTION_KEYS is empty."""
    keys: list[str] = env.list("ENCRYPTION_KEYS", [])
    return [key.strip() for key in keys]


def within(env: Env, name: str, default: int, least: int, most: int) -> int:
    """Return a setting that is a number from `least` to `most`."""
    chosen = env.int(name, default)
    if not least <= chosen <= most:
        raise ConfigurationError(f"{name} is {chosen}: it takes {least} to {most:,}.")
    return chosen


def seconds(env: Env, name: str, default: float, most: int) -> float:
    """Return a setting that is a time in seconds, parts of one as well."""
    chosen = env.float(name, default)
    if not 0 <= chosen <= most:
        raise ConfigurationError(f"{name} is {chosen}: it takes 0 to {most:,} seconds.")
    return chosen


def web_address(env: Env, name: str, default: str) -> str:
    """Return a setting that is the beginning of links, without a last slash."""
    chosen = env.str(name, "").strip() or default
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", chosen, re.IGNORECASE) or not _has_place(chosen):
        shown = "an address with a password" if "@" in chosen else repr(chosen)
        raise ConfigurationError(f"{name} is {shown}: it takes such as https://api.example.com.")
    return chosen.rstrip("/")


def _has_place(address: str) -> bool:
    """Tell whether an address names a host, and a port that there can be, if any."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def log_level(env: Env) -> int:
    """Return how much is written to the log, as `logging` counts it."""
    chosen = env.str("LOG_LEVEL", "INFO").strip().upper()
    if chosen not in LOG_LEVELS:
        raise ConfigurationError(f"LOG_LEVEL is {chosen!r}: it takes {', '.join(LOG_LEVELS)}.")
    return logging.getLevelNamesMapping()[chosen]


def require_known(given: Iterable[str], prefix: str, endings: Iterable[str]) -> None:
    """Refuse a misspelled setting of a family of them, which would else do nothing and say nothing.

    :raises ConfigurationError: naming the first, and what it may have meant.
    """
    known = [ending.upper() for ending in endings]
    for name in given:
        ending = name.removeprefix(prefix)
        if ending not in known:
            near = get_close_matches(ending, known, n=1)
            meant = f"is it {prefix}{near[0]}?" if near else f"{prefix}… takes {', '.join(known)}."
            raise ConfigurationError(f"{name} is no setting: {meant}")


def cookie_samesite(env: Env) -> str:
    """Return the SameSite attribute of the cookies: Strict, Lax, or None for a frontend on another site."""
    chosen = env.str("COOKIE_SAMESITE", "Strict").capitalize()
    if chosen not in ("Strict", "Lax", "None"):
        raise ConfigurationError(f"COOKIE_SAMESITE is {chosen!r}: it takes Strict, Lax or None.")
    return chosen


def rate_limits(env: Env, profile: str) -> dict[str, str]:
    """Return the limit of each name under `profile`, single ones overridden by RATE_LIMIT_<NAME>."""
    if profile not in ("default", "strict"):
        raise ConfigurationError(f"RATE_LIMIT_PROFILE is {profile!r}: it takes 'default' or 'strict'.")
    column = 1 if profile == "strict" else 0
    chosen = {
        name: env.str(f"RATE_LIMIT_{name.upper()}", "") or figures[column]
        for name, figures in RATE_LIMITS.items()
    }
    for name, figure in chosen.items():
        # To Flask-Limiter what is none is no limit, and of several the first counts.
        if not _is_one_limit(figure):
            raise ConfigurationError(
                f"RATE_LIMIT_{name.upper()} is {figure!r}: it takes such as '20/minute'."
            )
    return chosen


def _is_one_limit(figure: str) -> bool:
    try:
        limits = parse_many(figure)
    except ValueError:
        return False
    return len(limits) == 1 and limits[0].get_expiry() <= LONGEST_LIMIT_SECONDS


def origins(given: list[str]) -> list[str]:
    """Return the origins whose pages may call the API, as browsers send them; `*` means any.

    :raises ConfigurationError: one is no origin, which no browser would ever send.
    """
    named = [origin.strip().lower() for origin in given]
    for origin in named:
        if origin != "*" and not (re.fullmatch(r"https?://[^\s/?#@]+", origin) and _has_place(origin)):
            raise ConfigurationError(
                f"CORS_ORIGINS has {origin!r}: it takes such as https://shop.example.com, without a path or a last slash."
            )
    return named


def pauses(minutes: list[str]) -> list[int]:
    """Return the pauses between the tries to send a message, in seconds.

    :raises ConfigurationError: one is no whole number of minutes, or there is none.
    """
    if not minutes or not all(
        pause.strip().isdecimal() and 0 < int(pause) <= LONGEST_PAUSE_MINUTES for pause in minutes
    ):
        raise ConfigurationError(
            f"MAIL_RETRY_MINUTES takes minutes from 1 to {LONGEST_PAUSE_MINUTES:,}, separated by commas: `1,5,30`."
        )
    return [int(pause) * 60 for pause in minutes]


def is_address(text: str) -> bool:
    """Tell whether `text` is one bare e-mail address, by which nothing can be smuggled into a header.

    Other letters than ASCII's are taken (RFC 6531), which the library's parser, that is asked for the rest, does not know.
    """
    if not text.isprintable() or set(text) & set(' ,;:<>()[]"\\'):
        return False
    try:
        text.rpartition("@")[2].encode("idna")
        parsed = Address(addr_spec=re.sub(r"[^\x00-\x7f]", "x", text))
    except (ValueError, IndexError, HeaderParseError):  # what they raise for one kind or another
        return False
    return bool(parsed.username and parsed.domain)


def development_secrets() -> dict[str, str]:
    """Return this checkout's own random secrets, made at first use and kept in `instance/` (readable by its owner)."""
    kept = INSTANCE / "development-secrets.env"
    if not kept.exists():
        INSTANCE.mkdir(exist_ok=True)
        drafted = "".join(
            f"{name}={secrets.token_urlsafe(48)}\n"
            for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY")
        )
        draft = kept.with_name(f"{kept.name}.{secrets.token_hex(4)}")
        draft.write_text(drafted, encoding="utf-8")
        draft.chmod(0o600)
        with contextlib.suppress(FileExistsError):  # the first of several starting processes wins, whole
            kept.hardlink_to(draft)
        draft.unlink()
    lines = kept.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


class Config:
    """What every environment shares; the subclasses say where they differ."""

    NAME = "development"
    DEBUG = False
    TESTING = False
    API_TITLE = "Mechanic Shop API"
    API_VERSION = "1.0.0"
    OPENAPI_VERSION = "3.1.0"
    JSON_SORT_KEYS = False
    MAX_CONTENT_LENGTH = 1_000_000
    LIVE_SECONDS = 300.0  # after which a watcher has to come back
    MAX_FORM_MEMORY_SIZE = 500_000
    SQLALCHEMY_TRACK_MODIFICATIONS = False
    CACHE_KEY_PREFIX = "shop:"
    RATELIMIT_STRATEGY = "fixed-window"
    RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = True

    def __init__(self, **overrides: Any) -> None:
        env = self.environment()
        self.set_secrets(env)
        self.DATABASE_URL = database_uri(env.str("DATABASE_URL", "") or self.default_database())
        self.DB_POOL_SIZE = within(env, "DB_POOL_SIZE", 10, 1, 500)
        self.DB_MAX_OVERFLOW = within(env, "DB_MAX_OVERFLOW", 5, 0, 500)
        self.DB_POOL_TIMEOUT = seconds(env, "DB_POOL_TIMEOUT", 10.0, 600)
        self.DB_STATEMENT_TIMEOUT_MS = within(env, "DB_STATEMENT_TIMEOUT_MS", 15_000, 10, 3_600_000)
        self.DB_PREPARE_STATEMENTS = env.bool("DB_PREPARE_STATEMENTS", True)
        self.DB_ROLE = database_role(env)
        self.REDIS_URL = redis_url(env)
        self.CORS_ORIGINS = origins(env.list("CORS_ORIGINS", []))
        self.TRUSTED_PROXIES = within(env, "TRUSTED_PROXIES", self.default_proxies(), 0, 10)
        self.TOKEN_MINUTES = within(env, "TOKEN_MINUTES", TOKEN_LIFETIME_MINUTES, 1, 1_440)
        self.REFRESH_DAYS = within(env, "REFRESH_DAYS", 7, 1, 365)
        self.COOKIE_SAMESITE = cookie_samesite(env)
        self.OPEN_REGISTRATION = env.bool("OPEN_REGISTRATION", self.registration_is_open())
        least_length, least_score = self.password_policy()
        self.PASSWORD_MINIMUM_LENGTH = within(env, "PASSWORD_MINIMUM_LENGTH", least_length, 8, 128)
        self.PASSWORD_LEAST_SCORE = within(env, "PASSWORD_LEAST_SCORE", least_score, 0, 4)
        self.FREE_TRIES_BY_ADDRESS = within(
            env, "FREE_TRIES_BY_ADDRESS", self.free_tries_by_address(), 1, 1_000_000
        )
        self.REGISTRATION_STEP_MS = within(env, "REGISTRATION_STEP_MS", self.registration_step(), 0, 10_000)
        within(
            env, "WEB_CONCURRENCY", 1, 0, 1_000
        )  # which gunicorn reads; what is none would stop it by a traceback
        here = f"http://127.0.0.1:{within(env, 'PORT', 5000, 1, 65_535)}"
        self.PUBLIC_URL = web_address(env, "PUBLIC_URL", env.str("RENDER_EXTERNAL_URL", here))
        self.FRONTEND_URL = web_address(env, "FRONTEND_URL", "http://localhost:5173")
        self.ARGON2_MEMORY_KIB = within(env, "ARGON2_MEMORY_KIB", 7_168, 8, 4_194_304)
        self.ARGON2_ITERATIONS = within(env, "ARGON2_ITERATIONS", 5, 1, 100)
        for family, endings in FAMILIES.items():
            require_known(env.names(family), family, endings)
        self.RATE_LIMIT_PROFILE = env.str("RATE_LIMIT_PROFILE", "default")
        self.RATE_LIMITS = rate_limits(env, self.RATE_LIMIT_PROFILE)
        self.RATELIMIT_ENABLED = env.bool("RATE_LIMIT_ENABLED", True)
        self.CACHE_SECONDS = {
            name: within(env, f"CACHE_SECONDS_{name.upper()}", seconds, 1, 86_400)
            for name, seconds in CACHE_SECONDS.items()
        }
        self.LIVE_WATCHERS = within(env, "LIVE_WATCHERS", 4, 0, 1_000)
        self.LOG_LEVEL = log_level(env)
        self.set_mail(env)
        self.set_files(env)
        self.JOBS_IN_SERVER = env.bool("JOBS_IN_SERVER", not self.REDIS_URL)
        self.JOB_THREADS = within(env, "JOB_THREADS", 2, 1, 64)
        for name, value in overrides.items():
            setattr(self, name, value)
        self.derive()

    def environment(self) -> Environment:
        """Return where the settings are read from."""
        return _environment()

    def set_secrets(self, env: Env) -> None:
        kept = development_secrets()
        self.SECRET_KEY = env.str("SECRET_KEY", "") or kept["SECRET_KEY"]
        self.TOKEN_KEYS = token_keys(env) or {"default": self.SECRET_KEY}
        self.ENCRYPTION_KEYS = [key for key in encryption_keys(env) if key] or [kept["ENCRYPTION_KEYS"]]
        self.BLIND_INDEX_KEY = env.str("BLIND_INDEX_KEY", "") or kept["BLIND_INDEX_KEY"]

    def set_mail(self, env: Env) -> None:
        self.MAIL_FROM = env.str("MAIL_FROM", "")
        self.BREVO_API_KEY = env.str("BREVO_API_KEY", "")
        self.SMTP_HOST = env.str("SMTP_HOST", "")
        self.SMTP_SECURITY = (env.str("SMTP_SECURITY", "") or "starttls").lower()
        self.SMTP_PORT = within(env, "SMTP_PORT", SMTP_PORTS.get(self.SMTP_SECURITY, 1), 1, 65_535)
        self.SMTP_USERNAME = env.str("SMTP_USERNAME", "")
        self.SMTP_PASSWORD = env.str("SMTP_PASSWORD", "")
        self.MAIL_TIMEOUT_SECONDS = within(env, "MAIL_TIMEOUT_SECONDS", 15, 1, 600)
        self.MAIL_LEASE_SECONDS = within(env, "MAIL_LEASE_SECONDS", 600, 1, 86_400)
        self.MAIL_PAUSES = pauses(env.list("MAIL_RETRY_MINUTES", ["1", "5", "30", "120", "720"]))
        self.MAIL_LOG_DAYS = within(env, "MAIL_LOG_DAYS", 365, 1, 36_500)
        self.MAIL_FOLDER = INSTANCE / "mail"

    def set_files(self, env: Env) -> None:
        self.FILES_STORE = env.str("FILES_STORE", "") or "database"
        self.FILES_FOLDER = INSTANCE / "files"
        self.FILES_TIMEOUT_SECONDS = within(env, "FILES_TIMEOUT_SECONDS", 10, 1, 60)
        self.S3_BUCKET = env.str("S3_BUCKET", "")
        self.S3_REGION = env.str("S3_REGION", "")
        self.S3_ENDPOINT = env.str("S3_ENDPOINT", "")
        self.S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID", "")
        self.S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY", "")

    def check_files(self) -> None:
        """Refuse settings by which no file could be kept.

        :raises ConfigurationError: naming the setting.
        """
        if self.FILES_STORE not in FILE_STORES:
            raise ConfigurationError(
                f"FILES_STORE is {self.FILES_STORE!r}: it takes {', '.join(FILE_STORES)}."
            )
        if self.FILES_STORE == "s3" and not self.S3_BUCKET:
            raise ConfigurationError("FILES_STORE=s3 needs S3_BUCKET.")
        if self.S3_ENDPOINT and not (
            self.S3_ENDPOINT.startswith(("http://", "https://")) and _has_place(self.S3_ENDPOINT)
        ):
            raise ConfigurationError("S3_ENDPOINT takes such as https://minio.example.com:9000.")
        if bool(self.S3_ACCESS_KEY_ID) != bool(self.S3_SECRET_ACCESS_KEY):
            raise ConfigurationError(
                "S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY come together, or not at all."
            )

    def check_mail(self) -> None:
        """Refuse settings by which no mail would leave, or leave readable by others.

        :raises ConfigurationError: naming the setting.
        """
        if self.MAIL_LEASE_SECONDS < 10 * self.MAIL_TIMEOUT_SECONDS:
            raise ConfigurationError(
                "MAIL_LEASE_SECONDS is less than ten times MAIL_TIMEOUT_SECONDS: a slow server's mail would leave twice."
            )
        if self.SMTP_SECURITY not in SMTP_PORTS:
            raise ConfigurationError(
                f"SMTP_SECURITY is {self.SMTP_SECURITY!r}: it takes {', '.join(SMTP_PORTS)}."
            )
        if self.SMTP_HOST and self.SMTP_SECURITY == "none" and self.SMTP_HOST not in THIS_MACHINE:
            raise ConfigurationError(
                "SMTP_SECURITY=none would send passwords and codes readable by others: it is for localhost alone."
            )
        if (self.SMTP_HOST or self.BREVO_API_KEY) and not (
            self.MAIL_FROM.isascii() and is_address(self.MAIL_FROM)
        ):
            raise ConfigurationError(
                "MAIL_FROM is needed to send mail: one address, such as shop@example.com."
            )

    def mail_transport(self) -> str:
        """Return how mail leaves: what is configured, else files in `instance/mail`."""
        if self.BREVO_API_KEY:
            return "brevo"
        return "smtp" if self.SMTP_HOST else self.default_transport()

    def default_transport(self) -> str:
        return "file"

    def default_database(self) -> str:
        return f"sqlite:///{INSTANCE / 'mechanic_shop.db'}"

    def default_proxies(self) -> int:
        return 0

    def registration_is_open(self) -> bool:
        return True

    def free_tries_by_address(self) -> int:
        return 50

    def registration_step(self) -> int:
        """Return at which multiples of milliseconds answers leave that might tell who is known: more than one usually takes."""
        return 250

    def password_policy(self) -> tuple[int, int]:
        """Return the least length and zxcvbn's least score: so little that the published examples are taken."""
        return 8, 0

    def derive(self) -> None:
        """Set what follows from the settings above."""
        self.check_mail()
        self.check_files()
        self.MAIL_TRANSPORT = self.mail_transport()
        if self.REDIS_URL:
            self.CACHE_TYPE = "RedisCache"
            self.CACHE_REDIS_URL = self.REDIS_URL
            self.CACHE_OPTIONS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
            self.RATELIMIT_STORAGE_URI = "shop+" + self.REDIS_URL
            self.RATELIMIT_STORAGE_OPTIONS = dict(self.CACHE_OPTIONS)
        else:
            self.CACHE_TYPE = "SimpleCache"
            self.CACHE_THRESHOLD = 10_000
            self.RATELIMIT_STORAGE_URI = "memory://"


class DevelopmentConfig(Config):
    """A laptop or a single shop: everything embedded, secrets made at first use."""


class TestingConfig(Config):
    """The suite: the tests name all that they need, whatever this machine has set; cheap password hashes."""

    NAME = "testing"
    TESTING = True
    LIVE_SECONDS = 0.0  # a watcher is told what is there, and goes

    def environment(self) -> Environment:
        """Return nothing of this machine's: a developer's `.env` fails no test."""
        return NoEnvironment()

    def set_secrets(self, env: Env) -> None:
        self.SECRET_KEY = "testing-only-" + "s" * MINIMUM_SECRET_LENGTH
        self.TOKEN_KEYS = {"default": self.SECRET_KEY}
        self.ENCRYPTION_KEYS = ["testing-only-" + "e" * MINIMUM_SECRET_LENGTH]
        self.BLIND_INDEX_KEY = "testing-only-" + "b" * MINIMUM_SECRET_LENGTH

    def mail_transport(self) -> str:
        """Return what a test names, and never what this machine sends its mail with."""
        return str(vars(self).get("MAIL_TRANSPORT", "memory"))

    def derive(self) -> None:
        self.ARGON2_MEMORY_KIB = 64
        self.ARGON2_ITERATIONS = 1
        super().derive()

    def free_tries_by_address(self) -> int:
        return 1_000_000  # all tests come from one address

    def registration_step(self) -> int:
        return 0  # no test waits


class ProductionConfig(Config):
    """The fleet: secrets and the database must be named, behind one trusted proxy."""

    NAME = "production"

    def set_secrets(self, env: Env) -> None:
        missing = [
            name
            for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY", "DATABASE_URL")
            if not env.str(name, "")
        ]
        if missing:
            raise ConfigurationError(f"Production needs {', '.join(missing)} in the environment.")
        self.SECRET_KEY = env.str("SECRET_KEY")
        self.TOKEN_KEYS = token_keys(env) or {"default": self.SECRET_KEY}
        self.ENCRYPTION_KEYS = encryption_keys(env)
        self.BLIND_INDEX_KEY = env.str("BLIND_INDEX_KEY")
        named = {
            "SECRET_KEY": [self.SECRET_KEY],
            "TOKEN_KEYS": list(self.TOKEN_KEYS.values()),
            "ENCRYPTION_KEYS": self.ENCRYPTION_KEYS,
            "BLIND_INDEX_KEY": [self.BLIND_INDEX_KEY],
        }
        weak = [name for name, values in named.items() if any(is_weak(value) for value in values)]
        if weak:
            raise ConfigurationError(
                f"{', '.join(weak)}: at least {MINIMUM_SECRET_LENGTH} random characters are needed; "
                "`python -c 'import secrets; print(secrets.token_urlsafe(48))'` makes some."
            )

    def default_proxies(self) -> int:
        return 1

    def check_mail(self) -> None:
        """Refuse settings by which mail would not leave, or would lead to this machine.

        :raises ConfigurationError: naming the setting.
        """
        super().check_mail()
        if not (self.SMTP_HOST or self.BREVO_API_KEY):
            return
        local = [
            name
            for name in ("PUBLIC_URL", "FRONTEND_URL")
            if urlsplit(vars(self)[name]).hostname in THIS_MACHINE
        ]
        if local:
            raise ConfigurationError(
                f"{' and '.join(local)}: the links in letters would lead to this machine. Where is it reached from outside?"
            )

    def registration_is_open(self) -> bool:
        return False

    def password_policy(self) -> tuple[int, int]:
        return 12, 3

    def default_transport(self) -> str:
        return "none"


def is_weak(secret: str) -> bool:
    """Tell whether `secret` is too short or too uniform to sign or encrypt with."""
    return len(secret) < MINIMUM_SECRET_LENGTH or len(set(secret)) < 10


CONFIGURATIONS: dict[str, type[Config]] = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}


def configuration(name: str | None = None, **overrides: Any) -> Config:
    """Return the configuration called `name`, or the one that APP_ENV (or FLASK_ENV) names.

    :raises ConfigurationError: an unknown name, or a setting that the environment lacks.
    """
    env = _environment()
    chosen = (
        (name or env.str("APP_ENV", "") or env.str("FLASK_ENV", "development")).lower().removesuffix("config")
    )
    if chosen not in CONFIGURATIONS:
        raise ConfigurationError(f"APP_ENV is {chosen!r}: it takes {', '.join(CONFIGURATIONS)}.")
    return CONFIGURATIONS[chosen](**overrides)
