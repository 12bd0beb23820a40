"""Settings: read once from the environment; production refuses what is missing or weak, by name."""

from __future__ import annotations

import logging
import os
import re
import runpy
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from environs import Env
from gunicorn.arbiter import Arbiter

import config
from app import create_app
from config import (
    CONFIGURATIONS,
    RATE_LIMITS,
    Config,
    ConfigurationError,
    configuration,
    database_uri,
    rate_limits,
)

pytestmark = pytest.mark.one_database

ENTRY = Path(__file__).resolve().parent.parent / "flask_app.py"

STRONG = {
    "SECRET_KEY": "k1-FhYt9Q2xwLr0aVbN7cZmE4sDpU8gJ3iO6",
    "ENCRYPTION_KEYS": "k2-FhYt9Q2xwLr0aVbN7cZmE4sDpU8gJ3iO6",
    "BLIND_INDEX_KEY": "k3-FhYt9Q2xwLr0aVbN7cZmE4sDpU8gJ3iO6",
    "DATABASE_URL": "postgres://shop:secret@db.example.com/shop",
}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without any setting of ours, and a checkout of its own for `.env` and `instance/`."""
    for name in list(os.environ):
        if name in (*STRONG, "TOKEN_KEYS", "APP_ENV", "FLASK_ENV", "REDIS_URL") or name.startswith(
            (
                "RATE_LIMIT",
                "DB_",
                "CORS_",
                "TRUSTED_",
                "TOKEN_",
                "ARGON2_",
                "CACHE_",
                "PASSWORD_",
                "LOG_",
                "MAIL_",
                "SMTP_",
                "BREVO_",
                "JOB",
            )
        ):
            monkeypatch.delenv(name)
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.setattr(config, "INSTANCE", tmp_path / "instance")


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All that production needs; what a test sets on top wins."""
    for name, value in STRONG.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


