"""The response cache: whole answers, kept on Flask-Caching's backend until a table they were read from changes.

An entry holds the body, its ETag and the versions of the tables it was read from. A version is a random word per workshop and
table, renewed after each commit that wrote there; an entry whose words are not the present ones is not used. The words are
read before the database is, so a write that comes between makes the entry useless instead of wrong.

One trip brings the entry, the versions and whether the caller's session still stands: the one that counts the request, where
that is done in Redis too (`app/core/limits.py`). When the backend is away there is no cache and no error; the renewals that
could not be written are owed, and paid before the cache is used again.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import structlog
from flask import Flask, Response, current_app, request
from flask_caching.backends import RedisCache
from flask_caching.backends.base import BaseCache
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlalchemy.orm import Session as AnySession

from app.core import tenancy
from app.core.db import Session
from app.core.identity import KeyStanding, Principal, Standing
from app.core.preconditions import caller_has

log = structlog.get_logger(__name__)

AWAY_SECONDS = 1.0
PAY_SECONDS = 0.2  # between two tries to write what is owed
GRACE_SECONDS = 0.5  # from finding the backend again to using it: other processes pay what they owe meanwhile
VERSION_SECONDS = 86_400
# What is known of a session: it has ended; it has just changed, and the database must be asked, for longer than anybody can
# still hold what they read before the change; or whom it stands for, and with which scopes (ROLES_OWN: those of the role; DUE:
# none until there is a second factor).
ENDED, CHANGED, ROLES_OWN, DUE = "ended", "changed", "*", "!"
CHANGED_SECONDS = 5
KEY_SECONDS = (
    60  # for how long an API key is remembered; when the database is asked again, its use is noted there
)
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
    """Flask-Caching's backend, guarded: what fails is as if it were not there, for a second."""

    def __init__(self, store: BaseCache) -> None:
        self._store = store
        self._away_until = 0.0
        self._was_away = False
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
        if not self._pay():
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
            words = {key: word for key, (word, lasting) in owed.items() if lasting == seconds}
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
        """Leave the backend alone for a second: it has just failed."""
        self._away_until, self._was_away = time.monotonic() + AWAY_SECONDS, True
        log.warning("cache.away", kind=type(error).__name__)


def backend() -> Backend:
    """Return the guarded backend of this application."""
    found: Backend = current_app.extensions["shop_cache"]
    return found


def init_app(app: Flask) -> None:
    """Bind the cache to `app`."""
    from app.extensions import cache

    cache.init_app(app)
    app.extensions["shop_cache"] = Backend(app.extensions["cache"][cache])


def session_key(session_id: int) -> str:
    """Return the key under which a session is known to stand, or to have ended."""
    return f"session:{session_id}"


def api_key_key(digest: bytes) -> str:
    """Return the key under which an API key is known, by its digest."""
    return f"api_key:{digest.hex()}"


def version_key(workshop_id: int, table: str) -> str:
    """Return the key of a table's version in a workshop."""
    return f"version:{workshop_id}:{table}"


def entry_key(principal: Principal, endpoint: str) -> str:
    """Return the key of this request's answer: who may see it, the path and the sorted query are in it."""
    seen_by = f"customer:{principal.account_id}" if principal.role == "customer" else _seen_by(principal)
    query = "&".join(sorted(request.query_string.decode("latin-1").split("&")))
    words = f"{principal.workshop_id}|{seen_by}|{endpoint}|{request.path}|{query}"
    return "answer:" + blake2b(words.encode(), digest_size=16).hexdigest()


def _seen_by(principal: Principal) -> str:
    return principal.role if principal.narrowed is None else " ".join(sorted(principal.narrowed))


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


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks of the cache: whether its caller's session stands, and what is kept for it, if anything is."""

    principal: Principal
    keys: list[str]

    def shared_keys(self) -> list[str]:
        """Return the keys to ask Redis for along with something else."""
        return backend().shared_keys(self.keys)

    def answered(self, brought: list[bytes | None] | None) -> tuple[bool, Standing | None, Lookup | None]:
        """Return whether it is known if the session stands, how it does, and what the cache has for this request.

        The cache is asked now, unless what it has was `brought` along with something else.
        """
        found = backend().get_many(self.keys) if brought is None else backend().read(brought)
        if found is None:
            return False, None, None
        known = _read_standing(self.principal, found[0])
        if len(found) == 1:
            return (*known, None)
        return (*known, Lookup(self.keys[1], self.keys[2:], found[2:], found[1]))


