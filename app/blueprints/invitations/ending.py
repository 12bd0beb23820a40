"""What ends an invitation before its time: somebody who leaves, a role or a workshop that goes; and when it is forgotten."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, update

from app.blueprints.accounts import leaving
from app.blueprints.invitations.models import Invitation
from app.blueprints.roles import service as roles
from app.blueprints.workshops import service as workshops
from app.core import audit, clock
from app.core.db import atomic
from app.core.jobs import periodic
from app.core.tenancy import across_workshops

KEPT = timedelta(days=90)  # after it was good


def withdraw_where(workshop_id: int, *conditions: ColumnElement[bool]) -> None:
    """Withdraw the invitations of a workshop that fit and have not ended."""
    now = clock.now()
    with atomic() as session:
        withdrawn = session.scalars(
            update(Invitation)
            .where(Invitation.workshop_id == workshop_id, Invitation.token_digest.is_not(None), *conditions)
            .values(withdrawn_at=now, token_digest=None, updated_at=now, version=Invitation.version + 1)
            .returning(Invitation.id)
            .execution_options(synchronize_session=False)
        ).all()
        for invitation_id in withdrawn:
            audit.note("invitation.withdrawn", "invitation", invitation_id)


@workshops.consulted_before("closing")
def withdraw_all(workshop_id: int) -> None:
    """Withdraw what a workshop that closes has open."""
    withdraw_where(workshop_id)


@leaving.told_of_leaving
def end_for(workshop_id: int, *, customer_id: int | None = None, mechanic_id: int | None = None) -> None:
    """Withdraw the invitation to the record of a mechanic who leaves; a customer's are emptied with their erasure."""
    if mechanic_id is not None:
        withdraw_where(workshop_id, Invitation.mechanic_id == mechanic_id)


def empty_for(workshop_id: int, customer_id: int) -> int:
    """Withdraw the invitations of a customer who is erased, and take the person out of all of them; return how many."""
    with atomic() as session:
        withdraw_where(workshop_id, Invitation.customer_id == customer_id)
        emptied = session.scalars(
            update(Invitation)
            .where(Invitation.workshop_id == workshop_id, Invitation.customer_id == customer_id)
            .values(email=None, name=None, updated_at=clock.now(), version=Invitation.version + 1)
            .returning(Invitation.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(emptied)


@roles.told_of_removal
def let_go_of(workshop_id: int, role_id: int) -> None:
    """Withdraw the invitations to a role that is removed; those that have ended lose it."""
    to_it = (Invitation.workshop_id == workshop_id, Invitation.role_id == role_id)
    withdraw_where(workshop_id, Invitation.role_id == role_id)
    with atomic() as session:
        session.execute(
            update(Invitation)
            .where(*to_it)
            .values(role_id=None, updated_at=clock.now(), version=Invitation.version + 1)
            .execution_options(synchronize_session=False)
        )


@periodic("forget-invitations", every=timedelta(hours=1))
def forget_old() -> None:
    """Delete the invitations that were good for the last time 90 days ago, however they ended."""
    with across_workshops(), atomic() as session:
        # By the table, past the cache's listener: it would take a deletion across workshops for a reason to forget everything.
        table = Invitation.__table__
        session.connection().execute(
            table.delete().where(table.c.expires_at < clock.now() - KEPT)  # type: ignore[attr-defined]
        )
