"""The rules of who works on a ticket."""

from __future__ import annotations

from sqlalchemy import delete, select

from app.blueprints.mechanics import service as mechanics
from app.blueprints.service_tickets.errors import MechanicNotAssigned, TicketClosed
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.service_tickets.models import ServiceTicket, TicketMechanic
from app.blueprints.service_tickets.status import FINISHED
from app.core import audit
from app.core.db import atomic, touch
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.extensions import db


def on(ticket: ServiceTicket) -> set[int]:
    """Return the ids of the mechanics on a ticket."""
    statement = select(TicketMechanic.mechanic_id).where(
        TicketMechanic.workshop_id == ticket.workshop_id, TicketMechanic.service_ticket_id == ticket.id
    )
    return set(db.session.scalars(statement))


def assign_mechanic(caller: Principal, ticket_id: int, mechanic_id: int, expected: Expected = None) -> Ticket:
    """Put a mechanic on a ticket; one who is on it already stays.

    :raises TicketNotFound: unknown here. :raises MechanicNotFound: unknown here, or gone.
    :raises TicketClosed: finished or cancelled.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        mechanics.get(caller.workshop_id, mechanic_id)
        _assign(ticket, [mechanic_id])
        return whole(caller, ticket_id)


def _assign(ticket: ServiceTicket, mechanic_ids: list[int]) -> None:
    new = [mechanic_id for mechanic_id in mechanic_ids if mechanic_id not in on(ticket)]
    for mechanic_id in new:
        db.session.add(
            TicketMechanic(
                workshop_id=ticket.workshop_id, service_ticket_id=ticket.id, mechanic_id=mechanic_id
            )
        )
    if new:
        touch(ticket)
        db.session.flush()
        audit.note("ticket.mechanics_changed", "ticket", ticket.id, after={"mechanic_ids": new})


def unassign_mechanic(
    caller: Principal, ticket_id: int, mechanic_id: int, expected: Expected = None
) -> Ticket:
    """Take a mechanic off a ticket.

    :raises TicketNotFound: unknown here. :raises MechanicNotAssigned: not on it. :raises TicketClosed: it is finished.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        if ticket.status in FINISHED:
            raise TicketClosed(f"The ticket is {ticket.status}.")
        if mechanic_id not in on(ticket):
            raise MechanicNotAssigned()
        _unassign(ticket, [mechanic_id])
        return whole(caller, ticket_id)


def _unassign(ticket: ServiceTicket, mechanic_ids: list[int]) -> None:
    db.session.execute(
        delete(TicketMechanic)
        .where(
            TicketMechanic.workshop_id == ticket.workshop_id,
            TicketMechanic.service_ticket_id == ticket.id,
            TicketMechanic.mechanic_id.in_(mechanic_ids),
        )
        .execution_options(synchronize_session=False)
    )
    touch(ticket)
    db.session.flush()
    audit.note("ticket.mechanics_changed", "ticket", ticket.id, before={"mechanic_ids": mechanic_ids})


def edit(ticket: ServiceTicket, adding: list[int], removing: list[int]) -> list[str]:
    """Put mechanics on a ticket and take others off; return notes on those unknown or already so."""
    assigned = on(ticket)
    active = mechanics.active_among(ticket.workshop_id, adding) if adding else {}
    notes = [
        f"Mechanic {i} is unknown." for i in dict.fromkeys(adding) if i not in active and i not in assigned
    ]
    notes += [f"Mechanic {i} was already assigned." for i in dict.fromkeys(adding) if i in assigned]
    notes += [f"Mechanic {i} was not assigned." for i in dict.fromkeys(removing) if i not in assigned]
    leaving = [i for i in dict.fromkeys(removing) if i in assigned]
    if leaving:
        _unassign(ticket, leaving)
    _assign(ticket, [i for i in dict.fromkeys(adding) if i in active])
    return notes
