"""Who is asking: access tokens, the principal they carry, and what a route demands of it.

A request carries a token or, in its place, an API key, which says nothing itself: the database knows whose it is.

The only module that knows JSON Web Tokens (RFC 7519). python-jose takes more than it should (no algorithm named, no expiry,
an empty key), so every check it can be made to do is asked for here and any failure is one 401.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast

from flask import current_app, g, request
from jose import jwt

from app.core import clock, keys, scopes
from app.core.errors import NotAllowed, NotSignedIn
from app.core.scopes import ROLES, Role
from app.core.tenancy import INSTALLATION

ALGORITHM = "HS256"
AUDIENCE = "mechanic-shop"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as a valid token names them.

    `person_id` is the customer's or mechanic's own record, if any; `session_id` the sign-in that the token comes from, `key_id`
    the API key that was sent in place of one. What they may do at this moment is `scopes`: the role's own, until the request is
    admitted with others. `second_factor_due`: the workshop asks its staff for a second factor, which they do not have.
    An admin acts in the place of the installation, and by no membership: `membership_id` is 0.
    """

    account_id: int
    workshop_id: int
    membership_id: int
    role: Role
    person_id: int | None
    session_id: int = 0
    narrowed: frozenset[str] | None = field(default=None, compare=False)
    key_id: int | None = None
    second_factor_due: bool = field(default=False, compare=False)

    @property
    def scopes(self) -> frozenset[str]:
        return scopes.of_role(self.role) if self.narrowed is None else self.narrowed

    def may(self, *any_of: str) -> bool:
        """Tell whether the caller has one of these scopes."""
        return not self.scopes.isdisjoint(any_of)

    @property
    def customer_id(self) -> int | None:
        return self.person_id if self.role == "customer" else None


def issue_token(principal: Principal) -> tuple[str, int]:
    """Return an access token for `principal` and its lifetime in seconds, signed by the newest of TOKEN_KEYS."""
    seconds = int(timedelta(minutes=current_app.config["TOKEN_MINUTES"]).total_seconds())
    issued = int(clock.now().timestamp())
    kid, key = next(iter(current_app.config["TOKEN_KEYS"].items()))
    claims = {
        "aud": AUDIENCE,
        "sub": str(principal.account_id),
        "iat": issued,
        "exp": issued + seconds,
        "jti": secrets.token_urlsafe(12),
        "workshop": principal.workshop_id,
        "member": principal.membership_id,
        "sid": principal.session_id,
        "role": principal.role,
        "person": principal.person_id,
    }
    if principal.narrowed is not None:
        claims["scopes"] = sorted(principal.narrowed)
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid}), seconds


def session_lifetime() -> timedelta:
    """Return how long a session goes on without being refreshed."""
    return timedelta(days=current_app.config["REFRESH_DAYS"])


def read_token(token: str) -> Principal:
    """Return whom `token` names.

    :raises NotSignedIn: it is malformed, expired, unsigned, for another audience, or signed by a key we no longer keep.
    """
    try:
        principal, expires = _verified(token, tuple(current_app.config["TOKEN_KEYS"].items()))
    except Exception as error:
        raise NotSignedIn("The token is invalid or has expired.") from error
    if clock.now().timestamp() >= expires:
        raise NotSignedIn("The token is invalid or has expired.")
    return principal


@lru_cache(maxsize=10_000)
def _verified(token: str, keys: tuple[tuple[str, str], ...]) -> tuple[Principal, int]:
    """Return whom a token names and when it expires. Its signature is checked once a process, its time each time."""
    key = dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        options={"require_exp": True, "require_iat": True, "require_sub": True, "require_aud": True},
    )
    return _principal(claims), int(claims["exp"])


def _principal(claims: dict[str, Any]) -> Principal:
    role, person = claims["role"], claims["person"]
    if role not in ROLES or not (person is None or isinstance(person, int)):
        raise ValueError("odd claims")
    if (role == "admin") != (claims["workshop"] == INSTALLATION):
        raise ValueError("an admin in a workshop, or somebody else in none")
    return Principal(
        account_id=int(claims["sub"]),
        workshop_id=int(claims["workshop"]),
        membership_id=int(claims["member"]),
        role=cast(Role, role),
        person_id=person,
        session_id=int(claims["sid"]),
        narrowed=scopes.known(claims["scopes"]) if "scopes" in claims else None,
    )


class NotForKeys(NotAllowed):
    """It is for people who are signed in: their account, and what hands out rights."""

    code, title = "not_for_keys", "This is not for API keys; sign in."


