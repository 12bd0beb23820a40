"""The response cache: whole answers, kept on Flask-Caching's backend until a table they were read from changes.

An entry holds the body, its ETag and the versions of the tables it was read from. A version is a random word per workshop and
table, renewed after each commit that wrote there; an entry whose words are not the present ones is not used. The words are
read before the database is, so a write that comes between makes the entry useless instead of wrong.

One trip brings the entry, the versions and whether the caller's session still stands: the one that counts the request, where
that is done in Redis too (`app/core/limits.py`). When the backend is away there is no cache and no error; the renewals that
could not be written are owed, and paid before the cache is used again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import structlog
from flask import Flask, Response, current_app, request
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlalchemy.orm import Session as AnySession

from app.core import tenancy
from app.core.cache_backend import VERSION, Backend
from app.core.db import Session
from app.core.identity import KeyStanding, Principal, Standing
from app.core.preconditions import caller_has

log = structlog.get_logger(__name__)

VERSION_SECONDS = 86_400
# What is known of a session: it has ended; it has just changed, and the database must be asked, for longer than anybody can
# still hold what they read before the change; or whom it stands for, and with which scopes (ROLES_OWN: those of the role; DUE:
# none until there is a second factor).
ENDED, CHANGED, ROLES_OWN, DUE = "ended", "changed", "*", "!"
CHANGED_SECONDS = 5
# For how long it is remembered that a session or an API key stands. An end that was never told here, because its worker was
# killed while Redis was away, is seen after that. When the database is asked again, the use of a key is noted there.
STANDS_SECONDS = 60
KEPT_HEADERS = ("Content-Type", "ETag", "Link", "X-Total-Count", "X-Pagination")


WATCHED: set[str] = set()  # the tables that some cached view reads; only theirs have versions


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How a view is cached: its lifetime's name in `CACHE_SECONDS`, and the tables whose writes end it."""

    lifetime: str
    reads: tuple[str, ...]

    def __post_init__(self) -> None:
        WATCHED.update(self.reads)


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
    return f"{VERSION}{workshop_id}:{table}"


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
    backend().set(api_key_key(digest), kept, STANDS_SECONDS, over=False)


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
    backend().set(session_key(principal.session_id), word, STANDS_SECONDS, over=False)


def announce_ended(session_ids: Iterable[int]) -> None:
    """Let every worker know at once, when this is committed, that these sessions have ended."""
    for_as_long_as_its_tokens_are_good = 60 * int(current_app.config["TOKEN_MINUTES"])
    _announce(map(session_key, session_ids), ENDED, for_as_long_as_its_tokens_are_good)


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
