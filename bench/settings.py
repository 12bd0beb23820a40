"""What the environment asks of the benchmark, and the settings that the application runs with under it."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from typing import Any

import redis
from sqlalchemy import URL, make_url

from bench import workloads
from bench.databases import NotOurs
from bench.workloads import Workload
from config import RATE_LIMITS

DRIVERS = ("pg8000", "psycopg")  # the first is the default one
SMALL, LARGE = 20_000, 1_000_000
MOST_SECONDS = 45  # a kept answer lives 60 seconds; a round must end before
OURS = "bench"  # the key by which a Redis number is known to be ours
NEVER_REACHED = "1000000000/minute"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment asks of the benchmark."""

    seconds: int
    rounds: int
    drivers: tuple[str, ...]
    workloads: tuple[Workload, ...]
    database: URL
    redis_url: str
    scale: bool
    anew: bool

    @property
    def complete(self) -> bool:
        """Whether the run measures all that bench/RESULTS.md shows."""
        return self.drivers == DRIVERS and self.workloads == workloads.ALL


def read_settings() -> Settings:
    """Return what the environment asks for; end with a message if there is no such thing."""
    known = {workload.name: workload for workload in workloads.ALL}
    return Settings(
        seconds=min(int(os.environ.get("BENCH_SECONDS", "4")), MOST_SECONDS),
        rounds=int(os.environ.get("BENCH_ROUNDS", "5")),
        drivers=_words("BENCH_DRIVERS", DRIVERS),
        workloads=tuple(known[name] for name in _words("BENCH_WORKLOADS", tuple(known))),
        database=make_url(os.environ.get("BENCH_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/bench")),
        redis_url=os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/3"),
        scale=_is_on("SCALE"),
        anew=_is_on("BENCH_FRESH"),
    )


def _words(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    given = os.environ.get(name, "").replace(",", " ").split()
    if strange := [word for word in given if word not in known]:
        sys.exit(f"{name}: there is no {', '.join(strange)}; there are {', '.join(known)}.")
    return tuple(word for word in known if word in given) or known


def _is_on(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() not in ("", "0", "no", "false")


def production() -> dict[str, str]:
    """Return the application's settings: those of production, with secrets made now, and limits that nobody reaches."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "APP_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TOKEN_KEYS": f"bench={secrets.token_urlsafe(48)}",
        "TOKEN_MINUTES": "1440",
        "LOG_LEVEL": "INFO",
        "CORS_ORIGINS": "https://shop.example.com",
        "RATE_LIMIT_ENABLED": "1",
        "WEB_THREADS": "8",
        **{f"RATE_LIMIT_{name.upper()}": NEVER_REACHED for name in RATE_LIMITS},
    }


def claimed(url: str) -> redis.Redis[Any]:
    """Return the Redis number at `url`, emptied.

    :raises NotOurs: it holds something that the benchmark did not put there.
    """
    client = redis.Redis.from_url(url)
    if client.dbsize() and not client.exists(OURS):
        raise NotOurs(f"{url} holds something else. BENCH_REDIS_URL names another number.")
    empty(client)
    return client


def empty(client: redis.Redis[Any]) -> None:
    """Take everything out of a Redis number of ours."""
    client.flushdb()
    client.set(OURS, 1)


def next_number(url: str) -> str:
    """Return the Redis number after the one at `url`."""
    base, _, number = url.rpartition("/")
    return f"{base}/{int(number) + 1}"
