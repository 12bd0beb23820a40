"""The rules of service tickets: opening, changing, and the steps of their life."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from app.blueprints.customers import service as customers
from app.blueprints.service_tickets import fitting, reading, staffing, writing
from app.blueprints.service_tickets.errors import (
    MechanicsAssigned,
    TicketClosed,
    TicketsOpen,
    TransitionNotAllowed,
)
from app.blueprints.service_tickets.holding import (
    Ticket,
    completed,
    hold,
    require_open,
    require_own,
    whole,
)
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.service_tickets.status import FINISHED, allowed_transitions
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.vin import normalised
from app.blueprints.workshops import service as workshops
from app.core import audit, clock
from app.core.db import atomic
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.extensions import db

# What the audit log keeps of a ticket: of people and cars the ids alone, so that it stays when a person is erased.
RECORD = ("number", "customer_id", "vehicle_id", "service_date", "service_desc", "status")


def open_ticket(
    caller: Principal, *, VIN: str, service_date: date, service_desc: str, customer_id: int
) -> Ticket:
    """Open a ticket: for any customer by staff, for themselves by a customer. The VIN finds or makes the vehicle.

    :raises InvalidVin: it is not one. :raises NotYourTicket: a customer names another.
    :raises CustomerNotFound: unknown here.
    """
    vin = normalised(VIN)
    require_own(caller, customer_id)
    customer_name = customers.require(customer_id)
    # Before the transaction, so that nobody waits for the counter's row until this ticket is committed: a ticket that
    # fails after this leaves a gap, which a ticket's number may have.
    number = workshops.next_number("service_tickets")
    now = clock.now()
    with atomic():
        vehicle_id = vehicles.find_or_make(customer_id, vin)
        ticket_id = writing.insert_ticket(number, customer_id, vehicle_id, service_date, service_desc, now)
        writing.insert_status_change(ticket_id, None, "booked", caller.account_id, None, now)
        opened = (number, customer_id, vehicle_id, service_date, service_desc, "booked")
        audit.note("ticket.opened", "ticket", ticket_id, after=dict(zip(RECORD, opened, strict=True)))
    ticket = reading.as_opened(
        ticket_id, number, vin, service_date, service_desc, customer_id, customer_name, caller.account_id, now
    )
    return completed(caller, ticket)


def show(caller: Principal, ticket_id: int) -> Ticket:
    """Return a ticket: any to staff, their own to a customer.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    ticket = whole(caller, ticket_id)
    require_own(caller, ticket["customer_id"], "tickets:read")
    return ticket


def update(caller: Principal, ticket_id: int, changes: dict[str, Any], expected: Expected = None) -> Ticket:
    """Change what a ticket says; a customer only their own, while it is booked.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's, or given to another.
    :raises TicketClosed: finished, cancelled, or for a customer already received.
    :raises Stale: not the `expected` version. :raises CustomerNotFound: the new customer is unknown here.
    """
    vin = normalised(changes.pop("VIN")) if "VIN" in changes else None
    with atomic() as session:
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        if not caller.may("tickets:write") and ticket.status != "booked":
            raise TicketClosed("The workshop has received the car: ask there.")
        if "customer_id" in changes:
            require_own(caller, changes["customer_id"])
            if changes["customer_id"] != ticket.customer_id:
                customers.require(changes["customer_id"])
        before = audit.fields_of(ticket, RECORD)
        for field, value in changes.items():
            setattr(ticket, field, value)
        if vin is not None:
            ticket.vehicle_id = vehicles.find_or_make(ticket.customer_id, vin)
        session.flush()
        audit.note_change("ticket.updated", "ticket", ticket_id, before, audit.fields_of(ticket, RECORD))
        return whole(caller, ticket_id)


def remove(caller: Principal, ticket_id: int, expected: Expected = None) -> int:
    """Delete a ticket on which nobody works any more, and return its number; its parts go back into stock.

    :raises TicketNotFound: unknown here. :raises MechanicsAssigned: somebody still works on it.
    :raises TicketClosed: it is finished. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, expected)
        if ticket.status in FINISHED:
            raise TicketClosed(f"The ticket is {ticket.status}: it is kept.")
        if assigned := staffing.on(ticket):
            raise MechanicsAssigned(f"Still assigned: {', '.join(map(str, sorted(assigned)))}.")
        if ticket.status != "cancelled":
            fitting.release(ticket)
        session.delete(ticket)
        audit.note("ticket.deleted", "ticket", ticket_id, before=audit.fields_of(ticket, RECORD))
        return ticket.number


def edit(
    caller: Principal,
    ticket_id: int,
    *,
    add_mechanic_ids: list[int],
    remove_mechanic_ids: list[int],
    add_item_ids: list[int],
    remove_item_ids: list[int],
    expected: Expected = None,
) -> tuple[Ticket, list[str]]:
    """Change mechanics and parts of a ticket in one go; return it, and notes on what was unknown or already so.

    An added item counts once for each time it is named; a removed one goes wholly.
    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled.
    :raises NotEnoughOnHand: nothing at all is changed then.
    """
    notes: list[str] = []
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        notes += staffing.edit(ticket, add_mechanic_ids, remove_mechanic_ids)
        notes += fitting.edit(ticket, add_item_ids, remove_item_ids)
        return whole(caller, ticket_id), notes


def change_status(
    caller: Principal, ticket_id: int, status: str, reason: str | None = None, expected: Expected = None
) -> Ticket:
    """Take a ticket one step on; cancelling puts its parts back into stock.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises TransitionNotAllowed: that step is not open to this caller now.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, expected)
        allowed = allowed_transitions(ticket.status, caller.role)
        if status not in allowed:
            raise TransitionNotAllowed(
                f"The ticket is {ticket.status}; from there you may go to: {', '.join(allowed) or 'nothing'}."
            )
        before, ticket.status = ticket.status, status
        writing.insert_status_change(ticket.id, before, status, caller.account_id, reason, clock.now())
        audit.note(
            "ticket.status_changed", "ticket", ticket_id,
            before={"status": before}, after={"status": status, "reason": reason},
        )  # fmt: skip
        if status == "cancelled":
            fitting.release(ticket)
        session.flush()
        return whole(caller, ticket_id)


@workshops.consulted_before("closing")
def require_none_open(workshop_id: int) -> None:
    """Refuse to close a workshop with work under way.

    :raises TicketsOpen: a ticket is neither finished nor cancelled.
    """
    statement = select(ServiceTicket.number).where(
        ServiceTicket.workshop_id == workshop_id, ServiceTicket.status.not_in([*FINISHED, "cancelled"])
    )
    number = db.session.scalar(statement.order_by(ServiceTicket.number).limit(1))
    if number is not None:
        raise TicketsOpen(f"Ticket {number} is neither finished nor cancelled.")
