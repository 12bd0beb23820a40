"""The rules of customers: who is one, what must be unique, and what an erasure leaves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Executable, ScalarSelect, Select, and_, bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.accounts import addresses, helping, recovery, signing_in
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.errors import EmailTaken
from app.blueprints.accounts.models import Membership
from app.blueprints.customers.errors import CustomerNotFound, PhoneTaken
from app.blueprints.customers.models import Customer
from app.blueprints.workshops.terms import country_of
from app.core import audit, paging, phones
from app.core.db import atomic, locked, violated
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.prepared import Prepared, here
from app.core.sealing import Person
from app.core.search import has_words
from app.extensions import db

RECORD = ("name", "email", "phone")
ORDER = Order(Customer.id, "name", name=Customer.name, created_at=Customer.created_at)


def record(workshop_id: int, *, name: str, email: str | None = None, phone: str | None = None) -> Customer:
    """Make a customer without an account: someone who walked in.

    :raises EmailTaken: the address is a customer's here. :raises PhoneTaken: the number is.
    """
    customer = Customer(
        workshop_id=workshop_id, name=name, email=email, phone=_normalised(workshop_id, phone)
    )
    with atomic() as session:
        session.add(customer)
        _flush(session)
        audit.note(
            "customer.recorded", "customer", customer.id,
            after=audit.fields_of(customer, RECORD), person=person(customer.id),
        )  # fmt: skip
    return customer


def person(customer_id: int) -> Person:
    """Return whose key seals what the audit log says of a customer."""
    return Person("customer", customer_id)


def _normalised(workshop_id: int, phone: str | None) -> str | None:
    return phones.normalised(phone, country_of(workshop_id)) if phone else None


@signing_in.phone_book
def _by_phone(workshop_id: int, phone: str) -> ColumnElement[bool]:
    number = _normalised(workshop_id, phone)
    return Membership.customer_id.in_(
        select(Customer.id).where(
            Customer.workshop_id == workshop_id, Customer.phone == number, Customer.erased_at.is_(None)
        )
    )


@accounts.record_of_a_person
def _record_of(account_id: int) -> Executable:
    return (
        select(Customer.name, Customer.phone, Customer.email)
        .join(
            Membership,
            and_(Membership.workshop_id == Customer.workshop_id, Membership.customer_id == Customer.id),
        )
        .where(Membership.account_id == account_id, Membership.ended_at.is_(None))
    )


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise PhoneTaken() if "phone" in violated(error) else EmailTaken() from error


def get(workshop_id: int, customer_id: int) -> Customer:
    """Return a customer.

    :raises CustomerNotFound: unknown here, or erased.
    """
    return _one(select(Customer), workshop_id, customer_id)


def hold(workshop_id: int, customer_id: int) -> Customer:
    """Return a customer, locked until the transaction ends: whoever changes what is kept of them waits here.

    What points to them, such as a ticket, goes on being made meanwhile.
    :raises CustomerNotFound: unknown here, or erased.
    """
    return _one(locked(Customer, stays=True), workshop_id, customer_id)


def hold_to_erase(workshop_id: int, customer_id: int) -> Customer:
    """Return a customer, locked until the transaction ends: also what points to them waits here.

    :raises CustomerNotFound: unknown here, or erased already.
    """
    return _one(locked(Customer), workshop_id, customer_id)


def is_kept_from_erasure(workshop_id: int, customer_id: int) -> bool:
    """Let a customer not be erased until the transaction ends, and tell whether they are not already. Several may at once."""
    statement = select(Customer.erased_at).where(
        Customer.workshop_id == workshop_id, Customer.id == customer_id
    )
    known = db.session.execute(statement.with_for_update(read=True, key_share=True)).one_or_none()
    return known is not None and known.erased_at is None


def keep_from_erasure(workshop_id: int, customer_id: int) -> None:
    """Let a customer not be erased until the transaction ends: for what is to be kept of them.

    :raises CustomerNotFound: unknown here, or erased.
    """
    if not is_kept_from_erasure(workshop_id, customer_id):
        raise CustomerNotFound()


def name_of(customer_id: Any) -> ScalarSelect[str]:
    """Return, of a value with a customer's id, the subquery that tells their name: none if unknown here, or erased."""
    return (
        select(Customer.name)
        .where(here(Customer), Customer.id == customer_id, Customer.erased_at.is_(None))
        .scalar_subquery()
    )


_KNOWN = Prepared(lambda: select(name_of(bindparam("customer_id"))))


