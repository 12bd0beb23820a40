"""The rules of accounts: how they are opened, and what they are in a workshop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from sqlalchemy import Executable, Select, bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value

from app.blueprints.accounts import challenges, codes, proving, second_factor, standing
from app.blueprints.accounts.errors import (
    AccountShared,
    AccountSuspended,
    EmailKnown,
    EmailTaken,
    PasswordTooEasy,
    PasswordTooShort,
    TooManyCodes,
    WrongCredentials,
)
from app.blueprints.accounts.models import Account, Membership, OwnRole
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, passwords
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.scopes import Role
from app.core.sealing import Person
from app.core.tenancy import across_workshops
from app.extensions import db


def described(caller: Principal) -> dict[str, Any]:
    """Return who a caller is, and what they may do at this moment."""
    if caller.role == "admin":
        return _described_admin(caller)
    statement = (
        select(Account, Workshop, Membership, OwnRole.name)
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .outerjoin(OwnRole, standing.is_the_role)
        .where(Membership.workshop_id == caller.workshop_id, Membership.id == caller.membership_id)
    )
    account, workshop, membership, role_name = db.session.execute(statement).one()
    return {
        "account": _described_account(account),
        "workshop": workshop,
        "member_id": membership.id,
        "role": membership.role,
        "role_id": membership.role_id,
        "role_name": role_name,
        "customer_id": membership.customer_id,
        "mechanic_id": membership.mechanic_id,
        "key_id": caller.key_id,
        "scopes": sorted(caller.scopes),
    }


def _described_admin(caller: Principal) -> dict[str, Any]:
    account = db.session.get_one(Account, caller.account_id)
    nowhere = dict.fromkeys(
        ("workshop", "member_id", "role_id", "role_name", "customer_id", "mechanic_id", "key_id")
    )
    return {
        **nowhere,
        "account": _described_account(account),
        "role": caller.role,
        "scopes": sorted(caller.scopes),
    }


def _described_account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "email_verified": account.email_verified_at is not None,
    }


def account_with_address(email: str) -> Account | None:
    """Return the account that signs in by an address, if there is one."""
    return db.session.scalar(_with_address(), {"email": email.lower()})


@cache
def _with_address() -> Select[Account]:
    """Return the statement that begins each sign-in, built once."""
    return select(Account).where(Account.email == bindparam("email"))


def account_for(
    email: str, password: str, second_factor_code: str | None = None, address: str | None = None
) -> Account | None:
    """Return the account that an address has, to whoever proves that it is theirs; None where it has none.

    Asked before anything is written: a try that is counted stays, whatever a refusal undoes.
    :raises EmailKnown: it has one, with another password. :raises TooManyTries: too many were wrong.
    :raises SecondFactorRequired: it has one with a second factor, and no code came.
    :raises SecondFactorRefused: the code is wrong or used. :raises AccountSuspended: it has one that is.
    """
    known = account_with_address(email)
    if known is None:
        return None
    try:
        proving.require_password(known, password, address)
    except WrongCredentials:
        raise EmailKnown() from None
    second_factor.require(known, second_factor_code, address)
    return known


def make_account(
    email: str,
    password: str,
    *known: str | None,
    workshop_id: int | None = None,
    verified: bool = False,
) -> Account:
    """Make an account with an address that has none.

    The password is judged against what is `known` of its person and against the workshop that they come to. `verified`: it is
    asked for by who has read a mail to the address, which then needs no other.
    :raises EmailTaken: it has got one meanwhile. :raises PasswordRefused: it is too easy.
    """
    workshop = _known(select(Workshop.name, Workshop.slug).where(Workshop.id == workshop_id))
    account = Account(email=email, password_hash=_hash_of(password, email, *known, *workshop))
    account.email_verified_at = clock.now() if verified else None
    with atomic() as session:
        session.add(account)
        _flush_email()
        set_committed_value(account, "second_factor_since", None)  # known without asking
        if not verified:
            # It can be asked for again, and opening the account does not hang on it.
            with suppress(TooManyCodes):
                codes.send("verify_email", email, account.id)
    return account


def account_by_mail(email: str) -> tuple[Account, bool]:
    """Return the account with an address, and whether it is new: then its person is mailed what they set a password with.

    It keeps the address until the transaction ends.
    :raises AccountSuspended: it is. :raises EmailTaken: somebody opens it at this moment.
    """
    known = db.session.scalar(locked(Account).where(Account.email == email))  # nobody moves it meanwhile
    if known is not None:
        if known.suspended_at is not None:
            raise AccountSuspended()
        return known, False
    account = Account(email=email)
    with atomic() as session:
        session.add(account)
        _flush_email()
        invite(account)
    return account, True


def invite(account: Account) -> None:
    """Mail the person of an account without a password what they set the first one with.

    :raises TooManyCodes: they were written that too often within the hour.
    """
    assert account.email is not None
    codes.send("reset", account.email, account.id, good_for=codes.FIRST_PASSWORD)


def give_password(account: Account, password: str) -> None:
    """Give an account another password; a sign-in by the one before that waits for its second factor ends.

    :raises PasswordRefused: it is too short, or too easy to guess.
    """
    theirs = Membership.account_id == account.id, Membership.ended_at.is_(None)
    workshop = select(Workshop.name, Workshop.slug).join(Membership, Membership.workshop_id == Workshop.id)
    records = [record(account.id) for record in _RECORDS]
    known = _known(workshop.where(*theirs), *records)
    account.password_hash = _hash_of(password, account.email, account.name, *known)
    if account.second_factor_since is not None:
        challenges.forget(account.id)


Record = Callable[[int], Executable]
_RECORDS: list[Record] = []


def record_of_a_person(record: Record) -> Record:
    """Register what a feature knows of an account's person that a password must not be: a statement for texts, by its id."""
    _RECORDS.append(record)
    return record


