"""The rules of mechanics: who works here, who may see what of them, and how one leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.accounts import addresses, helping, leaving, recovery, signing_in
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.errors import EmailTaken
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.mechanics.errors import MechanicNotFound
from app.blueprints.mechanics.events import MechanicLeft
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.roles import service as roles
from app.blueprints.workshops.terms import country_of
from app.core import audit, clock, paging, phones
from app.core.db import atomic, locked
from app.core.errors import NotAllowed
from app.core.events import announce
from app.core.identity import Principal, require_person
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.sealing import Person
from app.core.search import has_words
from app.extensions import db

RECORD = ("name", "email", "phone", "salary", "skills")
ORDER = Order(Mechanic.id, "name", name=Mechanic.name)
NAMED = ("id", "name")
SHOWN = (*NAMED, "email", "phone", "skills", "active", "created_at", "updated_at")
SHOWN_WITH_SALARY = (*SHOWN, "salary")


def visible(mechanic: Mechanic, caller: Principal) -> dict[str, Any]:
    """Return what `caller` may see of a mechanic: the salary, the contacts, or id and name alone."""
    fields: tuple[str, ...] = SHOWN if caller.may("mechanics:read") else NAMED
    if caller.may("mechanics:salary"):
        fields = SHOWN_WITH_SALARY
    return {field: getattr(mechanic, field) for field in fields} | {"version": mechanic.version}


def hire(
    workshop_id: int,
    *,
    name: str,
    email: str,
    phone: str,
    salary: Any,
    skills: Sequence[str] = (),
    password: str | None = None,
    by: Principal | None = None,
) -> Mechanic:
    """Make a mechanic, who can sign in if a password is given; that is to give a role, which `by` must hold.

    :raises EmailTaken: an active mechanic, or an account, has the address. :raises PasswordTooShort: it is.
    :raises BeyondOwnScopes: mechanics may do more than `by`.
    """
    mechanic = Mechanic(
        workshop_id=workshop_id,
        name=name,
        email=email,
        phone=_normalised(workshop_id, phone),
        salary=salary,
        skills=list(skills),
    )
    with atomic() as session:
        session.add(mechanic)
        _flush(session)
        audit.note(
            "mechanic.hired", "mechanic", mechanic.id,
            after=audit.fields_of(mechanic, RECORD), person=_person(mechanic.id),
        )  # fmt: skip
        if password is not None:
            _give_sign_in(mechanic, password, by)
    return mechanic


def _person(mechanic_id: int) -> Person:
    return Person("mechanic", mechanic_id)


def _give_sign_in(mechanic: Mechanic, password: str, by: Principal | None) -> None:
    roles.require_may_give(by, mechanic.workshop_id, "mechanic", None)
    try:
        account = accounts.make_account(
            mechanic.email, password, mechanic.name, mechanic.phone, workshop_id=mechanic.workshop_id
        )
    except EmailTaken as error:  # not theirs to join, whatever was typed: who has it is asked
        raise EmailTaken("The address has an account. POST /invitations asks its person to join.") from error
    accounts.join(mechanic.workshop_id, account, "mechanic", mechanic_id=mechanic.id)


def _normalised(workshop_id: int, phone: str) -> str:
    return phones.normalised(phone, country_of(workshop_id))


@signing_in.phone_book
def _by_phone(workshop_id: int, phone: str) -> ColumnElement[bool]:
    number = _normalised(workshop_id, phone)
    return Membership.mechanic_id.in_(
        select(Mechanic.id).where(
            Mechanic.workshop_id == workshop_id, Mechanic.phone == number, Mechanic.left_at.is_(None)
        )
    )


@accounts.record_of_a_person
def _record_of(account_id: int) -> Executable:
    return (
        select(Mechanic.name, Mechanic.phone, Mechanic.email)
        .join(
            Membership,
            and_(Membership.workshop_id == Mechanic.workshop_id, Membership.mechanic_id == Mechanic.id),
        )
        .where(Membership.account_id == account_id, Membership.ended_at.is_(None))
    )


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise EmailTaken() from error


def get(workshop_id: int, mechanic_id: int) -> Mechanic:
    """Return a mechanic who works here.

    :raises MechanicNotFound: unknown here, or gone.
    """
    return _one(select(Mechanic), workshop_id, mechanic_id)


def hold(workshop_id: int, mechanic_id: int) -> Mechanic:
    """Return a mechanic who works here, locked until the transaction ends.

    :raises MechanicNotFound: unknown here, or gone.
    """
    return _one(locked(Mechanic), workshop_id, mechanic_id)


def keep_from_leaving(workshop_id: int, mechanic_id: int) -> Mechanic:
    """Return a mechanic who works here, and does not leave until the transaction ends. Several may at once.

    :raises MechanicNotFound: unknown here, or gone.
    """
    shared = select(Mechanic).with_for_update(read=True, key_share=True)
    return _one(shared.execution_options(populate_existing=True), workshop_id, mechanic_id)


def require_free(workshop_id: int, email: str) -> None:
    """Refuse an address that a mechanic has who works here.

    :raises EmailTaken: one has it.
    """
    statement = select(Mechanic.id).where(
        Mechanic.workshop_id == workshop_id, Mechanic.email == email, Mechanic.left_at.is_(None)
    )
    if db.session.scalar(statement) is not None:
        raise EmailTaken()


def _one(statement: Select[Mechanic], workshop_id: int, mechanic_id: int) -> Mechanic:
    found = db.session.scalar(
        statement.where(
            Mechanic.workshop_id == workshop_id, Mechanic.id == mechanic_id, Mechanic.left_at.is_(None)
        )
    )
    if found is None:
        raise MechanicNotFound()
    return found


def active_among(workshop_id: int, mechanic_ids: list[int]) -> dict[int, Mechanic]:
    """Return those of `mechanic_ids` who work here, by id."""
    found = db.session.scalars(
        select(Mechanic).where(
            Mechanic.workshop_id == workshop_id, Mechanic.id.in_(mechanic_ids), Mechanic.left_at.is_(None)
        )
    )
    return {mechanic.id: mechanic for mechanic in found}


def find(
    caller: Principal, walk: Walk, *, name: str | None = None, skill: str | None = None, active: bool = True
) -> Page:
    """Return one page of the mechanics who work here, or who have left, with words in the name and among the skills.

    :raises NotAllowed: what only staff see is asked for.
    """
    if (skill is not None or not active) and not caller.may("mechanics:read"):
        raise NotAllowed("Customers see who works here, by name.")
    working = Mechanic.left_at.is_(None) if active else Mechanic.left_at.is_not(None)
    statement = select(Mechanic).where(Mechanic.workshop_id == caller.workshop_id, working)
    if name is not None:
        statement = statement.where(has_words(name, Mechanic.name))
    if skill is not None:
        statement = statement.where(has_words(skill, Mechanic.skills))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def update(
    workshop_id: int,
    mechanic_id: int,
    changes: dict[str, Any],
    expected: Expected = None,
    *,
    by: Principal | None = None,
    address: str | None = None,
) -> Mechanic:
    """Change a mechanic. Who has an account gets another password at once, and is told; who has none gets one by it.

    Another address moves their sign-in once it is confirmed at both, until when they sign in with the one before. `address`
    is where the caller is, for counting wrong passwords.
    :raises MechanicNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises EmailTaken: the address is another's. :raises AccountShared: the account serves other workshops too.
    :raises BeyondOwnScopes: who signs in by another address or password could do more than `by`.
    :raises NotForKeys: an API key gives nobody a sign-in. :raises PasswordRefused: it is too easy.
    :raises PresentPasswordNeeded: it is the caller's own, who signed in long ago, and did not give it.
    :raises WrongPassword: what they gave is not it. :raises TooManyTries: it was wrong too often.
    """
    present, password = changes.pop("present_password", None), changes.pop("password", None)
    if password is not None and by is not None and _is_own(workshop_id, mechanic_id, by):
        require_person(by)
        recovery.require_fresh(by, present, address)  # before anything is written: what it counts stays
    with atomic() as session:
        mechanic = _one(locked(Mechanic), workshop_id, mechanic_id)
        require_version(mechanic, expected)
        before = audit.fields_of(mechanic, RECORD)
        if "phone" in changes:
            changes["phone"] = _normalised(workshop_id, changes["phone"])
        moved = changes.get("email", mechanic.email) != mechanic.email
        for field, value in changes.items():
            setattr(mechanic, field, value)
        _flush(session)
        account = accounts.account_of(workshop_id, mechanic_id=mechanic_id)
        if account is None and password is not None:
            _give_sign_in(mechanic, password, by)
        elif account is not None and (moved or password is not None):
            _change_sign_in(mechanic, account, password, by, moved=moved)
        audit.note_change(
            "mechanic.updated", "mechanic", mechanic_id,
            before, audit.fields_of(mechanic, RECORD), person=_person(mechanic_id),
        )  # fmt: skip
    return mechanic


def _is_own(workshop_id: int, mechanic_id: int, caller: Principal) -> bool:
    account = accounts.account_of(workshop_id, mechanic_id=mechanic_id)
    return account is not None and account.id == caller.account_id


def _change_sign_in(
    mechanic: Mechanic, account: Account, password: str | None, by: Principal | None, *, moved: bool
) -> None:
    accounts.require_own_account(mechanic.workshop_id, account)
    require_person(by)
    roles.require_holding(by, roles.held_by_account(mechanic.workshop_id, account.id))
    if password is not None:
        kept = by.session_id if by is not None and by.account_id == account.id else None
        recovery.replace_password(account, password, but=kept)
    if moved:
        addresses.ask_at_both(account, mechanic.email)


def leave(
    workshop_id: int, mechanic_id: int, expected: Expected = None, *, by: Principal | None = None
) -> None:
    """Let a mechanic leave: no sign-in and no new work from now on, and their clock stops; the tickets keep the name.

    :raises MechanicNotFound: unknown here, or gone already. :raises Stale: not the `expected` version.
    :raises BeyondOwnScopes: they are more than a mechanic here, and hold more than `by`.
    :raises LastOwner: nobody would own the workshop.
    """
    with atomic():
        mechanic = _one(locked(Mechanic), workshop_id, mechanic_id)
        require_version(mechanic, expected)
        roles.require_holding(by, roles.held_beyond_the_work(workshop_id, mechanic_id))
        leaving.leave(workshop_id, mechanic_id=mechanic_id)
        mechanic.left_at = clock.now()
        audit.note("mechanic.left", "mechanic", mechanic_id)
        announce(MechanicLeft(workshop_id, mechanic_id))


def unlock(by: Principal, mechanic_id: int) -> None:
    """Let a mechanic sign in at once who failed too often.

    :raises MechanicNotFound: unknown here. :raises BeyondOwnScopes: they hold more than the caller.
    :raises NoSignIn: they have no account. :raises OwnAccount: it is the caller's. :raises AccountShared: it serves other
    workshops too.
    """
    helping.unlock(by, _helped(by, mechanic_id))


def take_second_factor_away(by: Principal, mechanic_id: int) -> None:
    """Switch off the second factor of a mechanic who has lost it.

    :raises MechanicNotFound: unknown here. :raises BeyondOwnScopes: they hold more than the caller.
    :raises SecondFactorNotFound: they have none. :raises OwnAccount: it is the caller's. :raises AccountShared: their account
    serves other workshops too.
    """
    helping.take_second_factor_away(by, _helped(by, mechanic_id))


def _helped(by: Principal, mechanic_id: int) -> Account | None:
    """Return the account, if any, of a mechanic whom the caller may help."""
    get(by.workshop_id, mechanic_id)
    account = accounts.account_of(by.workshop_id, mechanic_id=mechanic_id)
    if account is not None:
        roles.require_holding(by, roles.held_by_account(by.workshop_id, account.id))
    return account
