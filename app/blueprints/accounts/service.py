"""The rules of signing in: accounts, what they are in a workshop, and when that ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, Executable, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value

from app.blueprints.accounts import challenges, codes, proving, second_factor, sessions, tries
from app.blueprints.accounts.errors import (
    AccountShared,
    AccountSuspended,
    EmailKnown,
    EmailTaken,
    NoWorkshop,
    PasswordTooEasy,
    PasswordTooShort,
    TooManyCodes,
    WrongCredentials,
)
from app.blueprints.accounts.models import Account, Membership, OwnRole
from app.blueprints.accounts.sessions import Entrant
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import WorkshopNotFound, WorkshopRequired, WorkshopSuspended
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, passwords, phones
from app.core.db import atomic, locked
from app.core.errors import NotAllowed
from app.core.identity import Principal
from app.core.schema import Phone
from app.core.scopes import MEMBERS, STAFF, Role
from app.core.sealing import Person
from app.core.tenancy import across_workshops, acting_in
from app.extensions import db


def sign_in(
    known_as: str,
    password: str,
    workshop_slug: str | None,
    preferred: tuple[Role, ...],
    address: str | None = None,
    second_factor_code: str | None = None,
) -> Entrant:
    """Return who has these credentials, as what they are in the workshop named (or their only one).

    Who belongs to none, and administers the installation, signs in as that.
    `known_as` is an e-mail address, or a phone number that one account alone has in the workshop. An account that is
    several things there signs in as the first of `preferred` that it is. `address` is where the caller is, for counting.
    :raises TooManyTries: the name, the address or the second factor has to wait.
    :raises WrongCredentials: unknown, wrong, closed, or nothing in that workshop: one answer for all.
    :raises WorkshopRequired: it belongs to several workshops and none is named.
    :raises SecondFactorRequired: it has one, and no code came. :raises SecondFactorRefused: the code is wrong or used.
    :raises AccountSuspended: it is. :raises WorkshopSuspended: the workshop is.
    :raises NoWorkshop: none is named, and it is a member of none that is not closed.
    """
    number = _number(known_as, workshop_slug)
    account = _account_with_number(*number) if number is not None else _account_with_address(known_as)
    given = tries.number_in(*number) if number is not None else known_as
    name = tries.of_account(account.id) if account is not None else given
    is_counted = proving.require(account, password, name, address)
    assert account is not None
    if account.password_hash and passwords.is_outdated(account.password_hash):
        _hash_anew(account, password)
    caller = _principal_of(account, workshop_slug, preferred)
    if account.second_factor_since is not None:
        second_factor.ask_for(account, caller, name, second_factor_code, address)
    if is_counted:
        tries.forget(name)
    return sessions.entrant(caller, account)


def _hash_anew(account: Account, password: str) -> None:
    """Keep a hash of the present cost, unless another password was set meanwhile, or several do so at once.

    :raises WrongCredentials: another was.
    """
    with atomic():
        db.session.refresh(account, with_for_update=True)
        if not passwords.matches(account.password_hash, password):
            raise WrongCredentials()
        if account.password_hash and passwords.is_outdated(account.password_hash):
            account.password_hash = passwords.hash_password(password)


PhoneBook = Callable[[int, str], ColumnElement[bool]]
_PHONE_BOOKS: list[PhoneBook] = []


def phone_book(book: PhoneBook) -> PhoneBook:
    """Register a feature's way to tell, by the workshop's id and a number, which memberships have that number."""
    _PHONE_BOOKS.append(book)
    return book


def _number(known_as: str, workshop_slug: str | None) -> tuple[int, str] | None:
    """Return the workshop and the number, as it is kept there, that a phone number means; None for what is none."""
    if "@" in known_as:
        return None
    try:
        number = Phone().deserialize(known_as)
    except ValidationError:
        return None
    workshop = workshops.named(workshop_slug)
    return workshop.id, phones.normalised(number, workshop.country)


def _account_with_address(email: str) -> Account | None:
    return db.session.scalar(select(Account).where(Account.email == email.lower()))


def _account_with_number(workshop_id: int, number: str) -> Account | None:
    """Return the account that a number means: staff's before a customer's, whom anybody may register with a number of staff."""
    is_staff = Membership.role.in_(STAFF).label("is_staff")
    with acting_in(workshop_id):
        found = db.session.execute(
            select(Account, is_staff)
            .join(Membership, Membership.account_id == Account.id)
            .where(
                Membership.workshop_id == workshop_id,
                Membership.ended_at.is_(None),
                or_(*(book(workshop_id, number) for book in _PHONE_BOOKS)),
            )
            .distinct()
            .order_by(is_staff.desc())
            .limit(2)
        ).all()
    if not found or [row.is_staff for row in found] in ([True, True], [False, False]):
        return None
    account: Account = found[0][0]
    return account


def _principal_of(account: Account, workshop_slug: str | None, preferred: tuple[Role, ...]) -> Principal:
    statement = (
        select(Membership, Workshop.suspended_at)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .where(Membership.account_id == account.id, Membership.ended_at.is_(None))
    )
    if workshop_slug:
        statement = statement.where(workshops.is_called(workshop_slug))
    with across_workshops():
        found = db.session.execute(statement.order_by(Membership.id)).all()
    memberships = [membership for membership, suspended_at in found if suspended_at is None]
    if not memberships:
        if workshop_slug:
            workshops.named(workshop_slug)  # refused as such where there is none, or it is suspended
        elif account.is_admin:
            return sessions.as_admin(account.id)
        if found:
            raise WorkshopSuspended()
        raise WrongCredentials() if workshop_slug else NoWorkshop()
    if len({membership.workshop_id for membership in memberships}) > 1:
        raise WorkshopRequired()
    ranks = (*preferred, *MEMBERS)
    return sessions.principal_of(min(memberships, key=lambda membership: ranks.index(membership.role)))


def act_in(principal: Principal, workshop_slug: str | None) -> Principal:
    """Return who the caller is in another of their workshops, or in none as an admin, in the session that they have.

    :raises WorkshopNotFound: there is none with this name, or they are nothing there: the two look alike.
    :raises WorkshopSuspended: it is. :raises NotAllowed: they do not administer the installation.
    """
    if workshop_slug is None:
        if not db.session.scalar(select(Account.is_admin).where(Account.id == principal.account_id)):
            raise NotAllowed("You do not administer this installation.")
        return sessions.switch(principal.session_id, sessions.as_admin(principal.account_id))
    workshop_id = workshops.named(workshop_slug).id
    with across_workshops():
        memberships = db.session.scalars(
            select(Membership)
            .where(
                Membership.account_id == principal.account_id,
                Membership.workshop_id == workshop_id,
                Membership.ended_at.is_(None),
            )
            .order_by(Membership.id)
        ).all()
    if not memberships:
        raise WorkshopNotFound()
    chosen = min(memberships, key=lambda membership: MEMBERS.index(membership.role))
    return sessions.switch(principal.session_id, sessions.principal_of(chosen))


def described(caller: Principal) -> dict[str, Any]:
    """Return who a caller is, and what they may do at this moment."""
    if caller.role == "admin":
        return _described_admin(caller)
    statement = (
        select(Account, Workshop, Membership, OwnRole.name)
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .outerjoin(OwnRole, sessions.is_the_role)
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


def account_for(
    email: str, password: str, second_factor_code: str | None = None, address: str | None = None
) -> Account | None:
    """Return the account that an address has, to whoever proves that it is theirs; None where it has none.

    Asked before anything is written: a try that is counted stays, whatever a refusal undoes.
    :raises EmailKnown: it has one, with another password. :raises TooManyTries: too many were wrong.
    :raises SecondFactorRequired: it has one with a second factor, and no code came.
    :raises SecondFactorRefused: the code is wrong or used. :raises AccountSuspended: it has one that is.
    """
    known = _account_with_address(email)
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
    standing = select(Membership.id).where(Membership.account_id == account.id, Membership.ended_at.is_(None))
    with across_workshops():
        return db.session.scalars(standing.limit(1)).first() is not None


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