def _known(*statements: Executable) -> list[str | None]:
    """Return the texts that these select, where passwords are judged against them."""
    if not passwords.are_judged():
        return []
    with across_workshops():
        return [
            text for statement in statements for row in db.session.execute(statement).all() for text in row
        ]


def _hash_of(password: str, *known: str | None) -> str:
    least = passwords.least_length()
    if len(password) < least:
        raise PasswordTooShort(
            f"At least {least} characters.", errors={"password": [f"Shorter than minimum length {least}."]}
        )
    if advice := passwords.too_easy(password, known):
        raise PasswordTooEasy(errors={"password": advice})
    return passwords.hash_password(password)


def _flush_email() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        raise EmailTaken() from error


def join(
    workshop_id: int,
    account: Account,
    role: Role,
    *,
    customer_id: int | None = None,
    mechanic_id: int | None = None,
    role_id: int | None = None,
    phone: str | None = None,
) -> Membership:
    """Make `account` a member of a workshop; as `staff` with the role of its own making that `role_id` names.

    `phone`: the number by which they sign in too, as it is kept, where no record of theirs has one.

    :raises EmailTaken: it is that already.
    """
    membership = Membership(
        workshop_id=workshop_id,
        account_id=account.id,
        role=role,
        customer_id=customer_id,
        mechanic_id=mechanic_id,
        role_id=role_id,
        phone=phone,
    )
    with atomic() as session:
        session.add(membership)
        _flush_email()
        audit.note(
            "member.joined", "membership", membership.id, workshop_id=workshop_id,
            after=audit.fields_of(membership, ("account_id", "role", "role_id", "customer_id", "mechanic_id")),
        )  # fmt: skip
    return membership


def account_of(
    workshop_id: int, *, customer_id: int | None = None, mechanic_id: int | None = None
) -> Account | None:
    """Return the account of a customer or mechanic, None for one who cannot sign in."""
    statement = (
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.workshop_id == workshop_id, Membership.ended_at.is_(None))
        .where(
            Membership.customer_id == customer_id
            if customer_id is not None
            else Membership.mechanic_id == mechanic_id
        )
    )
    return db.session.scalar(statement)


def change_sign_in(account: Account, *, email: str) -> None:
    """Give an account another address, not verified yet. What was sent to the former one, or about it, is void.

    :raises EmailTaken: another account has the address.
    """
    if email == account.email:
        return
    with atomic():
        account.email, account.email_verified_at = email, None  # what was verified is the former one
        _flush_email()
        codes.spoil(account.id, *codes.GOOD_FOR)
        # never to what: the address is told where the person's record is changed
        audit.note("account.sign_in_changed", "account", account.id, after={"email": "changed"})


def is_member(account: Account) -> bool:
    """Tell whether an account is anything in any workshop."""
    member = select(Membership.id).where(Membership.account_id == account.id, Membership.ended_at.is_(None))
    with across_workshops():
        return db.session.scalars(member.limit(1)).first() is not None


def require_own_account(workshop_id: int, account: Account) -> None:
    """Refuse to let a workshop change an account that serves more than this workshop.

    :raises AccountShared: it serves another too, or administers the installation.
    """
    if account.is_admin:
        raise AccountShared("This person administers the installation; only they can change their sign-in.")
    statement = select(Membership.id).where(
        Membership.account_id == account.id,
        Membership.workshop_id != workshop_id,
        Membership.ended_at.is_(None),
    )
    with across_workshops():
        if db.session.scalars(statement.limit(1)).first() is not None:
            raise AccountShared()


def person(account_id: int) -> Person:
    """Return whose key seals what the installation's log says of an account."""
    return Person("account", account_id)
