"""The rules of leaving: what an account is in a workshop ends, and an account that is nothing anywhere is closed."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, update

from app.blueprints.accounts import codes, second_factor, service, sessions, tries
from app.blueprints.accounts.errors import LastOwner
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.workshops import service as workshops
from app.core import audit, clock
from app.core.db import atomic, locked
from app.core.tenancy import INSTALLATION, acting_in
from app.extensions import db

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
    account = service.account_of(workshop_id, customer_id=customer_id, mechanic_id=mechanic_id)
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
            .values(ended_at=now, phone=None)
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
    if not service.is_member(account) and not account.is_admin:
        account.email, account.password_hash, account.closed_at = None, None, clock.now()
        account.name, account.suspended_at, account.suspension_reason = None, None, None
        codes.forget(account.id)
        tries.forget(tries.of_account(account.id), tries.second_factor_of(account.id))
        if has_second_factor:
            second_factor.forget(account.id)
        sessions.forget_places(account.id)
        with acting_in(INSTALLATION):
            audit.forget(service.person(account.id))


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
    """Let nobody be anything in a workshop any more. The accounts stay: they are their people's, who may join another.

    Who is nothing anywhere by that is told so at the doors, and is written to in the installation's name.
    """
    with atomic() as session:
        sessions.end_in_workshop(workshop_id)
        session.execute(
            update(Membership)
            .where(Membership.workshop_id == workshop_id, Membership.ended_at.is_(None))
            .values(ended_at=clock.now(), phone=None)
            .execution_options(synchronize_session=False)
        )
