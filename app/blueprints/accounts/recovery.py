"""The rules of getting back in: a code by mail, a token for the code, and a new password for the token."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.blueprints.accounts import codes, proving, service, sessions, tries
from app.blueprints.accounts.errors import CodeRefused, PresentPasswordNeeded, WrongPassword
from app.blueprints.accounts.models import Account, AccountSession
from app.core import audit, clock, outbox, passwords
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.tenancy import acting_in
from app.extensions import db

FRESH = timedelta(minutes=30)


def ask(email: str) -> None:
    """Send a code to an address, if an account has it that is not suspended. It does the same work either way.

    The account keeps the address until the code is written down: who gives it another one makes void what was sent before.
    :raises TooManyCodes: codes for the address were asked for too often within the hour.
    """
    has_it = select(Account.id).where(Account.email == email, Account.suspended_at.is_(None))
    with atomic() as session:
        account_id = session.scalar(has_it.with_for_update(read=True, key_share=True))
        codes.send("recovery", email, account_id)


def exchange(email: str, code: str) -> str:
    """Take the code for a token that sets a new password within five minutes.

    :raises CodeRefused: wrong, used, expired, or tried five times: one answer for all, and for unknown addresses.
    """
    with atomic():
        taken = codes.take_code("recovery", email, code)
        token = codes.give_token("reset", taken.account_id) if taken is not None else None
    if token is None:
        raise CodeRefused()
    return token


def set_password(token: str, password: str) -> None:
    """Give the account another password and end all of its sessions.

    :raises CodeRefused: the token is not good any more. :raises PasswordRefused: it is too easy; the token stays good.
    """
    with atomic():
        taken = codes.take_token(("reset",), token)
        account = _open(taken.account_id) if taken is not None else None
        if account is None:
            raise CodeRefused()
        how = "recovered" if account.password_hash else "set"
        service.give_password(account, password)
        account.email_verified_at = account.email_verified_at or clock.now()
        sessions.end_all(account.id, by="recovery")
        codes.spoil(account.id, "recovery", "reset")
        tries.forget(tries.of_account(account.id))
        _tell(account, how)


def change_password(
    account_id: int, present: str, password: str, *, session_id: int, address: str | None = None
) -> None:
    """Give the caller's account another password; the other sessions end.

    :raises WrongPassword: `present` is not the present one. :raises TooManyTries: it was wrong too often.
    :raises PasswordRefused: the new one is too easy.
    """
    proven = proving.require_present_password(account_id, present, address).password_hash
    with atomic():
        account = _open(account_id)
        if account is None or account.password_hash != proven:  # another request has changed it since
            raise WrongPassword()
        _replace(account, password, session_id)


def require_fresh(caller: Principal, present: str | None, address: str | None = None) -> None:
    """Refuse a caller who wants another password, gives no present one, and signed in long ago.

    Who came in within the last half hour has given it then; who only holds on to a session has to give it again (OWASP
    ASVS 4.0.3, 3.7.1).
    :raises PresentPasswordNeeded: it is needed. :raises WrongPassword: it is not the password.
    :raises TooManyTries: it was wrong too often.
    """
    if present is not None:
        proving.require_present_password(caller.account_id, present, address)
        return
    started = select(AccountSession.started_at).where(AccountSession.id == caller.session_id)
    started_at = db.session.scalar(started)
    if started_at is None or clock.now() - started_at > FRESH:
        raise PresentPasswordNeeded()


def replace_password(account: Account, password: str, *, but: int | None) -> None:
    """Give an account another password, unless it is the one it has; its sessions end, `but` this one, and its person is told.

    :raises PasswordRefused: it is too easy.
    """
    with atomic():
        db.session.refresh(account, with_for_update=True)  # a session that begins meanwhile waits
        if not passwords.matches(account.password_hash, password):
            _replace(account, password, but)


def _replace(account: Account, password: str, but: int | None) -> None:
    service.give_password(account, password)
    sessions.end_all(account.id, by="password", but=but)
    _tell(account, "changed")


def _open(account_id: int) -> Account | None:
    return db.session.scalar(
        locked(Account).where(
            Account.id == account_id, Account.closed_at.is_(None), Account.suspended_at.is_(None)
        )
    )


def _tell(account: Account, how: str) -> None:
    """Tell the log in whose name the account is written to, and by mail the person, who knows of a first password."""
    workshop_id = codes.workshop_of(account.id)
    if workshop_id is not None and account.email:
        with acting_in(workshop_id):
            audit.note("account.sign_in_changed", "account", account.id, after={"password": how})
            if how != "set":
                outbox.queue(workshop_id, "password_changed", account.email)
