"""Who somebody is who acts by a membership or as an admin, and whether that still stands."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, select

from app.blueprints.accounts.models import Account, AccountSession, Membership, OwnRole
from app.blueprints.workshops.errors import WorkshopSuspended
from app.blueprints.workshops.models import Workshop
from app.core import identity
from app.core.identity import Principal, Standing
from app.core.tenancy import INSTALLATION, across_workshops
from app.extensions import db


def principal_of(membership: Membership) -> Principal:
    """Return who somebody is who acts by `membership`."""
    return Principal(
        account_id=membership.account_id,
        workshop_id=membership.workshop_id,
        membership_id=membership.id,
        role=membership.role,
        person_id=membership.customer_id if membership.role == "customer" else membership.mechanic_id,
        narrowed=own_scopes(membership),
        second_factor_due=membership.second_factor_due,
    )


def as_admin(account_id: int) -> Principal:
    """Return who an account is that acts as an admin of the installation: in no workshop, and by no membership."""
    return Principal(account_id, INSTALLATION, membership_id=0, role="admin", person_id=None)


def own_scopes(membership: Membership) -> frozenset[str] | None:
    """Return what the role of the workshop's own making holds that a member has; None for who has a built-in one."""
    if membership.role_id is None:
        return None
    statement = select(OwnRole.scopes).where(
        OwnRole.workshop_id == membership.workshop_id, OwnRole.id == membership.role_id
    )
    with across_workshops():
        return db.session.scalars(statement).one()


def in_force() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a membership, with its account and workshop, lets somebody act."""
    return (
        Membership.ended_at.is_(None),
        Account.closed_at.is_(None),
        Account.suspended_at.is_(None),
        Workshop.closed_at.is_(None),
    )


is_the_role = and_(OwnRole.workshop_id == Membership.workshop_id, OwnRole.id == Membership.role_id)


@identity.checks_sessions
def of(principal: Principal) -> Standing | None:
    """Tell whether the session goes on and what a token names still stands, be it a membership or an admin.

    :raises WorkshopSuspended: it would, but for the workshop.
    """
    return _standing_of_admin(principal) if principal.role == "admin" else _standing_of_member(principal)


def _standing_of_admin(principal: Principal) -> Standing | None:
    statement = (
        select(AccountSession.id)
        .join(Account, Account.id == AccountSession.account_id)
        .where(
            Account.id == principal.account_id,
            Account.is_admin,
            Account.closed_at.is_(None),
            Account.suspended_at.is_(None),
            AccountSession.id == principal.session_id,
            AccountSession.as_admin,
            AccountSession.ended_at.is_(None),
        )
    )
    return Standing() if db.session.scalar(statement) is not None else None


@cache
def _of_member() -> Select[int | None, frozenset[str] | None, bool, datetime | None]:
    """Return the statement that most sessions are looked up by, built once."""
    return (
        select(Membership.role_id, OwnRole.scopes, Membership.second_factor_due, Workshop.suspended_at)
        .outerjoin(OwnRole, is_the_role)
        .join(Account, Account.id == Membership.account_id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .join(AccountSession, AccountSession.account_id == Account.id)
        .where(
            Membership.id == bindparam("membership_id"),
            Membership.account_id == bindparam("account_id"),
            Membership.workshop_id == bindparam("workshop_id"),
            Membership.role == bindparam("role"),
            *in_force(),
            AccountSession.id == bindparam("session_id"),
            AccountSession.membership_id == Membership.id,
            AccountSession.ended_at.is_(None),
        )
    )


def _standing_of_member(principal: Principal) -> Standing | None:
    """Who has a role of the workshop's own has what it holds now; who is to set a second factor up has nothing till then."""
    named = {
        name: getattr(principal, name)
        for name in ("membership_id", "account_id", "workshop_id", "role", "session_id")
    }
    with across_workshops():
        found = db.session.execute(_of_member(), named).one_or_none()
    if found is None:
        return None
    if found.suspended_at is not None:
        raise WorkshopSuspended()
    ceiling = None if found.role_id is None else found.scopes
    return Standing(ceiling, second_factor_due=found.second_factor_due)