def question(principal: Principal, policy: CachePolicy | None, endpoint: str) -> Question:
    """Return what this request asks of the cache."""
    keys = [session_key(principal.session_id)]
    if policy is not None:
        keys.append(entry_key(principal, endpoint))
        keys += [version_key(principal.workshop_id, table) for table in policy.reads]
    return Question(principal, keys)


def look_up_key(
    digest: bytes, guess: Principal | None, policy: CachePolicy | None, endpoint: str
) -> tuple[KeyStanding | None, Lookup | None]:
    """Return how an API key is known to stand, None if it is not known, and what the cache has for this request of `guess`."""
    if policy is None or guess is None:
        found = backend().get_many([api_key_key(digest)])
        return (_read_key(found[0]) if found else None), None
    versions = [version_key(guess.workshop_id, table) for table in policy.reads]
    entry = entry_key(guess, endpoint)
    found = backend().get_many([api_key_key(digest), entry, *versions])
    if found is None:
        return None, None
    return _read_key(found[0]), Lookup(entry, versions, found[2:], found[1])


def _read_key(kept: Any) -> KeyStanding | None:
    if not isinstance(kept, tuple):  # nothing, or that it has just changed
        return None
    principal, held, expires_at = kept
    return KeyStanding(Principal(**principal, narrowed=frozenset(held.split())), expires_at)


def remember_key(digest: bytes, standing: KeyStanding) -> None:
    """Note how the database says an API key stands, unless something is noted that may be newer."""
    caller = standing.principal
    fields = (
        "account_id",
        "workshop_id",
        "membership_id",
        "role",
        "person_id",
        "key_id",
        "second_factor_due",
    )
    principal = {name: getattr(caller, name) for name in fields}
    kept = (principal, " ".join(sorted(caller.scopes)), standing.expires_at)
    backend().set(api_key_key(digest), kept, KEY_SECONDS, over=False)


def _read_standing(principal: Principal, word: str | None) -> tuple[bool, Standing | None]:
    if word == ENDED:
        return True, None
    whom, _, ceiling = (word or "").partition(" ")
    if whom != _whom(principal):
        return False, None
    if ceiling in (ROLES_OWN, DUE):
        return True, Standing(second_factor_due=ceiling == DUE)
    return True, Standing(frozenset(ceiling.split()))


def _whom(principal: Principal) -> str:
    return f"{principal.account_id}:{principal.workshop_id}:{principal.membership_id}:{principal.role}"


def remember(principal: Principal, standing: Standing) -> None:
    """Note how the database says the caller's session stands, unless something is noted that may be newer."""
    ceiling = ROLES_OWN if standing.ceiling is None else " ".join(sorted(standing.ceiling))
    if standing.second_factor_due:
        ceiling = DUE
    word = f"{_whom(principal)} {ceiling}"
    backend().set(session_key(principal.session_id), word, _note_seconds(), over=False)


def _note_seconds() -> int:
    """Return for how long a session is remembered: as long as its tokens are good."""
    return 60 * int(current_app.config["TOKEN_MINUTES"])


def announce_ended(session_ids: Iterable[int]) -> None:
    """Let every worker know at once, when this is committed, that these sessions have ended."""
    _announce(map(session_key, session_ids), ENDED, _note_seconds())


def announce_changed(session_ids: Iterable[int]) -> None:
    """Make every worker ask the database about these sessions, once this is committed."""
    _announce(map(session_key, session_ids), CHANGED, CHANGED_SECONDS)


def announce_keys_changed(digests: Iterable[bytes]) -> None:
    """Make every worker ask the database about these API keys, once this is committed."""
    _announce(map(api_key_key, digests), CHANGED, CHANGED_SECONDS)


def _announce(keys: Iterable[str], word: str, seconds: int) -> None:
    from app.extensions import db

    words = dict.fromkeys(keys, (word, seconds))
    db.session().info.setdefault("announced", {}).update(words)


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
    words: dict[str, tuple[str, int]] = session.info.pop("announced", {})
    if any(workshop is None for workshop, _ in written):
        backend().clear()
    words |= {
        version_key(workshop, table): (secrets.token_hex(8), VERSION_SECONDS)
        for workshop, table in written
        if workshop and table in WATCHED
    }
    if words:
        backend().announce(words)


@event.listens_for(Session, "after_rollback")
def _forget_written(session: AnySession) -> None:
    session.info.pop("written", None)
    session.info.pop("announced", None)