class TestProduction:
    def test_starts_with_strong_secrets_and_a_database(self, production: pytest.MonkeyPatch) -> None:
        settings = configuration("production")

        assert (settings.NAME, settings.DEBUG, settings.TESTING) == ("production", False, False)
        assert STRONG["SECRET_KEY"] == settings.SECRET_KEY
        assert {"default": STRONG["SECRET_KEY"]} == settings.TOKEN_KEYS
        assert [STRONG["ENCRYPTION_KEYS"]] == settings.ENCRYPTION_KEYS
        assert settings.DATABASE_URL == "postgresql+pg8000://shop:secret@db.example.com/shop"
        assert settings.TRUSTED_PROXIES == 1

    @pytest.mark.parametrize("name", STRONG)
    @pytest.mark.parametrize("value", [None, ""])
    def test_names_what_is_missing(
        self, production: pytest.MonkeyPatch, name: str, value: str | None
    ) -> None:
        if value is None:
            production.delenv(name)
        else:
            production.setenv(name, value)

        with pytest.raises(ConfigurationError) as refusal:
            configuration("production")

        assert str(refusal.value) == f"Production needs {name} in the environment."

    def test_names_all_that_is_missing_at_once(self) -> None:
        with pytest.raises(
            ConfigurationError, match="SECRET_KEY, ENCRYPTION_KEYS, BLIND_INDEX_KEY, DATABASE_URL"
        ):
            configuration("production")

    @pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY"])
    @pytest.mark.parametrize("weak", ["short", "a" * 64, "changeme" * 8, "0123456789" * 3, "x" * 31])
    def test_names_what_is_weak_and_shows_no_secret(
        self, production: pytest.MonkeyPatch, name: str, weak: str
    ) -> None:
        production.setenv(name, weak)
        if name == "SECRET_KEY":
            production.setenv("TOKEN_KEYS", f"2026={STRONG['SECRET_KEY']}")

        with pytest.raises(ConfigurationError) as refusal:
            configuration("production")

        assert str(refusal.value).startswith(f"{name}: at least 32 random characters")
        assert weak not in str(refusal.value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("TOKEN_KEYS", f"new={STRONG['SECRET_KEY']},old=short"), ("TOKEN_KEYS", "new="),
            ("ENCRYPTION_KEYS", f"{STRONG['ENCRYPTION_KEYS']},short"), ("ENCRYPTION_KEYS", f"{STRONG['ENCRYPTION_KEYS']},"),
        ],
    )  # fmt: skip
    def test_every_key_of_a_ring_must_be_strong(
        self, production: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        production.setenv(name, value)

        with pytest.raises(ConfigurationError, match=f"^{name}: at least"):
            configuration("production")

    def test_takes_rings_of_keys_the_newest_first(self, production: pytest.MonkeyPatch) -> None:
        new, old = "n" + STRONG["SECRET_KEY"], "o" + STRONG["SECRET_KEY"]
        production.setenv("TOKEN_KEYS", f"2026-12={new},2026-06={old}")
        production.setenv("ENCRYPTION_KEYS", f"{new}, {old}")

        settings = configuration("production")

        assert list(settings.TOKEN_KEYS.items()) == [("2026-12", new), ("2026-06", old)]
        assert [new, old] == settings.ENCRYPTION_KEYS

    def test_an_empty_ring_of_token_keys_is_the_secret_alone(self, production: pytest.MonkeyPatch) -> None:
        production.setenv("TOKEN_KEYS", "")

        assert {"default": STRONG["SECRET_KEY"]} == configuration("production").TOKEN_KEYS

    def test_a_ring_without_names_is_refused(self, production: pytest.MonkeyPatch) -> None:
        production.setenv("TOKEN_KEYS", "just-a-key-without-a-name-in-front-of-it")

        with pytest.raises(ConfigurationError, match="TOKEN_KEYS takes `<key id>=<key>`"):
            configuration("production")

    def test_the_application_itself_does_not_start(self) -> None:
        with pytest.raises(ConfigurationError, match="Production needs"):
            create_app("production")

    def test_makes_no_secrets_of_its_own(self, production: pytest.MonkeyPatch, tmp_path: Path) -> None:
        configuration("production")

        assert not (tmp_path / "instance").exists()


class TestMail:
    @pytest.mark.parametrize(
        ("settings", "way"),
        [
            ({}, "file"),
            ({"SMTP_HOST": "mail.example.com"}, "smtp"),
            ({"BREVO_API_KEY": "xkeysib-1"}, "brevo"),
            ({"BREVO_API_KEY": "xkeysib-1", "SMTP_HOST": "mail.example.com"}, "brevo"),
        ],
    )
    def test_leaves_by_what_is_configured_and_else_into_files(
        self, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], way: str
    ) -> None:
        for name, value in {**settings, "MAIL_FROM": "shop@example.com"}.items():
            monkeypatch.setenv(name, value)

        made = configuration("development")

        assert way == made.MAIL_TRANSPORT
        assert made.MAIL_FOLDER == config.INSTANCE / "mail"

    def test_waits_in_production_that_has_no_way_to_send(self, production: pytest.MonkeyPatch) -> None:
        assert configuration("production").MAIL_TRANSPORT == "none"

    @pytest.mark.parametrize("way", [{"SMTP_HOST": "smtp.example.com"}, {"BREVO_API_KEY": "key"}])
    @pytest.mark.parametrize(
        ("pages", "named"),
        [
            ({}, "PUBLIC_URL and FRONTEND_URL"),
            ({"PUBLIC_URL": "https://api.example.com"}, "FRONTEND_URL"),
            ({"FRONTEND_URL": "https://shop.example.com"}, "PUBLIC_URL"),
            (
                {"RENDER_EXTERNAL_URL": "https://x.onrender.com", "FRONTEND_URL": "http://[::1]:5173"},
                "FRONTEND_URL",
            ),
            ({"PUBLIC_URL": "https://api.example.com", "FRONTEND_URL": "https://shop.example.com"}, None),
        ],
    )
    def test_leaves_production_with_no_links_to_this_machine(
        self, production: pytest.MonkeyPatch, way: dict[str, str], pages: dict[str, str], named: str | None
    ) -> None:
        for name, value in {**way, **pages, "MAIL_FROM": "shop@example.com"}.items():
            production.setenv(name, value)

        if named is None:
            assert configuration("production").MAIL_TRANSPORT in ("smtp", "brevo")
        else:
            with pytest.raises(ConfigurationError, match=f"^{named}: the links in letters"):
                configuration("production")

    @pytest.mark.parametrize(
        ("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25), ("TLS", 465)]
    )
    def test_goes_to_the_port_where_such_a_server_listens(
        self, monkeypatch: pytest.MonkeyPatch, security: str, port: int
    ) -> None:
        monkeypatch.setenv("SMTP_SECURITY", security)
        usual = configuration("development").SMTP_PORT
        monkeypatch.setenv("SMTP_PORT", "2525")

        assert (usual, configuration("development").SMTP_PORT) == (port, 2525)

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY is 'ssl': it takes starttls, tls, none."),
            ({"SMTP_HOST": "mail.example.com", "SMTP_SECURITY": "none"}, "readable by others"),
            ({"SMTP_HOST": "mail.example.com", "MAIL_FROM": ""}, "MAIL_FROM is needed"),
            ({"BREVO_API_KEY": "x", "MAIL_FROM": "Obi <shop@example.com>"}, "MAIL_FROM is needed"),
            ({"SMTP_HOST": "localhost", "MAIL_FROM": "żółw@example.com"}, "MAIL_FROM is needed"),
            ({"SMTP_HOST": "localhost", "MAIL_FROM": "shop"}, "MAIL_FROM is needed"),
            ({"MAIL_RETRY_MINUTES": "1,soon"}, "MAIL_RETRY_MINUTES takes minutes"),
            ({"MAIL_RETRY_MINUTES": "0"}, "MAIL_RETRY_MINUTES takes minutes"),
            ({"MAIL_LEASE_SECONDS": "149"}, "less than ten times MAIL_TIMEOUT_SECONDS"),
        ],
    )
    def test_is_refused_settings_by_which_none_would_leave_or_all_could_read_it(
        self, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
    ) -> None:
        for name, value in {"MAIL_FROM": "shop@example.com", **settings}.items():
            monkeypatch.setenv(name, value)

        with pytest.raises(ConfigurationError, match=words):
            configuration("development")

    def test_may_be_plain_to_a_server_on_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "SMTP_HOST": "localhost",
            "SMTP_SECURITY": "none",
            "MAIL_FROM": "a@b.example",
        }.items():
            monkeypatch.setenv(name, value)

        assert configuration("development").MAIL_TRANSPORT == "smtp"

    def test_is_tried_again_after_minutes_that_are_kept_as_seconds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usual = configuration("development").MAIL_PAUSES
        monkeypatch.setenv("MAIL_RETRY_MINUTES", "2, 4")

        assert (usual, configuration("development").MAIL_PAUSES) == ([60, 300, 1800, 7200, 43200], [120, 240])

    @pytest.mark.parametrize(
        ("text", "one"),
        [("ada@example.com", True), ("a.b+c@x.example", True), ("żółw@example.com", True), ("ada", False), ("@b", False),
         ("a@", False), ("a@b@c", False), ("a b@c.example", False), ("a@b.example,c@d.example", False), ("", False),
         ("ada@żółw.example", True), ("a@[127.0.0.1]", False), ("a..b@c.example", False)],
    )  # fmt: skip
    def test_knows_one_bare_address(self, text: str, one: bool) -> None:
        assert config.is_address(text) is one


