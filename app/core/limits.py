"""Rate limits by name: what a name means stands in `config.RATE_LIMITS`.

A caller is the account when a valid token says which, an API key that this process knows, else the client's address: keys
that are guessed at count for where they come from. The count and the time left of a window
come back from Redis in the one command that counts, since every trip costs as much as the rest of a cached answer.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from flask import Flask, current_app, request
from limits.storage import RedisStorage

from app.core import identity


def caller() -> str:
    """Return who is counted: the account, an API key for itself, else the client's address."""
    principal = identity.principal_or_none()
    if principal is None:
        return f"address:{request.remote_addr}"
    return f"account:{principal.account_id}" if principal.key_id is None else f"key:{principal.key_id}"


def init_app(app: Flask) -> None:
    """Bind the limits to `app`. The routes' guards check them, so the check before each request would find nothing."""
    from app.extensions import limiter

    limiter.init_app(app)
    if limiter._check_request_limit in app.before_request_funcs[None]:  # it is not where limits are off
        app.before_request_funcs[None].remove(limiter._check_request_limit)


def figure(name: str) -> str:
    """Return the limit that `name` means in this installation, such as `20/minute`."""
    limit: str = current_app.config["RATE_LIMITS"][name]
    return limit


class OneTripRedisStorage(RedisStorage):
    """Flask-Limiter's Redis storage with one command a request where it would send three.

    The script counts a hit and answers with the count and the time left; the answer is kept for this thread, and the
    header that asks for both right afterwards is served from it.
    """

    STORAGE_SCHEME = ["shop+redis", "shop+rediss", "shop+unix"]  # noqa: RUF012 - as the base class has it

    COUNT = b"""
    local count = redis.call("incrby", KEYS[1], ARGV[2])
    if count == tonumber(ARGV[2]) then
        redis.call("expire", KEYS[1], ARGV[1])
        return {count, tonumber(ARGV[1])}
    end
    return {count, redis.call("ttl", KEYS[1])}
    """

    def __init__(self, uri: str, **options: Any) -> None:
        self._last = threading.local()
        super().__init__(uri.removeprefix("shop+"), **options)

    def initialize_storage(self, _uri: str) -> None:
        super().initialize_storage(_uri)
        self._count = self.get_connection().register_script(self.COUNT)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        count, seconds = self._count([self.prefixed_key(key)], [expiry, amount])
        self._last.seen = (key, int(count), time.time() + max(int(seconds), 0))
        return int(count)

    def get(self, key: str) -> int:
        seen = getattr(self._last, "seen", None)
        return seen[1] if seen and seen[0] == key else super().get(key)

    def get_expiry(self, key: str) -> float:
        seen = getattr(self._last, "seen", None)
        return seen[2] if seen and seen[0] == key else super().get_expiry(key)
