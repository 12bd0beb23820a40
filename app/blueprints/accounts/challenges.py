"""Sign-ins that wait for their second factor: the password was right, and nothing is given out yet."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update

from app.blueprints.accounts.models import SignInChallenge
from app.core import clock
from app.core.db import atomic
from app.core.identity import Principal
from app.core.jobs import periodic
from app.extensions import db

GOOD_FOR = timedelta(minutes=5)
MOST_TRIES = 5


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def begin(principal: Principal, name_key: bytes) -> str:
    """Let the sign-in of `principal` wait for its second factor, and return the token that it goes on with."""
    token = secrets.token_urlsafe(32)
    with atomic() as session:
        session.add(
            SignInChallenge(
                digest=_digest(token),
                account_id=principal.account_id,
                membership_id=principal.membership_id or None,
                name_key=name_key,
                expires_at=clock.now() + GOOD_FOR,
            )
        )
    return token


def account_of(token: str) -> int | None:
    """Return the account whose sign-in waits under a token, None if none does any more."""
    return db.session.scalar(select(SignInChallenge.account_id).where(_waits(token)))


def take_try(token: str) -> SignInChallenge | None:
    """Take one of the five tries of a sign-in that waits; others wait for its row meanwhile. Inside `atomic()`."""
    with atomic() as session:
        return session.scalar(
            update(SignInChallenge)
            .where(_waits(token))
            .values(tries=SignInChallenge.tries + 1)
            .returning(SignInChallenge)
            .execution_options(synchronize_session=False, populate_existing=True)
        )


def _waits(token: str) -> ColumnElement[bool]:
    return (
        (SignInChallenge.digest == _digest(token))
        & SignInChallenge.used_at.is_(None)
        & (SignInChallenge.expires_at > clock.now())
        & (SignInChallenge.tries < MOST_TRIES)
    )


def forget(account_id: int) -> None:
    """Let no sign-in of an account go on that waits for its second factor."""
    with atomic() as session:
        session.execute(
            delete(SignInChallenge)
            .where(SignInChallenge.account_id == account_id)
            .execution_options(synchronize_session=False)
        )


@periodic("forget-challenges", every=timedelta(hours=1))
def forget_old() -> None:
    """Delete the sign-ins that waited too long, or went on."""
    with atomic() as session:
        session.execute(
            delete(SignInChallenge)
            .where(SignInChallenge.expires_at < clock.now())
            .execution_options(synchronize_session=False)
        )
