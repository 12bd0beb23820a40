"""The rules of staying signed in: sessions, the refresh tokens that carry them on, and their end."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, select, update

from app.blueprints.accounts import standing
from app.blueprints.accounts.errors import RefreshRefused, SessionNotFound, WrongCredentials
from app.blueprints.accounts.models import (
    Account,
    AccountSession,
    ApiKey,
    Membership,
    SpentRefreshToken,
)
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import WorkshopSuspended
from app.blueprints.workshops.models import Workshop
from app.core import caching, clock, crypto, identity, paging
from app.core.db import atomic
from app.core.identity import Principal
from app.core.jobs import periodic
from app.core.paging import Order, Page, Walk
from app.core.prepared import Prepared
from app.core.tenancy import across_workshops, acting_in
from app.extensions import db

ORDER = Order(AccountSession.id, "-last_used_at", last_used_at=AccountSession.last_used_at)
KEPT_AFTER_THE_END = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Pass:
    """What somebody who signed in walks away with: who they are, and the token that carries the session on."""

    principal: Principal
    refresh_token: str
    expires_at: datetime

    @property
    def csrf_token(self) -> str:
        return csrf_token(self.refresh_token)


@dataclass(frozen=True, slots=True)
class Entrant:
    """Somebody who has shown who they are, by the password and the second factor that their account had then."""

    principal: Principal
    password_hash: str | None
    second_factor_since: datetime | None


def entrant(principal: Principal, account: Account) -> Entrant:
    """Return `principal` as somebody who has just shown that they are the person of `account`, as it was read."""
    return Entrant(principal, account.password_hash, account.second_factor_since)


def csrf_token(refresh_token: str) -> str:
    """Return the token that a browser sends beside a refresh token in a cookie: a page of another origin cannot know it."""
    return crypto.keyed_digest("csrf", refresh_token.encode()).hex()


def csrf_matches(refresh_token: str, sent: str | None) -> bool:
    """Tell whether `sent` is the CSRF token of a refresh token."""
    return hmac.compare_digest(csrf_token(refresh_token).encode(), (sent or "").encode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_BEGIN = Prepared(
    lambda: (
        insert(AccountSession)
        .values(
            {
                name: bindparam(name)
                for name in (
                    "account_id", "membership_id", "as_admin", "refresh_digest", "started_at", "last_used_at", "expires_at",
                    "address", "agent",
                )
            }
        )
        .returning(AccountSession.id)
    ),
    writes="account_sessions",
    by_itself=True,
    everywhere=True,
)  # fmt: skip


def begin(principal: Principal, *, address: str | None = None, agent: str | None = None) -> Pass:
    """Begin a session of `principal`, and give it its first refresh token."""
    now, token = clock.now(), secrets.token_urlsafe(32)
    expires_at = now + identity.session_lifetime()
    session_id: int = _BEGIN.one(
        account_id=principal.account_id,
        membership_id=principal.membership_id or None,
        as_admin=principal.role == "admin",
        refresh_digest=_digest(token),
        started_at=now,
        last_used_at=now,
        expires_at=expires_at,
        address=address,
        agent=agent[:200] if agent else None,
    )
    return Pass(replace(principal, session_id=session_id), token, expires_at)


_IS_AS_SHOWN = Prepared(
    lambda: select(
        and_(
            Account.password_hash.is_not_distinct_from(bindparam("password_hash")),
            Account.second_factor_since.is_not_distinct_from(bindparam("second_factor_since")),
            Account.suspended_at.is_(None),
        )
    ).where(Account.id == bindparam("account_id")),
    everywhere=True,
)


def let_in(entrant: Entrant, *, address: str | None = None, agent: str | None = None) -> Pass:
    """Begin a session of somebody who has shown who they are, unless what they showed is worth nothing by now.

    Whoever gives an account another password or a second factor, or suspends it, locks it and ends its sessions. One that
    begins meanwhile waits, since it points to the account, and is looked at afterwards.
    :raises WrongCredentials: the account has another password or second factor than they showed, or is suspended.
    """
    passed = begin(entrant.principal, address=address, agent=agent)
    account_id = entrant.principal.account_id
    is_as_shown = _IS_AS_SHOWN.one(
        account_id=account_id,
        password_hash=entrant.password_hash,
        second_factor_since=entrant.second_factor_since,
    )
    if not is_as_shown:
        end(account_id, passed.principal.session_id, by="overtaken")
        raise WrongCredentials()
    return passed


def refresh(token: str) -> Pass:
    """Take a refresh token for the next one.

    :raises RefreshRefused: unknown, expired, its session has ended; or it was used before, which ends its session.
    :raises WorkshopSuspended: where it acts is suspended; the token stays good.
    """
    with atomic():
        passed = _carry_on(token)
        if passed is None:
            _end_if_spent(token)
    if passed is None:
        raise RefreshRefused()
    return passed


def _carry_on(token: str) -> Pass | None:
    """Give the session of `token` its next one. Of several who bring the same token, the condition lets one through."""
    now, following = clock.now(), secrets.token_urlsafe(32)
    with atomic() as session:
        row = session.execute(
            update(AccountSession)
            .where(
                AccountSession.refresh_digest == _digest(token),
                AccountSession.ended_at.is_(None),
                AccountSession.expires_at > now,
            )
            .values(
                refresh_digest=_digest(following),
                last_used_at=now,
                expires_at=now + identity.session_lifetime(),
            )
            .returning(AccountSession.id, AccountSession.account_id, AccountSession.membership_id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if row is None:
            return None
        session.add(SpentRefreshToken(digest=_digest(token), session_id=row.id, spent_at=now))
        principal = _acting_by(row.membership_id) if row.membership_id else standing.as_admin(row.account_id)
    return Pass(replace(principal, session_id=row.id), following, now + identity.session_lifetime())


def _acting_by(membership_id: int) -> Principal:
    statement = (
        select(Membership, Workshop.suspended_at)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .where(Membership.id == membership_id)
    )
    with across_workshops():
        membership, suspended_at = db.session.execute(statement).one()
    if suspended_at is not None:
        raise WorkshopSuspended()
    return standing.principal_of(membership)


def _end_if_spent(token: str) -> None:
    """End the session of a token that comes a second time: it, or the one it was taken for, is in the wrong hands."""
    spent = select(SpentRefreshToken.session_id).where(SpentRefreshToken.digest == _digest(token))
    _end(AccountSession.id.in_(spent), by="reuse")


def switch(session_id: int, principal: Principal) -> Principal:
    """Let a session act as `principal`, of its own account, from now on; its earlier access tokens end with that."""
    with atomic() as session:
        session.execute(
            update(AccountSession)
            .where(AccountSession.id == session_id)
            .values(membership_id=principal.membership_id or None, as_admin=principal.role == "admin")
            .execution_options(synchronize_session=False)
        )
        caching.announce_changed([session_id])
    return replace(principal, session_id=session_id)


def end_by_token(token: str) -> bool:
    """End the session that a refresh token carries on; return False if the token is not good any more."""
    good = (AccountSession.refresh_digest == _digest(token), AccountSession.expires_at > clock.now())
    return bool(_end(*good, by="logout"))


def find(account_id: int, walk: Walk) -> Page:
    """Return one page of the sessions of an account that go on."""
    statement = select(AccountSession).where(
        AccountSession.account_id == account_id,
        AccountSession.ended_at.is_(None),
        AccountSession.expires_at > clock.now(),
    )
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def end(account_id: int, session_id: int, *, by: str) -> None:
    """End a session of an account: its tokens are worth nothing from this moment, on every worker.

    :raises SessionNotFound: the account has no such session that goes on.
    """
    if not _end(AccountSession.account_id == account_id, AccountSession.id == session_id, by=by):
        raise SessionNotFound()


def end_all(account_id: int, *, by: str, but: int | None = None) -> None:
    """End every session of an account, `but` the one with this id. Its API keys go on."""
    _end(AccountSession.account_id == account_id, AccountSession.id != (but or 0), by=by)


def end_of_memberships(membership_ids: Sequence[int]) -> None:
    """End the sessions that act by these memberships; the API keys that do are asked about anew."""
    _ask_keys_anew(Membership.id.in_(membership_ids))
    _end(AccountSession.membership_id.in_(membership_ids), by="membership")


def ask_anew(*members: ColumnElement[bool]) -> None:
    """Let every worker ask the database about those who act by these memberships, and their keys, once this is committed."""
    _ask_keys_anew(*members)
    statement = (
        select(AccountSession.id)
        .join(Membership, Membership.id == AccountSession.membership_id)
        .where(*members, AccountSession.ended_at.is_(None), AccountSession.expires_at > clock.now())
    )
    with across_workshops():
        caching.announce_changed(db.session.scalars(statement).all())


def _ask_keys_anew(*members: ColumnElement[bool]) -> None:
    statement = (
        select(ApiKey.digest)
        .join(Membership, Membership.id == ApiKey.membership_id)
        .where(*members, ApiKey.revoked_at.is_(None))
    )
    with across_workshops():
        caching.announce_keys_changed(db.session.scalars(statement).all())


def end_as_admin(account_id: int) -> None:
    """End the sessions in which an account acts as an admin of the installation."""
    _end(AccountSession.account_id == account_id, AccountSession.as_admin.is_(True), by="dismissal")


@workshops.consulted_before("suspending")
def ask_anew_in(workshop_id: int) -> None:
    """Make every worker ask the database about the members of a workshop that is being suspended.

    Its memberships are locked: a session that begins meanwhile waits for the commit, and is asked about after it.
    """
    with atomic() as session, acting_in(workshop_id):
        members = Membership.workshop_id == workshop_id, Membership.ended_at.is_(None)
        session.scalars(select(Membership.id).where(*members).order_by(Membership.id).with_for_update()).all()
        ask_anew(*members)


def end_in_workshop(workshop_id: int) -> None:
    """End every session that acts in a workshop; its API keys are asked about anew."""
    _ask_keys_anew(Membership.workshop_id == workshop_id)
    members = select(Membership.id).where(Membership.workshop_id == workshop_id)
    _end(AccountSession.membership_id.in_(members), by="membership")


def _end(*conditions: ColumnElement[bool], by: str) -> Sequence[int]:
    with atomic() as session:
        ended = session.scalars(
            update(AccountSession)
            .where(*conditions, AccountSession.ended_at.is_(None))
            .values(ended_at=clock.now(), ended_by=by)
            .returning(AccountSession.id)
            .execution_options(synchronize_session=False)
        ).all()
        caching.announce_ended(ended)
    return ended


def forget_places(account_id: int) -> None:
    """Forget from where an account that is closed was used."""
    with atomic() as session:
        session.execute(
            update(AccountSession)
            .where(AccountSession.account_id == account_id)
            .values(address=None, agent=None)
            .execution_options(synchronize_session=False)
        )


@periodic("forget-sessions", every=timedelta(hours=1))
def forget_old() -> int:
    """Delete the sessions that ended or expired a month ago, and the tokens spent by then; return how many sessions."""
    before = clock.now() - KEPT_AFTER_THE_END
    old = select(AccountSession.id).where(
        (AccountSession.ended_at < before) | (AccountSession.expires_at < before)
    )
    with atomic() as session:
        spent = SpentRefreshToken.spent_at < before
        session.execute(
            delete(SpentRefreshToken)
            .where(spent | SpentRefreshToken.session_id.in_(old))
            .execution_options(synchronize_session=False)
        )
        gone = session.scalars(
            delete(AccountSession)
            .where(AccountSession.id.in_(old))
            .returning(AccountSession.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(gone)