def require(customer_id: int) -> str:
    """Return the name of a customer of the current workshop.

    :raises CustomerNotFound: unknown here, or erased.
    """
    name: str | None = _KNOWN.one(customer_id=customer_id)
    if name is None:
        raise CustomerNotFound()
    return name


def email_of(workshop_id: int, customer_id: int) -> str | None:
    """Return the address that a customer is written to, None where they gave none, or were erased."""
    return db.session.scalar(
        select(Customer.email).where(Customer.workshop_id == workshop_id, Customer.id == customer_id)
    )


def _one(statement: Select[Customer], workshop_id: int, customer_id: int) -> Customer:
    found = db.session.scalar(
        statement.where(
            Customer.workshop_id == workshop_id, Customer.id == customer_id, Customer.erased_at.is_(None)
        )
    )
    if found is None:
        raise CustomerNotFound()
    return found


def find(
    workshop_id: int, walk: Walk, *, email: str | None = None, phone: str | None = None, q: str | None = None
) -> Page:
    """Return one page of the customers that fit."""
    statement = select(Customer).where(Customer.workshop_id == workshop_id, Customer.erased_at.is_(None))
    if email is not None:
        statement = statement.where(Customer.email == email)
    if phone is not None:
        statement = statement.where(Customer.phone == _normalised(workshop_id, phone))
    if q is not None:
        statement = statement.where(has_words(q, Customer.name, Customer.email, Customer.phone))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def update(
    workshop_id: int, customer_id: int, changes: dict[str, Any], expected: Expected = None
) -> Customer:
    """Change a customer's record; what they sign in with stays.

    :raises CustomerNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises EmailTaken: the address is another's. :raises PhoneTaken: the number is.
    """
    with atomic():
        return _changed(hold(workshop_id, customer_id), changes, expected)


def _changed(customer: Customer, changes: dict[str, Any], expected: Expected) -> Customer:
    require_version(customer, expected)
    before = audit.fields_of(customer, RECORD)
    if "phone" in changes:
        changes["phone"] = _normalised(customer.workshop_id, changes["phone"])
    for field, value in changes.items():
        setattr(customer, field, value)
    _flush(db.session())
    audit.note_change(
        "customer.updated", "customer", customer.id,
        before, audit.fields_of(customer, RECORD), person=person(customer.id),
    )  # fmt: skip
    return customer


def update_own(
    caller: Principal, changes: dict[str, Any], expected: Expected = None, address: str | None = None
) -> Customer:
    """Change the caller's own record, and what they sign in with.

    Another password is theirs at once; another address once it is confirmed at both, until when they sign in with the one
    before. `address` is where the caller is, for counting wrong passwords.
    :raises Stale: not the `expected` version. :raises EmailTaken: the address is another's. :raises PhoneTaken: the number is.
    :raises PasswordRefused: it is too easy. :raises PresentPasswordNeeded: they signed in long ago, and did not give it.
    :raises WrongPassword: what they gave is not it. :raises TooManyTries: it was wrong too often.
    """
    assert caller.customer_id is not None
    present, password = changes.pop("present_password", None), changes.pop("password", None)
    if password is not None:
        recovery.require_fresh(
            caller, present, address
        )  # before anything is changed, so that what it counts stays
    with atomic():
        customer = hold(caller.workshop_id, caller.customer_id)
        was = customer.email
        _changed(customer, changes, expected)
        account = accounts.account_of(caller.workshop_id, customer_id=customer.id)
        if account is not None and password is not None:
            recovery.replace_password(account, password, but=caller.session_id)
        if account is not None and customer.email is not None and customer.email != was:
            addresses.ask_at_both(account, customer.email)
    return customer


def unlock(by: Principal, customer_id: int) -> None:
    """Let a customer sign in at once who failed too often.

    :raises CustomerNotFound: unknown here. :raises NoSignIn: they have no account. :raises OwnAccount: it is the caller's.
    :raises AccountShared: it serves other workshops too.
    """
    get(by.workshop_id, customer_id)
    helping.unlock(by, accounts.account_of(by.workshop_id, customer_id=customer_id))


def take_second_factor_away(by: Principal, customer_id: int) -> None:
    """Switch off the second factor of a customer who has lost it.

    :raises CustomerNotFound: unknown here. :raises SecondFactorNotFound: they have none. :raises OwnAccount: it is the
    caller's. :raises AccountShared: their account serves other workshops too.
    """
    get(by.workshop_id, customer_id)
    helping.take_second_factor_away(by, accounts.account_of(by.workshop_id, customer_id=customer_id))
