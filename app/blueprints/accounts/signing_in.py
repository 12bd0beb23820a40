"""The rules of signing in: by an address or a number, as what somebody is in a workshop, and in another of theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, Select, bindparam, or_, select

from app.blueprints.accounts import proving, second_factor, sessions, standing, tries
from app.blueprints.accounts.errors import NoWorkshop, WrongCredentials
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.accounts.service import account_with_address
from app.blueprints.accounts.sessions import Entrant
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import WorkshopNotFound, WorkshopRequired, WorkshopSuspended
from app.blueprints.workshops.models import Workshop
from app.core import passwords, phones
from app.core.db import atomic
from app.core.errors import NotAllowed
from app.core.identity import Principal
from app.core.schema import Phone
from app.core.scopes import MEMBERS, STAFF, Role
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
    account = _account_with_number(*number) if number is not None else account_with_address(known_as)
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


@cache
def _memberships() -> Select[Membership, datetime | None]:
    """Return the statement that tells what an account is, and where that is suspended, built once."""
    return (
        select(Membership, Workshop.suspended_at)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .where(Membership.account_id == bindparam("account_id"), Membership.ended_at.is_(None))
        .order_by(Membership.id)
    )


def _principal_of(account: Account, workshop_slug: str | None, preferred: tuple[Role, ...]) -> Principal:
    statement = _memberships()
    if workshop_slug:
        statement = statement.where(workshops.is_called(workshop_slug))
    with across_workshops():
        found = db.session.execute(statement, {"account_id": account.id}).all()
    memberships = [membership for membership, suspended_at in found if suspended_at is None]
    if not memberships:
        if workshop_slug:
            workshops.named(workshop_slug)  # refused as such where there is none, or it is suspended
        elif account.is_admin:
            return standing.as_admin(account.id)
        if found:
            raise WorkshopSuspended()
        raise WrongCredentials() if workshop_slug else NoWorkshop()
    if len({membership.workshop_id for membership in memberships}) > 1:
        raise WorkshopRequired()
    ranks = (*preferred, *MEMBERS)
    return standing.principal_of(min(memberships, key=lambda membership: ranks.index(membership.role)))


def act_in(principal: Principal, workshop_slug: str | None) -> Principal:
    """Return who the caller is in another of their workshops, or in none as an admin, in the session that they have.

    :raises WorkshopNotFound: there is none with this name, or they are nothing there: the two look alike.
    :raises WorkshopSuspended: it is. :raises NotAllowed: they do not administer the installation.
    """
    if workshop_slug is None:
        if not db.session.scalar(select(Account.is_admin).where(Account.id == principal.account_id)):
            raise NotAllowed("You do not administer this installation.")
        return sessions.switch(principal.session_id, standing.as_admin(principal.account_id))
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
    return sessions.switch(principal.session_id, standing.principal_of(chosen))