def require_person(caller: Principal | None) -> None:
    """Refuse an API key where only people may act.

    :raises NotForKeys: the caller is one.
    """
    if caller is not None and caller.key_id is not None:
        raise NotForKeys()


def key_sent() -> bytes | None:
    """Return the digest of the API key that the request carries, None where it carries something else.

    :raises NotSignedIn: it is malformed.
    """
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not keys.is_meant(sent.strip()):
        return None
    digest = keys.digest_of(sent.strip())
    if digest is None:
        raise KeyRefused()
    return digest


class KeyRefused(NotSignedIn):
    """The key is malformed, unknown, expired or revoked, or whoever made it is nobody here any more: one answer for all."""

    def __init__(self) -> None:
        super().__init__("The API key is not good, or not any more.")


def principal_or_none() -> Principal | None:
    """Return the caller if the request carries a valid token, decoded once a request; of a key, who it was the last time."""
    found = _outcome()
    return found if isinstance(found, Principal) else None


def authenticate() -> Principal:
    """Return the caller.

    :raises NotSignedIn: no token, or not a valid one.
    """
    found = _outcome()
    if isinstance(found, Principal):
        return found
    raise found


def _outcome() -> Principal | NotSignedIn:
    if "identity" not in g:
        try:
            digest = key_sent()
            g.identity = read_token(_bearer()) if digest is None else _last_seen(digest)
        except NotSignedIn as refusal:
            g.identity = refusal
    return cast("Principal | NotSignedIn", g.identity)


def _last_seen(digest: bytes) -> Principal:
    caller: Principal | None = keys.last_seen(digest)
    if caller is None:
        raise KeyRefused()
    return caller


def _bearer() -> str:
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        raise NotSignedIn("Send a token: `Authorization: Bearer <token>`.", error=None)
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("The token is invalid: the header reads `Authorization: Bearer <token>`.")
    return token.strip()


def principal() -> Principal:
    """Return the caller of a route that has admitted them."""
    return cast(Principal, g.principal)


def acting_account() -> int | None:
    """Return the account that acts in this request, None in a command or a job."""
    caller: Principal | None = g.get("principal")
    return caller.account_id if caller is not None else None


def principal_if_admitted() -> Principal | None:
    """Return the caller of a public route that recognises members, None for anybody else."""
    return cast("Principal | None", g.principal)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of a session: that it stands, with the scopes of `ceiling` at most (None: the role's own).

    Where a second factor is due there are none.
    """

    ceiling: frozenset[str] | None = None
    second_factor_due: bool = False

    def of(self, principal: Principal) -> Principal:
        """Return the caller with what both their token and their membership allow.

        What a token of staff carries is no bound: it is what their role held when the token was issued, by which answers are
        kept. What the role holds now is the ceiling.
        """
        if self.second_factor_due:
            return replace(principal, narrowed=frozenset(), second_factor_due=True)
        if self.ceiling is None and principal.narrowed is None:
            return principal
        if principal.role == "staff":
            return replace(principal, narrowed=self.ceiling or frozenset())
        ceiling = scopes.of_role(principal.role) if self.ceiling is None else self.ceiling
        return replace(principal, narrowed=principal.scopes & ceiling)


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """What the database says of an API key: by whom it acts, with which scopes at this moment, and until when."""

    principal: Principal
    expires_at: datetime | None = None

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= clock.now()


KeyCheck = Callable[[bytes], KeyStanding | None]
_key_check: KeyCheck | None = None


def checks_keys(check: KeyCheck) -> KeyCheck:
    """Register the function that asks the database, by its digest, whether an API key is good."""
    global _key_check
    _key_check = check
    return check


def key_stands(digest: bytes) -> KeyStanding | None:
    """Ask the database how an API key stands."""
    if _key_check is None:
        raise RuntimeError("No feature checks API keys.")
    return _key_check(digest)


def still_admitted(caller: Principal) -> Principal | None:
    """Return who sent this request as they stand now, None where they may not go on: for an answer that lasts."""
    try:
        digest = key_sent()
        if digest is None:
            read_token(_bearer())  # which may have expired meanwhile
            standing = still_stands(caller)
            return standing.of(caller) if standing is not None else None
    except NotSignedIn:
        return None
    known = key_stands(digest)
    return known.principal if known is not None and not known.has_expired else None


Check = Callable[[Principal], Standing | None]
_check: Check | None = None


def checks_sessions(check: Check) -> Check:
    """Register the function that asks the database whether a principal's session and membership still stand."""
    global _check
    _check = check
    return check


def still_stands(principal: Principal) -> Standing | None:
    """Ask the database whether what a token names still stands."""
    if _check is None:
        raise RuntimeError("No feature checks sessions.")
    return _check(principal)
