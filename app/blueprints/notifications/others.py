"""Whose an address is: mail that names no customer is a person's by the addresses that are nobody else's."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.blueprints.accounts.models import Account, Membership, OneTimeCode
from app.blueprints.customers.models import Customer
from app.blueprints.inventory.models import Supplier
from app.blueprints.invitations.models import Invitation
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.workshops.models import Workshop
from app.core.privacy import Subject
from app.extensions import db


def addresses_of_nobody_else(person: Subject) -> frozenset[str]:
    """Return those of a person's addresses, present and former, that nobody else in the workshop has, or is written to at.

    A customer's record takes whatever address it is given, and who is erased may be on the staff by the same account.
    """
    taken = db.session.scalars(union_all(*_others(person))).all() if person.addresses else ()
    return person.addresses - {address for address in taken if address}


def _others(person: Subject) -> list[Select[str | None]]:
    workshop_id, addresses = person.workshop_id, person.addresses
    member = (
        Membership.workshop_id == workshop_id,
        Membership.ended_at.is_(None),
        _is_not(Membership.customer_id, person),
    )
    return [
        select(Customer.email).where(
            Customer.workshop_id == workshop_id,
            Customer.email.in_(addresses),
            Customer.id != person.customer_id,
        ),
        select(Account.email)
        .join(Membership, Membership.account_id == Account.id)
        .where(Account.email.in_(addresses), *member),
        select(OneTimeCode.new_email)
        .join(Membership, Membership.account_id == OneTimeCode.account_id)
        .where(OneTimeCode.new_email.in_(addresses), *member),
        select(Mechanic.email).where(
            Mechanic.workshop_id == workshop_id, Mechanic.email.in_(addresses), Mechanic.left_at.is_(None)
        ),
        select(Invitation.email).where(
            Invitation.workshop_id == workshop_id,
            Invitation.email.in_(addresses),
            _is_not(Invitation.customer_id, person),
        ),
        select(Supplier.email).where(Supplier.workshop_id == workshop_id, Supplier.email.in_(addresses)),
        select(func.lower(Workshop.email)).where(
            Workshop.id == workshop_id, func.lower(Workshop.email).in_(addresses)
        ),
    ]


def _is_not(customer_id: InstrumentedAttribute[int | None], person: Subject) -> ColumnElement[bool]:
    return or_(customer_id.is_(None), customer_id != person.customer_id)
