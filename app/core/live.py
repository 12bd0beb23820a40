"""Live changes: who watches something is woken when a change of it has been committed, on whichever worker that was.

A wake-up says that there may be something to see, and nothing else: who is woken looks into the database. So one that is lost
costs time alone, and one too many a look. Between processes it goes over Redis (one channel, one connection that listens in
each process with a watcher); without Redis it stays in the process, which is the only one then. While Redis is away, watchers
look every two seconds.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from functools import cached_property
from typing import Any, ClassVar

import redis
import structlog
from flask import Flask, current_app
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session as AnySession

from app.core.db import Session
from app.core.errors import DomainError

log = structlog.get_logger(__name__)

REDIS_SECONDS = 0.2
AWAY_SECONDS = 2.0
LISTEN_SECONDS = 1.0
SEND_SECONDS = 15
COME_BACK = "10"
_ANNOUNCED = "live"


class TooManyWatchers(DomainError):
    """Each watcher holds a thread of its worker: there are no more of them than the settings allow."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "too_many_watchers"
    title: ClassVar[str] = "Too many are watching; look again, or come back."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": COME_BACK})


class Watcher:
    """Somebody who waits for a change of one thing: of which, and by which account."""

    def __init__(self, topic: str, account_id: int) -> None:
        self.topic, self.account_id = topic, account_id
        self.is_sent_home = False  # another needed the place
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def wait(self, seconds: float) -> bool:
        """Wait for a change, but not longer; tell whether there was one."""
        woken = self._woken.wait(seconds)
        self._woken.clear()
        return woken


class Hub:
    """The watchers of one process, and its way to the others."""

    def __init__(self, app: Flask) -> None:
        self._url = app.config["REDIS_URL"]
        self._channel = f"{app.config['CACHE_KEY_PREFIX']}live"
        self._most = app.config["LIVE_WATCHERS"]
        self._watchers: list[Watcher] = []  # who came first, first
        self._leaving: list[Watcher] = []  # sent home, and not gone yet
        self._lock = threading.Lock()
        self._listener: threading.Thread | None = None
        self._away_until = 0.0
        self.is_linked = not self._url
        self.is_stopping = False  # set by a signal's handler: a plain value, that nobody locks

    # ---- Watching -------------------------------------------------------------------------------------------------

    def enter(self, topic: str, account_id: int) -> Watcher:
        """Begin to watch `topic`; whoever does, leaves.

        :raises TooManyWatchers: as many as are allowed watch in this process already, and none of them has places to spare.
        """
        watcher = Watcher(topic, account_id)
        with self._lock:
            if len(self._watchers) >= self._most:
                self._make_room_for(account_id)
            self._watchers.append(watcher)
            if self._url and self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="live", daemon=True)
                self._listener.start()
        return watcher

    def _make_room_for(self, account_id: int) -> None:
        """Send home the oldest watcher of the account that has the most, if `account_id` has no more with one of them.

        One at a time: who is sent home holds a thread until they are gone.
        """
        places = Counter(watcher.account_id for watcher in self._watchers)
        if self._leaving or places[account_id] + 1 >= max(places.values(), default=0):
            raise TooManyWatchers()
        [(greediest, _)] = places.most_common(1)
        oldest = next(watcher for watcher in self._watchers if watcher.account_id == greediest)
        self._watchers.remove(oldest)
        self._leaving.append(oldest)
        oldest.is_sent_home = True
        oldest.wake()

    def leave(self, watcher: Watcher) -> None:
        """Watch no more."""
        with self._lock:
            there = self._leaving if watcher.is_sent_home else self._watchers
            if watcher in there:
                there.remove(watcher)

    @property
    def count(self) -> int:
        """How many watch in this process."""
        with self._lock:
            return len(self._watchers)

    def _wake(self, topic: str | None = None) -> None:
        with self._lock:
            woken = [watcher for watcher in self._watchers if topic in (None, watcher.topic)]
        for watcher in woken:
            watcher.wake()

    # ---- Between processes ----------------------------------------------------------------------------------------

    @cached_property
    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )

    def announce(self, topics: set[str]) -> None:
        """Wake who watches one of `topics`, here and elsewhere. A Redis that is away is left alone for two seconds."""
        for topic in topics:
            self._wake(topic)
        if not self._url or time.monotonic() < self._away_until:
            return
        try:
            pipeline = self._redis.pipeline(transaction=False)
            for topic in topics:
                pipeline.publish(self._channel, topic)
            pipeline.execute()
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("live.redis_away", reason=type(error).__name__)

    def _listen(self) -> None:
        while not self.is_stopping:
            try:
                self._hear()
            except (RedisError, OSError) as error:
                if self.is_linked:
                    log.warning("live.redis_away", reason=type(error).__name__)
            self.is_linked = False
            time.sleep(AWAY_SECONDS / 2)

    def _hear(self) -> None:
        client = redis.Redis.from_url(
            self._url, socket_timeout=LISTEN_SECONDS * 3, socket_connect_timeout=LISTEN_SECONDS
        )
        ear: redis.client.PubSub = client.pubsub()  # type: ignore[no-untyped-call]
        with client, ear:
            ear.subscribe(self._channel)
            while not self.is_stopping:
                heard = ear.get_message(timeout=LISTEN_SECONDS)
                if heard is None:
                    ear.ping()
                elif heard["type"] == "subscribe":
                    self.is_linked = True
                    self._wake()  # what was said meanwhile was not heard
                elif heard["type"] == "message":
                    self._wake(heard["data"].decode())


def init_app(app: Flask) -> None:
    """Give `app` its hub."""
    app.extensions["live"] = Hub(app)


def hub() -> Hub:
    """Return the hub of this application."""
    found: Hub = current_app.extensions["live"]
    return found


def _connection(environ: dict[str, Any]) -> socket.socket | None:
    """Return the connection to whoever asked, where the server shows it."""
    found = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    return found if isinstance(found, socket.socket) else None


def wait_for_no_slow_reader(environ: dict[str, Any]) -> None:
    """Let the connection fail where whoever asked reads nothing for so long that not a byte more can be sent."""
    if (connection := _connection(environ)) is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))


def has_left(environ: dict[str, Any]) -> bool:
    """Tell whether whoever asked has closed the connection; not where the server does not show it.

    Without a look at it that is noticed only when something is written, and the place is held until then.
    """
    connection = _connection(environ)
    if connection is None:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except (BlockingIOError, ValueError):  # nothing came; TLS lets nobody peek
        return False
    except OSError:
        return True


def announce_after_commit(session: AnySession, topic: str) -> None:
    """Wake who watches `topic` once the present transaction is committed."""
    session.info.setdefault(_ANNOUNCED, set()).add(topic)


@event.listens_for(Session, "after_commit")
def _announce(session: AnySession) -> None:
    if topics := session.info.pop(_ANNOUNCED, None):
        hub().announce(topics)


@event.listens_for(Session, "after_rollback")
def _announce_nothing(session: AnySession) -> None:
    session.info.pop(_ANNOUNCED, None)
