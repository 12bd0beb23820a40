"""The rules of addresses: one is verified by what was sent to it, and changed by the old and the new one together."""

from __future__ import annotations

from sqlalchemy import select

from app.blueprints.accounts import codes, proving, service
from app.blueprints.accounts.errors import CodeRefused, EmailTaken, EmailUnchanged
from app.blueprints.accounts.models import Account, Membership
from app.core import audit, clock
from app.core.db import atomic, locked
from app.core.sealing import Person
from app.core.tenancy import acting_in
from app.extensions import db

CHANGES = ("email_change_old", "email_change_new")


def ask_to_verify(account: Account) -> None:
    """Send what verifies an account's address, unless it is verified.

    :raises TooManyCodes: it was sent too often within the hour.
    """
    if account.email is not None and account.email_verified_at is None:
        codes.send("verify_email", account.email, account.id)


def ask_to_verify_own(account_id: int) -> None:
    """Send what verifies the caller's address, unless it is verified.

    :raises TooManyCodes: it was sent too often within the hour.
    """
    account = db.session.get(Account, account_id)
    if account is not None:
        ask_to_verify(account)


def ask_to_change(account_id: int, email: str, password: str, address: str | None = None) -> None:
    """Ask at both addresses whether an account's is to change.

    `address` is where the caller is, for counting.
    :raises WrongPassword: it is not the account's. :raises TooManyTries: it was wrong too often.
    :raises EmailUnchanged: it is the account's own. :raises EmailTaken: the address has an account.
    :raises TooManyCodes: one of the two was written to too often within the hour; what was sent before stays good.
    """
    account = proving.require_present_password(account_id, password, address)
    if email == account.email:
        raise EmailUnchanged()
    ask_at_both(account, email)


def ask_at_both(account: Account, email: str) -> None:
    """Send to both addresses what moves an account's sign-in from the one to the other; what was sent before is void.

    An address that is the account's own already asks for nothing.
    :raises EmailTaken: the address has an account.
    :raises TooManyCodes: one of the two was written to too often within the hour.
    """
    with atomic():
        account = _locked(account.id)  # one asks after the other, at the address that it has then
        codes.spoil(account.id, *CHANGES)
        if account.email is None or email == account.email:
            return
        if db.session.scalar(select(Account.id).where(Account.email == email)) is not None:
            raise EmailTaken()
        codes.send("email_change_old", account.email, account.id, new_email=email)
        codes.send("email_change_new", email, account.id, new_email=email)
        _note_addresses(account, email)


def _note_addresses(account: Account, email: str) -> None:
    """Keep in the log which addresses are written to, sealed under the customer's key: an erasure looks for them there."""
    workshop_id = codes.workshop_of(account.id)
    if workshop_id is None:
        return
    with acting_in(workshop_id):
        customer_id = db.session.scalar(
            select(Membership.customer_id).where(
                Membership.workshop_id == workshop_id,
                Membership.account_id == account.id,
                Membership.ended_at.is_(None),
                Membership.customer_id.is_not(None),
            )
        )
        if customer_id is not None:
            audit.note(
                "account.email_change_asked", "account", account.id, workshop_id=workshop_id,
                before={"email": account.email}, after={"email": email}, person=Person("customer", customer_id),
            )  # fmt: skip


def confirm(*, token: str | None = None, email: str | None = None, code: str | None = None) -> str:
    """Take what was sent to an address, by its link or by its code; say what came of it.

    :raises CodeRefused: it is not good any more. :raises EmailTaken: somebody has got the new address meanwhile.
    """
    with atomic():
        taken = _taken(token, email, code)
        if taken is not None:
            return _verified(taken) if taken.purpose == "verify_email" else _changed(taken)
    raise CodeRefused()


def _taken(token: str | None, email: str | None, code: str | None) -> codes.Taken | None:
    if token is not None:
        return codes.take_token(("verify_email", *CHANGES), token)
    for purpose in ("verify_email", *CHANGES):
        taken = codes.take_code(purpose, email or "", code or "")
        if taken is not None:
            return taken
    return None


def _verified(taken: codes.Taken) -> str:
    with atomic():
        account = _locked(taken.account_id)
        account.email_verified_at = account.email_verified_at or clock.now()
    return "The address is verified."


def _changed(taken: codes.Taken) -> str:
    other = CHANGES[1 - CHANGES.index(taken.purpose)]
    assert taken.new_email is not None
    with atomic():
        account = _locked(taken.account_id)  # of both ends that confirm at once, the second sees the first
        if not codes.is_used(other, account.id, taken.new_email):
            return "Confirmed. The other address is still to confirm."
        workshop_id = codes.workshop_of(account.id)
        assert workshop_id is not None  # it is open
        with acting_in(workshop_id):
            service.change_sign_in(account, email=taken.new_email)
            account.email_verified_at = clock.now()
    return "The address is changed."


def _locked(account_id: int) -> Account:
    account = db.session.scalar(locked(Account).where(Account.id == account_id, Account.closed_at.is_(None)))
    if account is None:
        raise CodeRefused()
    return account
