"""The response cache: whole answers, kept on Flask-Caching's backend until a table they were read from changes.

An entry holds the body, its ETag and the versions of the tables it was read from. A version is a random word per workshop and
table, renewed after each commit that wrote there; an entry whose words are not the present ones is not used. The words are
read before the database is, so a write that comes between makes the entry useless instead of wrong.

One `MGET` brings the entry, the versions and whether the caller's membership still stands. When the backend is away there
is no cache and no error; the renewals that could not be written are owed, and paid before the cache is used again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import structlog
from flask import Flask, Response, current_app, request
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlalchemy.orm import Session as AnySession

from app.core import tenancy
from app.core.db import Session
from app.core.identity import Principal
from app.core.preconditions import caller_has

log = structlog.get_logger(__name__)

AWAY_SECONDS = 1.0
VERSION_SECONDS = 86_400
KEPT_HEADERS = ("Content-Type", "ETag", "Link", "X-Total-Count", "X-Pagination")


WATCHED: set[str] = set()  # the tables that some cached view reads; only theirs have versions


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How a view is cached: its lifetime's name in `CACHE_SECONDS`, and the tables whose writes end it."""

    lifetime: str
    reads: tuple[str, ...]

    def __post_init__(self) -> None:
        WATCHED.update(self.reads)