@pytest.mark.parametrize(("redis", "inside"), [("", True), ("redis://127.0.0.1:6379/0", False)])
def test_the_server_does_the_jobs_where_there_is_no_redis(
    monkeypatch: pytest.MonkeyPatch, redis: str, inside: bool
) -> None:
    monkeypatch.setenv("REDIS_URL", redis)
    usual = configuration("development").JOBS_IN_SERVER
    monkeypatch.setenv("JOBS_IN_SERVER", str(not inside))

    assert (usual, configuration("development").JOBS_IN_SERVER) == (inside, not inside)


class TestDevelopment:
    def test_is_what_there_is_without_any_setting(self, tmp_path: Path) -> None:
        settings = configuration()

        assert settings.NAME == "development"
        assert f"sqlite:///{tmp_path / 'instance' / 'mechanic_shop.db'}" == settings.DATABASE_URL
        assert settings.REDIS_URL == ""
        assert settings.CACHE_TYPE == "SimpleCache"
        assert settings.RATELIMIT_STORAGE_URI == "memory://"
        assert settings.CORS_ORIGINS == []
        assert settings.TRUSTED_PROXIES == 0
        assert settings.TOKEN_MINUTES == 30

    @pytest.mark.parametrize(
        ("given", "kept"), [(" ", []), (",", []), (" , key ", ["key"]), ("key,", ["key"])]
    )
    def test_encrypts_with_no_blank_key(
        self, monkeypatch: pytest.MonkeyPatch, given: str, kept: list[str]
    ) -> None:
        own = configuration().ENCRYPTION_KEYS
        monkeypatch.setenv("ENCRYPTION_KEYS", given)

        assert (kept or own) == configuration().ENCRYPTION_KEYS

    def test_makes_secrets_at_first_use_and_keeps_them_to_itself(self, tmp_path: Path) -> None:
        first, second = configuration(), configuration()

        kept = tmp_path / "instance" / "development-secrets.env"
        secrets = [first.SECRET_KEY, first.ENCRYPTION_KEYS[0], first.BLIND_INDEX_KEY]
        assert secrets == [second.SECRET_KEY, second.ENCRYPTION_KEYS[0], second.BLIND_INDEX_KEY]
        assert len(set(secrets)) == 3
        assert not any(config.is_weak(secret) for secret in secrets)
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert [path.name for path in kept.parent.iterdir()] == [kept.name]

    def test_of_processes_that_start_at_once_one_makes_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mine = configuration()
        monkeypatch.setattr(
            Path, "exists", lambda path: False
        )  # as it looked to the process that came too late

        late = configuration()

        assert late.SECRET_KEY == mine.SECRET_KEY
        assert [path.name for path in (tmp_path / "instance").iterdir()] == ["development-secrets.env"]

    def test_takes_secrets_from_the_environment_all_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_KEY", "mine")
        monkeypatch.setenv("ENCRYPTION_KEYS", "new,old")

        settings = configuration()

        assert settings.TOKEN_KEYS == {"default": "mine"}
        assert settings.ENCRYPTION_KEYS == ["new", "old"]

    @pytest.mark.parametrize("name", ["SECRET_KEY", "TOKEN_KEYS", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY"])
    def test_an_empty_secret_is_none(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        before = configuration()
        monkeypatch.setenv(name, "")

        assert getattr(configuration(), name) == getattr(before, name)


class TestTheFile:
    def test_named_dotenv_is_read_and_the_environment_wins(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".env").write_text("TOKEN_MINUTES=7\nDB_POOL_SIZE=3\n", encoding="utf-8")
        monkeypatch.setenv("DB_POOL_SIZE", "4")

        try:
            settings = configuration()
        finally:
            os.environ.pop("TOKEN_MINUTES", None)  # the file's settings go into the environment

        assert (settings.TOKEN_MINUTES, settings.DB_POOL_SIZE) == (7, 4)


class TestWhichOne:
    @pytest.mark.parametrize(
        ("name", "chosen"),
        [("development", "development"), ("Testing", "testing"), ("TestingConfig", "testing")],
    )
    def test_is_named(self, name: str, chosen: str) -> None:
        assert chosen == configuration(name).NAME

    @pytest.mark.parametrize("variable", ["APP_ENV", "FLASK_ENV"])
    def test_is_named_by_the_environment(self, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        monkeypatch.setenv(variable, "testing")

        assert configuration().NAME == "testing"

    def test_app_env_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_ENV", "testing")
        monkeypatch.setenv("FLASK_ENV", "development")

        assert configuration().NAME == "testing"

    @pytest.mark.parametrize("name", ["staging", "prod", "Config"])
    def test_an_unknown_one_is_refused_by_name(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv("APP_ENV", name)

        with pytest.raises(ConfigurationError, match="it takes development, testing, production"):
            configuration()


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("given", "meant"),
        [
            ("postgres://u:p@h/d", "postgresql+pg8000://u:p@h/d"),
            ("postgresql://u:p@h:5432/d?sslmode=require", "postgresql+pg8000://u:p@h:5432/d?sslmode=require"),
            ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
            ("postgresql+pg8000://u:p@h/d", "postgresql+pg8000://u:p@h/d"),
            ("sqlite:///shop.db", "sqlite:///shop.db"),
        ],
    )
    def test_is_named_with_its_driver(self, monkeypatch: pytest.MonkeyPatch, given: str, meant: str) -> None:
        monkeypatch.setenv("DATABASE_URL", given)

        assert database_uri(given) == meant
        assert meant == configuration().DATABASE_URL

    def test_an_empty_address_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "")

        assert configuration().DATABASE_URL.startswith("sqlite:///")

    @pytest.mark.parametrize(
        "given",
        [
            "nonsense", "mysql://shop:s3cret@h/d", "postgresql+psycopg2://shop:s3cret@h/d", "postgresql://shop:s3cret@[::1/d",
            "redis://:s3cret@h",
        ],
    )  # fmt: skip
    def test_is_one_that_this_runs_on_and_what_is_wrong_is_not_shown(
        self, monkeypatch: pytest.MonkeyPatch, given: str
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", given)

        with pytest.raises(ConfigurationError, match=r"^DATABASE_URL takes such as postgresql://") as refusal:
            configuration()

        assert "s3cret" not in str(refusal.value)

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("sslmode=verify_full", "DATABASE_URL has sslmode=verify_full: it takes disable, allow"),
            ("ssl=true", "DATABASE_URL has the parameter 'ssl': it takes sslmode, sslrootcert"),
            (
                "sslmode=verify-full&sslrootcert=/nowhere/ca.pem",
                "sslrootcert=/nowhere/ca.pem: there is no such file.",
            ),
        ],
    )
    def test_has_no_parameter_that_would_do_nothing(
        self, monkeypatch: pytest.MonkeyPatch, words: str, told: str
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://shop:s3cret@h/d?{words}")

        with pytest.raises(ConfigurationError, match=re.escape(told)) as refusal:
            configuration()

        assert "s3cret" not in str(refusal.value)


class TestRedis:
    @pytest.mark.parametrize(
        "given",
        [
            "redis://h",
            "redis://h/",
            "rediss://u:p%2Fq@h:6380/2",
            "unix:///run/redis.sock",
            "redis://[::1]:6379/0",
        ],
    )
    def test_is_known_in_each_of_its_forms(self, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
        monkeypatch.setenv("REDIS_URL", given)

        assert given == configuration().REDIS_URL

    @pytest.mark.parametrize(
        "given",
        [
            "nonsense", "localhost:6379", "http://:s3cret@cache", "redis://", "redis://:s3cret/more@cache:6379/0",
            "redis://:s3cret@cache:port/0", "redis://:s3cret@cache:99999/0", "redis://:s3cret@cache/first",
            "redis://:s3cret@cache/0?socket_timeout=abc", "redis://:s3cret@[::1/0",
        ],
    )  # fmt: skip
    def test_is_named_by_an_address_of_redis(self, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
        monkeypatch.setenv("REDIS_URL", given)

        with pytest.raises(ConfigurationError, match=r"^REDIS_URL takes such as redis://") as refusal:
            configuration()

        assert "s3cret" not in str(refusal.value)

    def test_holds_the_cache_and_the_limits_where_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", "redis://cache.example.com:6379/3")

        settings = configuration()

        assert (settings.CACHE_TYPE, settings.CACHE_REDIS_URL) == (
            "RedisCache",
            "redis://cache.example.com:6379/3",
        )
        assert settings.RATELIMIT_STORAGE_URI == "shop+redis://cache.example.com:6379/3"
        assert settings.CACHE_OPTIONS == {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
        assert settings.RATELIMIT_IN_MEMORY_FALLBACK_ENABLED


class TestLimits:
    def test_are_the_usual_ones_by_default(self) -> None:
        assert {name: usual for name, (usual, _) in RATE_LIMITS.items()} == configuration().RATE_LIMITS

    def test_are_the_clients_in_the_strict_profile(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_PROFILE", "strict")

        assert {name: strict for name, (_, strict) in RATE_LIMITS.items()} == configuration().RATE_LIMITS

    @pytest.mark.parametrize("profile", ["default", "strict"])
    @pytest.mark.parametrize("name", RATE_LIMITS)
    def test_each_can_be_set(self, monkeypatch: pytest.MonkeyPatch, name: str, profile: str) -> None:
        monkeypatch.setenv(f"RATE_LIMIT_{name.upper()}", "3/minute")

        limits = rate_limits(Env(), profile)

        assert [other for other, figure in limits.items() if figure == "3/minute"] == [name]

    def test_an_unknown_profile_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_PROFILE", "lax")

        with pytest.raises(
            ConfigurationError, match="RATE_LIMIT_PROFILE is 'lax': it takes 'default' or 'strict'"
        ):
            configuration()

    @pytest.mark.parametrize(
        "figure",
        ["many", "5/fortnight", "-1/minute", "20", "minute", "20/minute;100/day", "5 per 99999999999 year"],
    )
    def test_a_figure_that_is_none_is_refused_and_not_taken_for_no_limit(
        self, monkeypatch: pytest.MonkeyPatch, figure: str
    ) -> None:
        monkeypatch.setenv("RATE_LIMIT_LOGIN", figure)

        with pytest.raises(ConfigurationError, match=f"RATE_LIMIT_LOGIN is '{figure}'"):
            configuration()

    def test_an_empty_figure_is_the_profiles(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_LOGIN", "")

        assert configuration().RATE_LIMITS["login"] == RATE_LIMITS["login"][0]

    @pytest.mark.parametrize(
        ("misspelled", "meant"),
        [
            ("RATE_LIMIT_LOGN", "is it RATE_LIMIT_LOGIN?"),
            ("RATE_LIMIT_MECHANIC_LIST", "is it RATE_LIMIT_MECHANICS_LIST?"),
            ("RATE_LIMIT_ENABLE", "is it RATE_LIMIT_ENABLED?"),
            ("CACHE_SECONDS_MECHANIC", "is it CACHE_SECONDS_MECHANICS?"),
            ("CACHE_SECONDS_0", "CACHE_SECONDS_… takes MECHANICS, INVENTORY, "),
        ],
    )
    def test_a_misspelled_one_is_refused_and_not_passed_over(
        self, monkeypatch: pytest.MonkeyPatch, misspelled: str, meant: str
    ) -> None:
        monkeypatch.setenv(misspelled, "5")

        with pytest.raises(ConfigurationError, match=re.escape(f"{misspelled} is no setting: {meant}")):
            configuration()

    def test_a_misspelled_one_that_is_empty_counts_as_absent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_LOGN", "")

        assert configuration().RATE_LIMITS["login"] == RATE_LIMITS["login"][0]

    def test_can_be_switched_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_ENABLED", "0")

        assert configuration().RATELIMIT_ENABLED is False


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("WEB_CONCURRENCY", "5000", "WEB_CONCURRENCY is 5000: it takes 0 to 1,000."),
        ("PORT", "70000", "PORT is 70000: it takes 1 to 65,535."),
        ("LOG_LEVEL", "15", "LOG_LEVEL is '15': it takes DEBUG, INFO, WARNING, ERROR."),
        ("LOG_LEVEL", "critical", "LOG_LEVEL is 'CRITICAL': it takes DEBUG, INFO, WARNING, ERROR."),
        (
            "PUBLIC_URL",
            "http://[::1",
            "PUBLIC_URL is 'http://[::1': it takes such as https://api.example.com.",
        ),
        (
            "PUBLIC_URL",
            "https://api.example.com:99999",
            "PUBLIC_URL is 'https://api.example.com:99999': it takes",
        ),
        (
            "PUBLIC_URL",
            "https://me:s3cret@api.example.com",
            "PUBLIC_URL is an address with a password: it takes",
        ),
        ("TOKEN_KEYS", "a=s3cret-1,a=s3cret-2", "TOKEN_KEYS has a key id twice"),
        (
            "CORS_ORIGINS",
            "https://shop.example.com:abc",
            "CORS_ORIGINS has 'https://shop.example.com:abc': it takes",
        ),
        ("MAIL_RETRY_MINUTES", "1,99999999999999", "MAIL_RETRY_MINUTES takes minutes from 1 to 10,080"),
    ],
)
def test_a_setting_that_could_not_work_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=re.escape(told)) as refusal:
        configuration()

    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("address", ["minio:9000", "http://minio:port", "ftp://minio"])
def test_a_store_of_files_is_named_by_a_web_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for name, value in {"FILES_STORE": "s3", "S3_BUCKET": "shop", "S3_ENDPOINT": address}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=r"^S3_ENDPOINT takes such as https://"):
        configuration()


@pytest.mark.parametrize(
    ("variable", "value", "attribute", "meant"),
    [
        ("CORS_ORIGINS", "https://a.example.com,https://b.example.com", "CORS_ORIGINS",
         ["https://a.example.com", "https://b.example.com"]),
        ("CORS_ORIGINS", " https://A.example.com:8443, http://localhost:5173", "CORS_ORIGINS",
         ["https://a.example.com:8443", "http://localhost:5173"]),
        ("CORS_ORIGINS", "*", "CORS_ORIGINS", ["*"]),
        ("TRUSTED_PROXIES", "2", "TRUSTED_PROXIES", 2), ("TOKEN_MINUTES", "5", "TOKEN_MINUTES", 5),
        ("DB_ROLE", "shop_app", "DB_ROLE", "shop_app"),
        ("DB_POOL_SIZE", "3", "DB_POOL_SIZE", 3), ("DB_MAX_OVERFLOW", "0", "DB_MAX_OVERFLOW", 0),
        ("DB_POOL_TIMEOUT", "1.5", "DB_POOL_TIMEOUT", 1.5), ("DB_STATEMENT_TIMEOUT_MS", "500", "DB_STATEMENT_TIMEOUT_MS", 500),
        ("PASSWORD_MINIMUM_LENGTH", "12", "PASSWORD_MINIMUM_LENGTH", 12),
        ("ARGON2_MEMORY_KIB", "65536", "ARGON2_MEMORY_KIB", 65536),
        ("ARGON2_ITERATIONS", "3", "ARGON2_ITERATIONS", 3), ("LOG_LEVEL", "WARNING", "LOG_LEVEL", logging.WARNING),
    ],
)  # fmt: skip
def test_a_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, attribute: str, meant: Any
) -> None:
    monkeypatch.setenv(variable, value)

    assert getattr(configuration(), attribute) == meant


@pytest.mark.parametrize(
    "variable",
    [
        "APP_ENV", "FLASK_ENV", "DATABASE_URL", "REDIS_URL", "DB_POOL_SIZE", "DB_POOL_TIMEOUT", "TRUSTED_PROXIES",
        "RATE_LIMIT_ENABLED", "JOBS_IN_SERVER", "LOG_LEVEL", "RATE_LIMIT_PROFILE", "RATE_LIMIT_LOGIN", "COOKIE_SAMESITE",
        "CACHE_SECONDS_MECHANICS", "CORS_ORIGINS", "TOKEN_KEYS", "MAIL_RETRY_MINUTES", "SMTP_PORT",
    ],
)  # fmt: skip
def test_an_empty_setting_counts_as_absent(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    unset = vars(configuration())
    monkeypatch.setenv(variable, "")

    assert vars(configuration()) == unset


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRUSTED_PROXIES", "-1"), ("TRUSTED_PROXIES", "11"), ("DB_POOL_SIZE", "0"), ("DB_POOL_SIZE", "-1"),
        ("DB_MAX_OVERFLOW", "-1"), ("CACHE_SECONDS_MECHANICS", "0"), ("CACHE_SECONDS_MECHANICS", "-5"),
        ("ARGON2_ITERATIONS", "0"), ("JOB_THREADS", "0"), ("MAIL_LOG_DAYS", "0"),
        ("FILES_TIMEOUT_SECONDS", "0"), ("FILES_TIMEOUT_SECONDS", "61"),
        ("TOKEN_MINUTES", "0"), ("TOKEN_MINUTES", "1441"), ("REFRESH_DAYS", "0"), ("REFRESH_DAYS", "366"),
        ("PASSWORD_MINIMUM_LENGTH", "7"), ("PASSWORD_MINIMUM_LENGTH", "129"), ("PASSWORD_LEAST_SCORE", "5"),
        ("SMTP_PORT", "0"), ("SMTP_PORT", "65536"), ("DB_POOL_TIMEOUT", "-1.0"), ("DB_POOL_TIMEOUT", "601.0"),
    ],
)  # fmt: skip
def test_what_would_let_anybody_or_nobody_in_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=f"^{variable} is {value}: it takes"):
        configuration("development")


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example.com/", "https://a.example.com/app", "a.example.com", "ftp://a.example.com", "https://", "null",
        "https://b.example.com,,https://c.example.com", "https://user@a.example.com",
    ],
)  # fmt: skip
def test_an_origin_that_no_browser_would_send_is_refused(
    monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", origin)

    with pytest.raises(ConfigurationError, match=r"^CORS_ORIGINS has .*: it takes"):
        configuration("development")


@pytest.mark.parametrize(
    "variable", ["DB_POOL_SIZE", "TRUSTED_PROXIES", "TOKEN_MINUTES", "CACHE_SECONDS_MECHANICS"]
)
def test_a_setting_that_is_no_number_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "some")

    with pytest.raises(ValueError, match=variable):
        configuration()


