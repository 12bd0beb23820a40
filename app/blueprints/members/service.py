"""The rules of members: who may sign in to a workshop as one of its people, and who may make them what."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select
from sqlalchemy.exc import IntegrityError

from app.blueprints.accounts import helping, leaving, sessions, signing_in
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.models import Account, Membership, OwnRole
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.members.errors import AlreadyInRole, MechanicRecordMissing, MemberNotFound
from app.blueprints.roles import service as roles
from app.blueprints.workshops.terms import country_of
from app.core import audit, paging, phones
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.scopes import Role
from app.extensions import db

ORDER = Order(Membership.id, "created_at", created_at=Membership.created_at)
_STANDING = (Membership.ended_at.is_(None), Membership.role != "customer")
RECORD = ("role", "role_id")
NUMBER = func.coalesce(Membership.phone, Mechanic.phone)
WITH_THEIR_RECORD = and_(
    Mechanic.workshop_id == Membership.workshop_id, Mechanic.id == Membership.mechanic_id
)


def find(workshop_id: int, walk: Walk) -> Page:
    """Return one page of those who may sign in to a workshop as its people: its customers are not among them."""
    return paging.fetch(
        _shown(workshop_id),
        ORDER,
        walk,
        lambda s, v: db.session.execute(s, v).all(),
        lambda s, v: db.session.execute(s, v).scalar_one(),
    )


def get(workshop_id: int, member_id: int) -> Row[Any]:
    """Return a member as they are shown.

    :raises MemberNotFound: unknown here, gone, or a customer.
    """
    found = db.session.execute(_shown(workshop_id).where(Membership.id == member_id)).one_or_none()
    if found is None:
        raise MemberNotFound()
    return found


def _shown(workshop_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Membership.id,
            Membership.account_id,
            Account.email,
            NUMBER.label("phone"),
            Mechanic.name,
            Membership.role,
            Membership.role_id,
            OwnRole.name.label("role_name"),
            Membership.mechanic_id,
            Membership.created_at,
        )
        .join(Account, Account.id == Membership.account_id)
        .outerjoin(Mechanic, WITH_THEIR_RECORD)
        .outerjoin(
            OwnRole, and_(OwnRole.workshop_id == Membership.workshop_id, OwnRole.id == Membership.role_id)
        )
        .where(Membership.workshop_id == workshop_id, *_STANDING)
    )


def _held(workshop_id: int, member_id: int) -> Membership:
    member = db.session.scalar(
        locked(Membership).where(
            Membership.workshop_id == workshop_id, Membership.id == member_id, *_STANDING
        )
    )
    if member is None:
        raise MemberNotFound()
    return member


def give_role(caller: Principal, member_id: int, role: Role, role_id: int | None = None) -> None:
    """Make a member of the caller's workshop something else; their tokens end, or hold what the new role does, at once.

    :raises MemberNotFound: unknown here, gone, or a customer. :raises RoleNotFound: none of the workshop's own.
    :raises BeyondOwnScopes: what they are or shall be holds more than the caller.
    :raises LastOwner: nobody would own the workshop. :raises AlreadyInRole: they are that beside.
    :raises MechanicRecordMissing: a mechanic has a record.
    """
    workshop_id = caller.workshop_id
    with atomic() as session:
        if role != "owner":
            leaving.keep_an_owner(workshop_id, lambda owner: owner.id == member_id)
        member = _held(workshop_id, member_id)
        roles.require_holding(caller, roles.held_by(member))
        roles.require_may_give(caller, workshop_id, role, role_id)
        if role == "mechanic" and member.mechanic_id is None:
            raise MechanicRecordMissing()
        before = audit.fields_of(member, RECORD)
        member.role, member.role_id = role, role_id
        try:
            session.flush()
        except IntegrityError as error:
            raise AlreadyInRole() from error
        sessions.ask_anew(Membership.workshop_id == workshop_id, Membership.id == member_id)
        audit.note_change(
            "member.role_changed", "membership", member_id, before, audit.fields_of(member, RECORD)
        )


@signing_in.phone_book
def _by_phone(workshop_id: int, phone: str) -> ColumnElement[bool]:
    return Membership.phone == phones.normalised(phone, country_of(workshop_id))


def give_number(caller: Principal, member_id: int, phone: str | None) -> None:
    """Write down the number by which a member of the caller's workshop signs in too; None: by their record's, if it has one.

    :raises MemberNotFound: unknown here, gone, or a customer. :raises BeyondOwnScopes: they hold more than the caller.
    """
    workshop_id = caller.workshop_id
    with atomic():
        member = _held(workshop_id, member_id)
        roles.require_holding(caller, roles.held_by(member))
        before = {"phone": member.phone}
        member.phone = None if phone is None else phones.normalised(phone, country_of(workshop_id))
        audit.note_change(
            "member.phone_changed", "membership", member_id,
            before, {"phone": member.phone}, person=accounts.person(member.account_id),
        )  # fmt: skip


def remove(caller: Principal, member_id: int) -> None:
    """End what a member is in the caller's workshop, and their sessions there; the record of a mechanic stays.

    :raises MemberNotFound: unknown here, gone, or a customer. :raises LastOwner: nobody would own the workshop.
    :raises BeyondOwnScopes: they hold more than the caller.
    """
    workshop_id = caller.workshop_id
    with atomic() as session:
        leaving.keep_an_owner(workshop_id, lambda owner: owner.id == member_id)
        member = _held(workshop_id, member_id)
        roles.require_holding(caller, roles.held_by(member))
        account = session.get_one(Account, member.account_id)
        leaving.end_membership(workshop_id, account, Membership.id == member_id)


def unlock(by: Principal, member_id: int) -> None:
    """Let a member of the caller's workshop sign in at once who failed too often.

    :raises MemberNotFound: unknown here, gone, or a customer. :raises BeyondOwnScopes: they hold more than the caller.
    :raises OwnAccount: it is the caller. :raises AccountShared: their account serves other workshops too.
    """
    helping.unlock(by, _helped(by, member_id))


def take_second_factor_away(by: Principal, member_id: int) -> None:
    """Switch off the second factor of a member of the caller's workshop who has lost it.

    :raises MemberNotFound: unknown here, gone, or a customer. :raises BeyondOwnScopes: they hold more than the caller.
    :raises SecondFactorNotFound: they have none. :raises OwnAccount: it is the caller.
    :raises AccountShared: their account serves other workshops too.
    """
    helping.take_second_factor_away(by, _helped(by, member_id))


def _helped(by: Principal, member_id: int) -> Account:
    """Return the account of a member whom the caller may help."""
    found = db.session.execute(
        select(Membership, Account)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.workshop_id == by.workshop_id, Membership.id == member_id, *_STANDING)
    ).one_or_none()
    if found is None:
        raise MemberNotFound()
    member, account = found
    roles.require_holding(by, roles.held_by(member))
    return account
