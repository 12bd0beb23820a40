"""The rules of staying signed in: sessions, the refresh tokens that carry them on, and their end."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import ColumnElement, delete, select, update

from app.blueprints.accounts.errors import RefreshRefused, SessionNotFound
from app.blueprints.accounts.models import Account, AccountSession, Membership, RefreshToken
from app.blueprints.workshops.models import Workshop
from app.core import caching, clock, crypto, identity, paging
from app.core.db import atomic
from app.core.identity import Principal, Standing
from app.core.paging import Order, Page, Walk
from app.core.tenancy import across_workshops
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


def csrf_token(refresh_token: str) -> str:
    """Return the token that a browser sends beside a refresh token in a cookie: a page of another origin cannot know it."""
    return crypto.keyed_digest("csrf", refresh_token.encode()).hex()


def csrf_matches(refresh_token: str, sent: str | None) -> bool:
    """Tell whether `sent` is the CSRF token of a refresh token."""
    return hmac.compare_digest(csrf_token(refresh_token).encode(), (sent or "").encode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _lifetime() -> timedelta:
    return timedelta(days=current_app.config["REFRESH_DAYS"])


def begin(principal: Principal, *, address: str | None = None, agent: str | None = None) -> Pass:
    """Begin a session of `principal`, and give it its first refresh token."""
    now = clock.now()
    began = AccountSession(
        account_id=principal.account_id,
        membership_id=principal.membership_id,
        started_at=now,
        last_used_at=now,
        expires_at=now + _lifetime(),
        address=address,
        agent=agent[:200] if agent else None,
    )
    with atomic() as session:
        session.add(began)
        session.flush()
        token = _next_token(began)
    return Pass(replace(principal, session_id=began.id), token, began.expires_at)


def _next_token(of: AccountSession) -> str:
    token = secrets.token_urlsafe(32)
    with atomic() as session:
        session.add(RefreshToken(digest=_digest(token), session_id=of.id, expires_at=of.expires_at))
        session.flush()
    return token


def refresh(token: str) -> Pass:
    """Take a refresh token for the next one.

    :raises RefreshRefused: unknown, expired, its session has ended; or it was used before, which ends its session.
    """
    now = clock.now()
    with atomic() as session:
        session_id = session.scalar(
            update(RefreshToken)
            .where(
                RefreshToken.digest == _digest(token),
                RefreshToken.used_at.is_(None),
                RefreshToken.expires_at > now,
            )
            .values(used_at=now)
            .returning(RefreshToken.session_id)
        )
        if session_id is not None and (passed := _carry_on(session_id, now)) is not None:
            return passed
        _end_if_used_before(token)
    raise RefreshRefused()


def _carry_on(session_id: int, now: datetime) -> Pass | None:
    with atomic() as session:
        going_on = session.scalar(
            update(AccountSession)
            .where(AccountSession.id == session_id, AccountSession.ended_at.is_(None))
            .values(last_used_at=now, expires_at=now + _lifetime())
            .returning(AccountSession)
        )
        if going_on is None:
            return None
        with across_workshops():
            membership = session.get_one(Membership, going_on.membership_id)
        principal = replace(principal_of(membership), session_id=session_id)
        return Pass(principal, _next_token(going_on), going_on.expires_at)


def _end_if_used_before(token: str) -> None:
    """End the session of a token that comes a second time: it, or the one it was taken for, is in the wrong hands."""
    session_id = db.session.scalar(
        select(RefreshToken.session_id).where(
            RefreshToken.digest == _digest(token), RefreshToken.used_at.is_not(None)
        )
    )
    if session_id is not None:
        _end(AccountSession.id == session_id, by="reuse")


def switch(session_id: int, membership: Membership) -> Principal:
    """Let a session act by another membership of its account from now on; its earlier access tokens end with that."""
    with atomic() as session:
        session.execute(
            update(AccountSession)
            .where(AccountSession.id == session_id)
            .values(membership_id=membership.id)
            .execution_options(synchronize_session=False)
        )
        caching.announce_changed([session_id])
    return replace(principal_of(membership), session_id=session_id)


def end_by_token(token: str) -> bool:
    """End the session that a refresh token carries on; return False if the token is not good any more."""
    good = select(RefreshToken.session_id).where(
        RefreshToken.digest == _digest(token),
        RefreshToken.used_at.is_(None),
        RefreshToken.expires_at > clock.now(),
    )
    return bool(_end(AccountSession.id.in_(good), by="logout"))


def principal_of(membership: Membership) -> Principal:
    """Return who somebody is who acts by `membership`."""
    return Principal(
        account_id=membership.account_id,
        workshop_id=membership.workshop_id,
        membership_id=membership.id,
        role=membership.role,
        person_id=membership.customer_id if membership.role == "customer" else membership.mechanic_id,
    )


@identity.checks_sessions
def standing(principal: Principal) -> Standing | None:
    """Tell whether the session goes on and the membership that a token names has neither ended nor changed its role."""
    statement = (
        select(Membership.id)
        .join(Account, Account.id == Membership.account_id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .join(AccountSession, AccountSession.account_id == Account.id)
        .where(
            Membership.id == principal.membership_id,
            Membership.account_id == principal.account_id,
            Membership.workshop_id == principal.workshop_id,
            Membership.role == principal.role,
            Membership.ended_at.is_(None),
            Account.closed_at.is_(None),
            AccountSession.id == principal.session_id,
            AccountSession.membership_id == Membership.id,
            AccountSession.ended_at.is_(None),
        )
    )
    with across_workshops():
        return Standing() if db.session.scalar(statement) is not None else None


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
    """End every session of an account, `but` the one with this id."""
    _end(AccountSession.account_id == account_id, AccountSession.id != (but or 0), by=by)


def end_of_memberships(membership_ids: Sequence[int]) -> None:
    """End the sessions that act by these memberships."""
    _end(AccountSession.membership_id.in_(membership_ids), by="membership")


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


def forget_old() -> int:
    """Delete the tokens that have expired, and the sessions that ended or expired a month ago; return how many of these."""
    now = clock.now()
    before = now - KEPT_AFTER_THE_END
    old = select(AccountSession.id).where(
        (AccountSession.ended_at < before) | (AccountSession.expires_at < before)
    )
    with atomic() as session:
        session.execute(
            delete(RefreshToken).where((RefreshToken.expires_at < now) | RefreshToken.session_id.in_(old)),
            execution_options={"synchronize_session": False},
        )
        gone = session.scalars(
            delete(AccountSession)
            .where(AccountSession.id.in_(old))
            .returning(AccountSession.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(gone)