@pytest.mark.parametrize("variable", ["PUBLIC_URL", "FRONTEND_URL"])
@pytest.mark.parametrize(
    "value",
    [
        "shop",
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://a.example/?x=1",
    ],
)
def test_links_begin_with_a_web_address_or_the_application_does_not_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(
        ConfigurationError, match=f"^{variable} is '{re.escape(value)}': it takes such as https://"
    ):
        configuration("development")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("APP_ENV", "staging", "APP_ENV is 'staging': it takes development, testing, production."),
        ("DB_POOL_SIZE", "ten", 'Environment variable "DB_POOL_SIZE" invalid: Not a valid integer.'),
    ],
)
def test_a_wrong_setting_is_told_in_one_line_and_gunicorn_does_not_try_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ENTRY))

    assert end.value.code == Arbiter.WORKER_BOOT_ERROR
    assert capsys.readouterr().err == f"The settings are not right. {said}\n"


@pytest.mark.parametrize(
    ("given", "public"),
    [
        ({}, "http://127.0.0.1:5000"),
        ({"PORT": "5001"}, "http://127.0.0.1:5001"),
        ({"PORT": "10000", "RENDER_EXTERNAL_URL": "https://x.onrender.com"}, "https://x.onrender.com"),
        ({"PORT": "5001", "PUBLIC_URL": " https://api.example.com/ "}, "https://api.example.com"),
        ({"PUBLIC_URL": "https://example.com/shop/"}, "https://example.com/shop"),
    ],
)
def test_links_lead_to_the_port_of_this_server_unless_it_is_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], public: str
) -> None:
    for name in ("PORT", "PUBLIC_URL", "RENDER_EXTERNAL_URL"):
        monkeypatch.setenv(name, given.get(name, ""))

    begins = configuration().PUBLIC_URL

    assert begins == public


