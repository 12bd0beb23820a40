"""Rate limits by name: what a name means stands in `config.RATE_LIMITS`.

A caller is the account when a valid token says which, an API key that this process knows, else the client's address: keys
that are guessed at count for where they come from. Trips to Redis are what a cached answer costs most, so a request makes
one: the command that counts also brings the window's end, and what the cache is asked for.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse
from limits.storage import RedisStorage, Storage
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from werkzeug.exceptions import TooManyRequests

from app.core import caching, identity
from app.core.headers import add_headers

KEY_PREFIX = "shop"
GONE = (RedisError, OSError)

Brought = list[bytes | None] | None


def caller() -> str:
    """Return who is counted: the account, an API key for itself, else the client's address."""
    principal = identity.principal_or_none()
    if principal is None:
        return f"address:{request.remote_addr}"
    return f"account:{principal.account_id}" if principal.key_id is None else f"key:{principal.key_id}"


def figure(name: str) -> str:
    """Return the limit that `name` means in this installation, such as `20/minute`."""
    limit: str = current_app.config["RATE_LIMITS"][name]
    return limit


class RouteLimiter(Limiter):
    """Flask-Limiter, for routes that declare one limit each and count it themselves.

    Its settings, its storage and its memory for when that is away are used. What it would do at each request, to find out
    which of the limits of an application, a blueprint and a view apply, is not: it costs more than all else in a cached answer.
    """

    def init_app(self, app: Flask) -> None:
        """Bind the limits to `app`, without the hooks that would look for limits to check."""
        app.extensions.setdefault("limiter", set()).add(self)
        super().init_app(app)

    def count(self, name: str, also: Sequence[str] = ()) -> Brought:
        """Count this request against the limit `name`; return what Redis has under the keys `also`, if it was asked.

        :raises TooManyRequests: it is one too many.
        """
        if not self.enabled:
            return None
        limit = _parsed(figure(name))
        key = limit.key_for(KEY_PREFIX, caller(), request.endpoint or "")
        counted, resets_at, brought = self._counted(limit, key, also)
        add_headers(
            ("X-RateLimit-Limit", str(limit.amount)),
            ("X-RateLimit-Remaining", str(max(0, limit.amount - counted))),
            ("X-RateLimit-Reset", str(int(resets_at + 1))),
        )
        if counted > limit.amount:
            raise TooManyRequests(str(limit), retry_after=max(0, int(resets_at + 1 - time.time())))
        return brought

    def _counted(self, limit: RateLimitItem, key: str, also: Sequence[str]) -> tuple[int, float, Brought]:
        """Count where all workers do; where that is away, in this process."""
        storage, backend = self._storage, caching.backend()
        if not isinstance(storage, OneTripRedisStorage):
            return _counted_by(storage, limit, key)
        if backend.is_there():
            try:
                return storage.count(key, limit, also)
            except GONE as error:
                backend.note_absence(error)
        return _counted_by(self._fallback_storage, limit, key)


def _counted_by(storage: Storage | None, limit: RateLimitItem, key: str) -> tuple[int, float, Brought]:
    assert storage is not None
    return storage.incr(key, limit.get_expiry()), storage.get_expiry(key), None


_parsed = lru_cache(parse)


class OneTripRedisStorage(RedisStorage):
    """Flask-Limiter's Redis storage with one command a request where it would send three, and the cache another.

    Each thread has a connection of its own: to take one from a pool, and see whether it is still open, costs more than a trip.
    """

    STORAGE_SCHEME = ["shop+redis", "shop+rediss", "shop+unix"]  # noqa: RUF012 - as the base class has it

    COUNT = b"""
    local count, left = redis.call("incr", KEYS[1]), ARGV[1]
    if count == 1 then
        redis.call("expire", KEYS[1], left)
    else
        left = redis.call("ttl", KEYS[1])
    end
    if #KEYS == 1 or count > tonumber(ARGV[2]) then
        return {count, left}
    end
    return {count, left, redis.call("mget", unpack(KEYS, 2))}
    """
    COUNT_NAME = hashlib.sha1(COUNT, usedforsecurity=False).hexdigest()

    def __init__(self, uri: str, **options: Any) -> None:
        self._lines = threading.local()
        super().__init__(uri.removeprefix("shop+"), **options)

    def count(self, key: str, limit: RateLimitItem, also: Sequence[str]) -> tuple[int, float, Brought]:
        """Count one in a window of `limit`; return the count, the window's end and, within the limit, what `also` names."""
        keys = [self.prefixed_key(key), *also]
        asked = (len(keys), *keys, limit.get_expiry(), limit.amount)
        try:
            counted, left, *brought = self._ask("EVALSHA", self.COUNT_NAME, *asked)
        except NoScriptError:  # which a Redis that was started anew does not know
            counted, left, *brought = self._ask("EVAL", self.COUNT, *asked)
        return counted, time.time() + max(int(left), 0), brought[0] if brought else None

    def _ask(self, *command: Any) -> Any:
        """Send a command and return its answer; once more where the connection proves to be gone, as after a restart."""
        line = self._line()
        was_open = line.is_connected
        try:
            return _exchange(line, command)
        except RedisConnectionError:
            if not was_open:
                raise
            return _exchange(line, command)

    def _line(self) -> AbstractConnection:
        line: AbstractConnection | None = getattr(self._lines, "line", None)
        if line is None:
            client: Any = self.get_connection()
            pool = client.connection_pool
            line = self._lines.line = pool.connection_class(**pool.connection_kwargs)
        return line


def _exchange(line: Any, command: Sequence[Any]) -> Any:
    line.send_command(*command)
    return line.read_response()