class Backend:
    """Flask-Caching's backend, guarded: what fails is as if it were not there."""

    def __init__(self) -> None:
        self._away_until = 0.0
        self._owed: set[str] = set()
        self._lock = threading.Lock()

    def get_many(self, keys: list[str]) -> list[Any] | None:
        """Return the values of `keys`, or None when the backend is away."""
        from app.extensions import cache

        if not self._is_there():
            return None
        try:
            return list(cache.cache.get_many(*keys))
        except (RedisError, OSError, RuntimeError) as error:
            self._note_absence(error)
            return None

    def set(self, key: str, value: Any, seconds: int) -> None:
        """Keep `value` for `seconds`, if that is possible now."""
        from app.extensions import cache

        if not self._is_there():
            return
        try:
            cache.cache.set(key, value, timeout=seconds)
        except (RedisError, OSError, RuntimeError) as error:
            self._note_absence(error)

    def renew(self, keys: Iterable[str]) -> None:
        """Give each of the version `keys` a new word; what cannot be written now is owed."""
        with self._lock:
            self._owed.update(keys)
        self._pay()

    def clear(self) -> None:
        """Forget everything kept, as after a bulk load."""
        from app.extensions import cache

        try:
            cache.clear()
        except (RedisError, OSError) as error:
            self._note_absence(error)

    def _is_there(self) -> bool:
        if time.monotonic() < self._away_until:
            return False
        return not self._owed or self._pay()

    def _pay(self) -> bool:
        from app.extensions import cache

        with self._lock:
            owed = frozenset(self._owed)
        try:
            cache.cache.set_many({key: secrets.token_hex(8) for key in owed}, timeout=VERSION_SECONDS)
        except (RedisError, OSError, RuntimeError) as error:
            self._note_absence(error)
            return False
        with self._lock:
            self._owed -= owed
        return True

    def _note_absence(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AWAY_SECONDS
        log.warning("cache.away", kind=type(error).__name__)


def backend() -> Backend:
    """Return the guarded backend of this application."""
    found: Backend = current_app.extensions["shop_cache"]
    return found


def init_app(app: Flask) -> None:
    """Bind the cache to `app`."""
    from app.extensions import cache

    cache.init_app(app)
    app.extensions["shop_cache"] = Backend()


def member_key(principal: Principal) -> str:
    """Return the key under which a membership is known to stand."""
    return f"member:{principal.membership_id}"


def version_key(workshop_id: int, table: str) -> str:
    """Return the key of a table's version in a workshop."""
    return f"version:{workshop_id}:{table}"


def entry_key(principal: Principal, endpoint: str) -> str:
    """Return the key of this request's answer: who may see it, the path and the sorted query are in it."""
    seen_by = f"customer:{principal.account_id}" if principal.role == "customer" else principal.role
    query = "&".join(sorted(request.query_string.decode("latin-1").split("&")))
    words = f"{principal.workshop_id}|{seen_by}|{endpoint}|{request.path}|{query}"
    return "answer:" + blake2b(words.encode(), digest_size=16).hexdigest()


@dataclass(slots=True)
class Lookup:
    """What one trip to the cache found for a request."""

    key: str
    version_keys: list[str]
    versions: list[str | None]
    entry: tuple[list[str | None], dict[str, str], bytes] | None

    def answer(self) -> Response | None:
        """Return the kept answer if no table it was read from has changed since."""
        if self.entry is None or self.entry[0] != self.versions or None in self.versions:
            return None
        _, headers, body = self.entry
        if caller_has(headers["ETag"]):
            return Response(status=304, headers={"ETag": headers["ETag"]})
        return Response(body, headers=headers)

    def keep(self, answer: Response, seconds: int) -> None:
        """Keep `answer` under the versions that were read before the database was."""
        if answer.status_code != 200:
            return
        headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
        backend().set(self.key, (self.versions, headers, answer.get_data()), seconds)

    def complete_versions(self) -> None:
        """Give a word to each table that has none yet, before the database is read."""
        for place, version in enumerate(self.versions):
            if version is None:
                self.versions[place] = secrets.token_hex(8)
                backend().set(self.version_keys[place], self.versions[place], VERSION_SECONDS)


def look_up(principal: Principal, policy: CachePolicy | None, endpoint: str) -> tuple[bool, Lookup | None]:
    """Return whether the caller's membership is known to stand, and what the cache has for this request."""
    keys = [member_key(principal)]
    if policy is None:
        found = backend().get_many(keys)
        return bool(found and found[0]), None
    versions = [version_key(principal.workshop_id, table) for table in policy.reads]
    entry = entry_key(principal, endpoint)
    found = backend().get_many([*keys, entry, *versions])
    if found is None:
        return False, None
    return bool(found[0]), Lookup(entry, versions, found[2:], found[1])


def remember_member(principal: Principal) -> None:
    """Note that a membership stands, for a minute: the longest that a lost revocation can go unseen."""
    backend().set(member_key(principal), 1, 60)


def forget_members(membership_ids: Iterable[int]) -> None:
    """Make every worker ask the database about these memberships at their next request, once this is committed."""
    from app.extensions import db

    db.session().info.setdefault("ended_members", set()).update(membership_ids)


def _note(session: AnySession, workshop_id: int | None, table: str) -> None:
    session.info.setdefault("written", set()).add((workshop_id, table))


@event.listens_for(Session, "after_flush")
def _note_flushed(session: AnySession, context: UOWTransaction) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, tenancy.WorkshopOwned):
            _note(session, row.workshop_id, row.__tablename__)  # type: ignore[attr-defined]


@event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    table: Any = state.statement.table  # type: ignore[attr-defined]
    if "workshop_id" in table.c:
        workshop = tenancy.current_workshop_or_none()
        _note(state.session, workshop, table.name)


@event.listens_for(Session, "after_commit")
def _renew_versions(session: AnySession) -> None:
    written: set[tuple[int | None, str]] = session.info.pop("written", set())
    ended: set[int] = session.info.pop("ended_members", set())
    if any(workshop is None for workshop, _ in written):
        backend().clear()
        return
    keys = [version_key(workshop, table) for workshop, table in written if workshop and table in WATCHED]
    if keys:
        backend().renew(keys)
    for membership_id in ended:
        backend().set(f"member:{membership_id}", 0, 60)


@event.listens_for(Session, "after_rollback")
def _forget_written(session: AnySession) -> None:
    session.info.pop("written", None)
    session.info.pop("ended_members", None)
