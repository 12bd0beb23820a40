"""The rules of proving that one knows an account's password: every try is counted, and a lock is told by mail.

A caller that also writes something else asks here first, outside its own `atomic()`: what is counted stays, though it refuses.
"""

from __future__ import annotations

from sqlalchemy import select

from app.blueprints.accounts import codes, tries
from app.blueprints.accounts.errors import AccountSuspended, WrongCredentials, WrongPassword
from app.blueprints.accounts.models import Account
from app.core import outbox, passwords
from app.core.db import atomic
from app.core.tenancy import acting_in
from app.extensions import db


def require(account: Account | None, password: str, name: str, address: str | None) -> bool:
    """Refuse whoever does not know an account's password; tell whether anything is counted by its `name` in `tries`.

    No account (None) is refused as a wrong password is, and takes as long. `address` is where the caller is, for counting.
    :raises TooManyTries: the name, or the address, has to wait. :raises WrongCredentials: it is not the password.
    :raises AccountSuspended: it is the password of one that is.
    """
    tries.require_patience(name, address)  # who waits costs no hash
    is_right = passwords.matches(account.password_hash if account else None, password)
    if not is_right or account is None:
        with atomic():
            tries.take_turn(name, address)
            if tries.note_failure(name, address) and account is not None:
                _tell_locked(account, address)
        raise WrongCredentials()
    is_counted = tries.follow_turns(name, address)
    if account.suspended_at is not None:
        raise AccountSuspended()
    return is_counted


def require_password(account: Account, password: str, address: str | None = None) -> None:
    """Refuse whoever does not know an account's password, and count it as a sign-in that failed.

    :raises TooManyTries: the account, or the address, has to wait. :raises WrongCredentials: it is not the password.
    :raises AccountSuspended: it is the password of one that is.
    """
    name = tries.of_account(account.id)
    if require(account, password, name, address):
        tries.forget(name)


def require_present_password(account_id: int, password: str, address: str | None = None) -> Account:
    """Return the account of a caller who gives its present password; a wrong one counts as a sign-in that failed.

    :raises TooManyTries: the account, or the address, has to wait. :raises WrongPassword: it is not the password.
    :raises AccountSuspended: it is the password of one that is.
    """
    account = db.session.scalar(select(Account).where(Account.id == account_id))
    if account is None or account.email is None:
        raise WrongPassword()
    try:
        require_password(account, password, address)
    except WrongCredentials:
        raise WrongPassword() from None
    return account


def _tell_locked(account: Account, address: str | None) -> None:
    workshop_id = codes.workshop_of(account.id)
    if workshop_id is not None and account.email:
        minutes = int(tries.BY_NAME.lock.total_seconds() // 60)
        with acting_in(workshop_id):
            outbox.queue(
                workshop_id, "account_locked", account.email, minutes=minutes, address=address or "?"
            )
