"""The rules of signing in: accounts, what they are in a workshop, and when that ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.blueprints.accounts import challenges, codes, second_factor, sessions, tries
from app.blueprints.accounts.errors import (
    AccountShared,
    AccountSuspended,
    EmailTaken,
    LastOwner,
    PasswordTooEasy,
    PasswordTooShort,
    WrongCredentials,
)
from app.blueprints.accounts.models import Account, Membership, OwnRole
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import WorkshopNotFound, WorkshopRequired, WorkshopSuspended
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, outbox, passwords, phones
from app.core.db import atomic, locked
from app.core.errors import NotAllowed
from app.core.identity import Principal
from app.core.schema import Phone
from app.core.scopes import MEMBERS, Role
from app.core.sealing import Person
from app.core.tenancy import INSTALLATION, across_workshops, acting_in
from app.extensions import db


def sign_in(
    known_as: str,
    password: str,
    workshop_slug: str | None,
    preferred: tuple[Role, ...],
    address: str | None = None,
    second_factor_code: str | None = None,
) -> Principal:
    """Return the principal of the account with these credentials, in the workshop named (or its only one).

    Who belongs to none, and administers the installation, signs in as that.
    `known_as` is an e-mail address, or a phone number that one account alone has in the workshop. An account that is
    several things there signs in as the first of `preferred` that it is. `address` is where the caller is, for counting.
    :raises TooManyTries: the name, the address or the second factor has to wait.
    :raises WrongCredentials: unknown, wrong, closed, or nothing in that workshop: one answer for all.
    :raises WorkshopRequired: it belongs to several workshops and none is named.
    :raises SecondFactorRequired: it has one, and no code came. :raises SecondFactorRefused: the code is wrong or used.
    :raises AccountSuspended: it is. :raises WorkshopSuspended: the workshop is.
    """
    number = _number(known_as, workshop_slug)
    name = tries.number_in(*number) if number is not None else known_as
    is_counted = tries.require_patience(name, address)
    account = _account_with_number(*number) if number is not None else _account_with_address(known_as)
    if not passwords.matches(account.password_hash if account else None, password) or account is None:
        with atomic():
            if tries.note_failure(name, address) and account is not None:
                _tell_locked(account, address)
        raise WrongCredentials()
    if account.suspended_at is not None:
        raise AccountSuspended()
    if account.password_hash and passwords.is_outdated(account.password_hash):
        with atomic():
            account.password_hash = passwords.hash_password(password)
    workshop_id = workshops.named(workshop_slug).id if workshop_slug else None
    caller = _principal_of(account, workshop_id, preferred)
    if account.second_factor_since is not None:
        second_factor.ask_for(account, caller, name, second_factor_code, address)
    if is_counted:
        tries.forget(name)
    return caller


def _tell_locked(account: Account, address: str | None) -> None:
    workshop_id = codes.workshop_of(account.id)
    if workshop_id is not None and account.email:
        minutes = int(tries.BY_NAME.lock.total_seconds() // 60)
        with acting_in(workshop_id):
            outbox.queue(
                workshop_id, "account_locked", account.email, minutes=minutes, address=address or "?"
            )


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
    with acting_in(workshop_id):
        accounts = db.session.scalars(
            select(Account)
            .join(Membership, Membership.account_id == Account.id)
            .where(
                Membership.workshop_id == workshop_id,
                Membership.ended_at.is_(None),
                or_(*(book(workshop_id, number) for book in _PHONE_BOOKS)),
            )
            .distinct()
            .limit(2)
        ).all()
    return accounts[0] if len(accounts) == 1 else None


def _principal_of(account: Account, workshop_id: int | None, preferred: tuple[Role, ...]) -> Principal:
    statement = (
        select(Membership, Workshop.suspended_at)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .where(Membership.account_id == account.id, Membership.ended_at.is_(None))
    )
    if workshop_id is not None:
        statement = statement.where(Membership.workshop_id == workshop_id)
    with across_workshops():
        found = db.session.execute(statement.order_by(Membership.id)).all()
    memberships = [membership for membership, suspended_at in found if suspended_at is None]
    if not memberships:
        if account.is_admin and workshop_id is None:
            return sessions.as_admin(account.id)
        raise WorkshopSuspended() if found else WrongCredentials()
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


def require_password(account: Account, password: str, address: str | None = None) -> None:
    """Refuse whoever does not know an account's password, and count it as a sign-in that failed.

    :raises TooManyTries: the account's name, or the address, has to wait. :raises WrongCredentials: it is not the password.
    :raises AccountSuspended: it is the password of one that is.
    """
    name = account.email or ""
    is_counted = tries.require_patience(name, address)
    if not passwords.matches(account.password_hash, password):
        with atomic():
            if tries.note_failure(name, address):
                _tell_locked(account, address)
        raise WrongCredentials()
    if account.suspended_at is not None:
        raise AccountSuspended()
    if is_counted:
        tries.forget(name)


def account_for(email: str, password: str) -> Account | None:
    """Return the account that an address has, to whoever knows its password; None where it has none.

    :raises EmailTaken: it has one, with another password. :raises AccountSuspended: it has one that is.
    """
    known = db.session.scalar(select(Account).where(Account.email == email))
    if known is not None and not passwords.matches(known.password_hash, password):
        raise EmailTaken()
    if known is not None and known.suspended_at is not None:
        raise AccountSuspended()
    return known


def open_account(email: str, password: str) -> Account:
    """Make an account; an existing one is returned to whoever knows its password.

    :raises EmailTaken: the address has an account with another password. :raises PasswordRefused: it is too easy.
    :raises AccountSuspended: it has one that is.
    """
    known = account_for(email, password)
    if known is not None:
        return known
    return make_account(email, password)


def make_account(email: str, password: str, *, verified: bool = False) -> Account:
    """Make an account with an address that has none.

    `verified`: it is asked for by who has read a mail to the address, which then needs no other.
    :raises EmailTaken: it has got one meanwhile. :raises PasswordRefused: it is too easy.
    """
    account = Account(email=email, password_hash=_hash_of(password, email))
    account.email_verified_at = clock.now() if verified else None
    with atomic() as session:
        session.add(account)
        _flush_email()
        if not verified:
            codes.send("verify_email", email, account.id)
    return account


def account_by_mail(email: str) -> tuple[Account, bool]:
    """Return the account with an address, and whether it is new: then its person is mailed what they set a password with.

    :raises AccountSuspended: it is. :raises EmailTaken: somebody opens it at this moment.
    """
    known = db.session.scalar(select(Account).where(Account.email == email))
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
    """Mail the person of an account without a password what they set the first one with."""
    assert account.email is not None
    codes.send("reset", account.email, account.id, good_for=codes.FIRST_PASSWORD)


def give_password(account: Account, password: str) -> None:
    """Give an account another password; a sign-in by the one before that waits for its second factor ends.

    :raises PasswordRefused: it is too short, or too easy to guess.
    """
    account.password_hash = _hash_of(password, account.email or "")
    if account.second_factor_since is not None:
        challenges.forget(account.id)


def _hash_of(password: str, email: str) -> str:
    least = passwords.least_length()
    if len(password) < least:
        raise PasswordTooShort(
            f"At least {least} characters.", errors={"password": [f"Shorter than minimum length {least}."]}
        )
    if advice := passwords.too_easy(password, [email, *email.split("@")]):
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
) -> Membership:
    """Make `account` a member of a workshop; as `staff` with the role of its own making that `role_id` names.

    :raises EmailTaken: it is that already.
    """
    membership = Membership(
        workshop_id=workshop_id,
        account_id=account.id,
        role=role,
        customer_id=customer_id,
        mechanic_id=mechanic_id,
        role_id=role_id,
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


def change_sign_in(
    account: Account, *, email: str | None = None, password: str | None = None, but_session: int | None = None
) -> None:
    """Give an account another address or password; another password ends its sessions, but `but_session`.

    :raises EmailTaken: another account has the address. :raises PasswordRefused: it is too easy.
    """
    with atomic():
        changed = {}  # never to what: the address is told where the person's record is changed, and a password nowhere
        if email is not None and email != account.email:
            account.email, changed["email"] = email, "changed"
        if password is not None and not passwords.matches(account.password_hash, password):
            give_password(account, password)
            changed |= {"password": "changed"}
        _flush_email()
        if "password" in changed:
            sessions.end_all(account.id, by="password", but=but_session)
        if changed:
            audit.note("account.sign_in_changed", "account", account.id, after=changed)


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


Told = Callable[..., None]
_TOLD_OF_LEAVING: list[Told] = []


def told_of_leaving(function: Told) -> Told:
    """Register a later feature's function that brings its own part in order when a customer or mechanic leaves.

    It is called in the same transaction, like `leave`, and also for those who have no account.
    """
    _TOLD_OF_LEAVING.append(function)
    return function


def leave(workshop_id: int, *, customer_id: int | None = None, mechanic_id: int | None = None) -> None:
    """End the membership of a customer or mechanic; an account that is nothing anywhere after that is closed.

    :raises LastOwner: nobody would own the workshop.
    """
    for tell in _TOLD_OF_LEAVING:
        tell(workshop_id, customer_id=customer_id, mechanic_id=mechanic_id)
    account = account_of(workshop_id, customer_id=customer_id, mechanic_id=mechanic_id)
    if account is None:
        return
    if customer_id is not None:
        end_membership(workshop_id, account, Membership.customer_id == customer_id)
        return
    with atomic():
        keep_an_owner(workshop_id, lambda owner: owner.mechanic_id == mechanic_id)
        end_membership(workshop_id, account, Membership.mechanic_id == mechanic_id)


def end_membership(workshop_id: int, account: Account, condition: ColumnElement[bool]) -> None:
    """End what fits of what an account is in a workshop; an account that is nothing anywhere after that is closed."""
    now = clock.now()
    with atomic() as session:
        ended = session.scalars(
            update(Membership)
            .where(Membership.workshop_id == workshop_id, condition, Membership.ended_at.is_(None))
            .values(ended_at=now)
            .returning(Membership.id)
            .execution_options(synchronize_session=False)
        ).all()
        sessions.end_of_memberships(ended)
        for membership_id in ended:
            audit.note("member.left", "membership", membership_id, before={"account_id": account.id})
        close_unless_needed(account)


def close_unless_needed(account: Account) -> None:
    """Close an account that is nothing anywhere. Inside `atomic()`."""
    has_second_factor = account.second_factor_since is not None
    with across_workshops():
        standing = db.session.scalars(
            select(Membership.id)
            .where(Membership.account_id == account.id, Membership.ended_at.is_(None))
            .limit(1)
        ).first()
    if standing is None and not account.is_admin:
        account.email, account.password_hash, account.closed_at = None, None, clock.now()
        account.name, account.suspended_at, account.suspension_reason = None, None, None
        codes.forget(account.id)
        if has_second_factor:
            second_factor.forget(account.id)
        sessions.forget_places(account.id)
        with acting_in(INSTALLATION):
            audit.forget(person(account.id))


def person(account_id: int) -> Person:
    """Return whose key seals what the installation's log says of an account."""
    return Person("account", account_id)


def keep_an_owner(workshop_id: int, goes: Callable[[Membership], bool]) -> None:
    """Refuse to go on where every owner of a workshop is one who `goes`.

    The rows of all owners are locked, until the transaction ends: of two who would each take the other's role, the second
    waits, and then sees.
    :raises LastOwner: nobody would own the workshop.
    """
    owners = db.session.scalars(
        locked(Membership)
        .where(
            Membership.workshop_id == workshop_id, Membership.role == "owner", Membership.ended_at.is_(None)
        )
        .order_by(Membership.id)
    ).all()
    if owners and all(goes(owner) for owner in owners):
        raise LastOwner()


@workshops.consulted_before("closing")
def end_memberships(workshop_id: int) -> None:
    """Let nobody be anything in a workshop any more. The accounts stay: they are their people's, who may join another."""
    with atomic() as session:
        sessions.end_in_workshop(workshop_id)
        session.execute(
            update(Membership)
            .where(Membership.workshop_id == workshop_id, Membership.ended_at.is_(None))
            .values(ended_at=clock.now())
            .execution_options(synchronize_session=False)
        )