def test_a_lifetime_of_the_cache_is_set_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_SECONDS_RANKINGS", "5")

    lifetimes = configuration().CACHE_SECONDS

    assert (lifetimes["rankings"], lifetimes["mechanics"]) == (5, 60)


def test_overrides_win_over_everything_and_what_follows_from_them_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://from-the-environment/0")

    settings = configuration("development", REDIS_URL="", TOKEN_MINUTES=1)

    assert (settings.CACHE_TYPE, settings.TOKEN_MINUTES) == ("SimpleCache", 1)


def test_tests_never_use_anybodys_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in STRONG.items():
        monkeypatch.setenv(name, value)

    settings = configuration("testing")

    secrets = {
        settings.SECRET_KEY,
        *settings.TOKEN_KEYS.values(),
        *settings.ENCRYPTION_KEYS,
        settings.BLIND_INDEX_KEY,
    }
    assert secrets.isdisjoint(STRONG.values())
    assert all(secret.startswith("testing-only-") for secret in secrets)


def test_tests_know_nothing_of_what_this_machine_has_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unset = vars(configuration("testing"))
    (tmp_path / ".env").write_text("TOKEN_MINUTES=soon\nPASSWORD_MINIMUM_LENGTH=20\n", encoding="utf-8")
    monkeypatch.setenv("RATE_LIMIT_PROFILE", "strict")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/shop")
    monkeypatch.setenv("CORS_ORIGINS", "https://shop.example.com")

    settings = vars(configuration("testing"))

    assert settings == unset


def test_every_class_says_what_it_is() -> None:
    assert {name: kind.NAME for name, kind in CONFIGURATIONS.items()} == {
        name: name for name in CONFIGURATIONS
    }
    assert all(issubclass(kind, Config) for kind in CONFIGURATIONS.values())


def test_under_compose_a_folder_of_files_is_one_for_all_and_outlives_them() -> None:
    root = Path(__file__).parent.parent
    compose = yaml.safe_load((root / "compose.yaml").read_text(encoding="utf-8"))
    work_folder = re.search(
        r"^WORKDIR (\S+)$", (root / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )

    mounted = [compose["services"][name]["volumes"] for name in ("app", "worker")]

    assert work_folder is not None
    assert mounted == [[f"instance:{work_folder[1]}/instance"]] * 2
    assert "instance" in compose["volumes"]
