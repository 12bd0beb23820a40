"""Flask-Caching's backend, guarded: what fails is as if it were not there, and what it is owed is paid when it is back."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

import structlog
from flask_caching.backends import RedisCache
from flask_caching.backends.base import BaseCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

VERSION = "version:"  # begins the keys whose words say nothing but that they are others than before
AWAY_SECONDS = 1.0
PAY_SECONDS = 0.2  # between two tries to write what is owed
GRACE_SECONDS = 0.5  # from finding the backend again to using it: other processes pay what they owe meanwhile


class Backend:
    """Flask-Caching's backend, guarded: what fails is as if it were not there, for a second."""

    def __init__(self, store: BaseCache) -> None:
        self._store = store
        self._away_until = 0.0
        self._was_away = False
        self._failed_at = self._told_at = float("-inf")
        self._owed: dict[str, tuple[str, int]] = {}
        self._payer: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def get_many(self, keys: list[str]) -> list[Any] | None:
        """Return the values of `keys`, or None when the backend is away."""
        if not self.is_there():
            return None
        try:
            return list(self._store.get_many(*keys))
        except (RedisError, OSError, RuntimeError) as error:
            self.note_absence(error)
            return None

    def read(self, values: list[bytes | None]) -> list[Any]:
        """Return what Redis has under keys of ours in the form in which it was kept."""
        assert isinstance(self._store, RedisCache)
        return [self._store.serializer.loads(value) for value in values]

    def set(self, key: str, value: Any, seconds: int, *, over: bool = True) -> None:
        """Keep `value` for `seconds`, if that is possible now; not `over` what is there already, if so asked."""
        if not self.is_there():
            return
        try:
            (self._store.set if over else self._store.add)(key, value, timeout=seconds)
        except (RedisError, OSError, RuntimeError) as error:
            self.note_absence(error)

    def announce(self, words: Mapping[str, tuple[str, int]]) -> None:
        """Write each key's word, for its seconds; what cannot be written now is owed, and written as soon as it can be."""
        with self._lock:
            self._owed.update(words)
        has_just_failed = time.monotonic() < self._failed_at + AWAY_SECONDS
        if has_just_failed or not self._pay():
            self._begin_to_pay()

    def clear(self) -> None:
        """Forget everything kept, as after a bulk load."""
        try:
            self._store.clear()
        except (RedisError, OSError) as error:
            self.note_absence(error)

    def shared_keys(self, keys: list[str]) -> list[str]:
        """Return `keys` as they stand in Redis, for a command that asks for them; none where they are kept elsewhere."""
        store = self._store
        return [f"{store.key_prefix}{key}" for key in keys] if isinstance(store, RedisCache) else []

    def is_there(self) -> bool:
        """Tell whether the backend may be used: it was not found away just now, and it is owed nothing."""
        if time.monotonic() < self._away_until or (self._was_away and not self._is_back()):
            return False
        return not self._owed or self._pay()

    def _is_back(self) -> bool:
        """Look whether the backend that was away answers; when it does, it is left alone for a little longer."""
        try:
            self._store.has("back")
        except (RedisError, OSError, RuntimeError) as error:
            self.note_absence(error)
        else:
            self._was_away = False
            self._away_until = time.monotonic() + GRACE_SECONDS
        return False

    def _pay(self) -> bool:
        try:
            self._write_owed()
        except (RedisError, OSError, RuntimeError) as error:
            self.note_absence(error)
            return False
        return True

    def _write_owed(self) -> None:
        with self._lock:
            owed = dict(self._owed)
        for seconds in {seconds for _, seconds in owed.values()}:
            words = {
                key: _said_once(key, word) for key, (word, lasting) in owed.items() if lasting == seconds
            }
            self._store.set_many(words, timeout=seconds)
        with self._lock:
            self._owed = {key: word for key, word in self._owed.items() if owed.get(key) != word}

    def _begin_to_pay(self) -> None:
        """Try again and again in a thread: this process may be asked for nothing more, and others show what it has ended."""
        with self._lock:
            if self._payer is None:
                self._payer = threading.Thread(
                    target=self._pay_when_it_is_back, name="cache-debts", daemon=True
                )
                self._payer.start()

    def _pay_when_it_is_back(self) -> None:
        while not self._closing.wait(PAY_SECONDS):
            with contextlib.suppress(RedisError, OSError, RuntimeError):
                self._write_owed()
            with self._lock:
                if not self._owed:
                    self._payer = None
                    return

    def note_absence(self, error: Exception) -> None:
        """Leave the backend alone for a second: it has just failed. That is told once a second."""
        now = time.monotonic()
        self._failed_at, self._away_until, self._was_away = now, now + AWAY_SECONDS, True
        if now >= self._told_at + AWAY_SECONDS:
            self._told_at = now
            log.warning("cache.away", kind=type(error).__name__)


def _said_once(key: str, word: str) -> str:
    """Return the word to write for a key: of a version one that never was, in case an earlier try did arrive.

    Written again, the first word would make good once more what was kept under it, though others have renewed it since.
    """
    return secrets.token_hex(8) if key.startswith(VERSION) else word
