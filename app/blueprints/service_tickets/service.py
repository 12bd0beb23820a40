"""The rules of service tickets: opening, changing, deleting."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.blueprints.customers import service as customers
from app.blueprints.service_tickets import fitting, shaping, staffing, writing
from app.blueprints.service_tickets import reserving as reserving  # keeps what is set aside
from app.blueprints.service_tickets.errors import (
    CannotFollow,
    EstimateUndecided,
    MechanicsAssigned,
    TicketClosed,
    TicketInUse,
    TicketNotFound,
    TicketsOpen,
)
from app.blueprints.service_tickets.events import TicketCarChanged, TicketDeleted, TicketStatusChanged
from app.blueprints.service_tickets.holding import (
    Ticket,
    completed,
    hold,
    require_open,
    require_own,
    whole,
)
from app.blueprints.service_tickets.models import (
    EARLIEST_DAY,
    LATEST_DAY,
    ServiceTicket,
    StatusChange,
    TicketLine,
)
from app.blueprints.service_tickets.status import BY_WORD, FINISHED, OVER
from app.blueprints.service_tickets.vocabulary import Link
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.vin import normalised
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import CurrencyInUse
from app.core import audit, clock
from app.core.db import atomic, is_still_named
from app.core.errors import Invalid
from app.core.events import announce
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.extensions import db

# What the audit log keeps of a ticket: of people and cars the ids alone, so that it stays when a person is erased.
RECORD = ("number", "customer_id", "vehicle_id", "service_date", "service_desc", "status")


def open_ticket(
    caller: Principal,
    *,
    VIN: str,
    service_date: date,
    service_desc: str,
    customer_id: int,
    follows_ticket_id: int | None = None,
    follows_as: Link | None = None,
) -> Ticket:
    """Open a ticket: for any customer by staff, for themselves by a customer. The VIN finds or makes the vehicle.

    A finished job is never reopened: what comes of it is a ticket that follows its own, `follows_as` what.
    :raises InvalidVin: it is not one. :raises NotYourTicket: a customer names another.
    :raises CustomerNotFound: unknown here. :raises TicketNotFound: the one to follow is.
    :raises CannotFollow: that one is not finished, or was on another car. :raises Invalid: a day out of reason.
    """
    vin = normalised(VIN)
    _require_day(service_date)
    require_own(caller, customer_id)
    # Before the transaction, so that nobody waits for the counter's row until this ticket is committed: a ticket that
    # fails after this leaves a gap, which a ticket's number may have.
    number, customer_name = writing.next_number(customer_id)
    now = clock.now()
    with atomic():
        vehicle_id = vehicles.find_or_make(customer_id, vin)
        if follows_ticket_id is not None:
            _require_followable(caller, follows_ticket_id, vehicle_id)
        ticket_id, of_vehicle = writing.insert_ticket(
            number,
            customer_id,
            vehicle_id,
            service_date,
            service_desc,
            caller.account_id,
            now,
            follows_ticket_id,
            follows_as,
        )
        opened = (number, customer_id, vehicle_id, service_date, service_desc, "booked")
        audit.note("ticket.opened", "ticket", ticket_id, after=dict(zip(RECORD, opened, strict=True)))
        announce(TicketStatusChanged(caller.workshop_id, ticket_id, caller.account_id, None, "booked"))
    ticket = shaping.as_opened(
        ticket_id,
        number,
        vehicle_id,
        vin,
        service_date,
        service_desc,
        customer_id,
        customer_name,
        caller.account_id,
        now,
        follows_ticket_id,
        follows_as,
        of_vehicle,
    )
    return completed(caller, ticket)


def _require_day(day: date) -> None:
    if not EARLIEST_DAY <= day <= LATEST_DAY:
        raise Invalid("See `errors`.", errors={"service_date": [f"From {EARLIEST_DAY} to {LATEST_DAY}."]})


def _require_followable(caller: Principal, ticket_id: int, vehicle_id: int) -> None:
    followed = db.session.scalar(
        select(ServiceTicket).where(
            ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
        )
    )
    if followed is None:
        raise TicketNotFound(f"Ticket {ticket_id} is unknown here.")
    require_own(caller, followed.customer_id)
    if followed.status == "cancelled":
        raise CannotFollow(f"Ticket {followed.number} was cancelled: there is no job to follow.")
    if followed.status not in FINISHED:
        raise CannotFollow(f"Ticket {followed.number} is {followed.status}: it goes on itself.")
    if followed.vehicle_id != vehicle_id:
        raise CannotFollow(f"Ticket {followed.number} was on another car.")


def show(caller: Principal, ticket_id: int) -> Ticket:
    """Return a ticket: any to staff, their own to a customer.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    ticket = whole(caller, ticket_id)
    require_own(caller, ticket["customer_id"], "tickets:read")
    return ticket


def require_seen(caller: Principal, ticket_id: int) -> None:
    """Refuse to show what hangs on a ticket to who may not see the ticket.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    customer_id = db.session.scalar(
        select(ServiceTicket.customer_id).where(
            ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
        )
    )
    if customer_id is None:
        raise TicketNotFound()
    require_own(caller, customer_id, "tickets:read")


def update(caller: Principal, ticket_id: int, changes: dict[str, Any], expected: Expected = None) -> Ticket:
    """Change what a ticket says; a customer only their own, while it is booked.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's, or given to another.
    :raises TicketClosed: finished, cancelled, or for a customer already received.
    :raises Stale: not the `expected` version. :raises CustomerNotFound: the new customer is unknown here.
    :raises EstimateUndecided: it is to be another customer's, and the present one has been asked.
    :raises Invalid: a day out of reason.
    :raises CannotFollow: it follows a ticket of another car. :raises TicketInUse: what hangs on it is the former car's as well,
    or it is to be another customer's, and the present one said yes or no.
    """
    vin = normalised(changes.pop("VIN")) if "VIN" in changes else None
    if "service_date" in changes:
        _require_day(changes["service_date"])
    with atomic() as session:
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        if not caller.may("tickets:write") and ticket.status != "booked":
            raise TicketClosed("The workshop has received the car: ask there.")
        if "customer_id" in changes:
            require_own(caller, changes["customer_id"])
            if changes["customer_id"] != ticket.customer_id:
                customers.require(changes["customer_id"])
                _require_nobody_asked(ticket)
                _require_no_word(ticket)
        before = audit.fields_of(ticket, RECORD)
        for field, value in changes.items():
            setattr(ticket, field, value)
        if vin is not None:
            _move_to(caller, ticket, vehicles.find_or_make(ticket.customer_id, vin))
        session.flush()
        audit.note_change("ticket.updated", "ticket", ticket_id, before, audit.fields_of(ticket, RECORD))
        return whole(caller, ticket_id)


def _require_nobody_asked(ticket: ServiceTicket) -> None:
    if ticket.estimate_open_until is not None and clock.now() < ticket.estimate_open_until:
        raise EstimateUndecided("Withdraw it first: it was sent to the present customer.")


def _move_to(caller: Principal, ticket: ServiceTicket, vehicle_id: int) -> None:
    """Let a ticket be another car's, as it turned out; what was found at it goes along."""
    if vehicle_id == ticket.vehicle_id:
        return
    if ticket.follows_ticket_id is not None:
        _require_followable(caller, ticket.follows_ticket_id, vehicle_id)
    ticket.vehicle_id = vehicle_id
    announce(TicketCarChanged(ticket))


def remove(caller: Principal, ticket_id: int, expected: Expected = None) -> int:
    """Delete a ticket on which nobody works any more, and return its number; its parts go back into stock.

    :raises TicketNotFound: unknown here. :raises MechanicsAssigned: somebody still works on it.
    :raises TicketClosed: it is finished. :raises Stale: not the `expected` version.
    :raises TicketInUse: the customer said yes or no to it, an estimate was made of it, say, or another follows it.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, expected)
        if ticket.status in FINISHED:
            raise TicketClosed(f"The ticket is {ticket.status}: it is kept.")
        if assigned := staffing.on(ticket):
            raise MechanicsAssigned(f"Still assigned: {', '.join(map(str, sorted(assigned)))}.")
        _require_no_word(ticket)
        announce(TicketDeleted(ticket, caller.account_id))
        if ticket.status != "cancelled":
            fitting.release_all(ticket)
        session.delete(ticket)
        try:
            session.flush()
        except DBAPIError as error:
            if not is_still_named(error):
                raise
            raise TicketInUse("Cancel it instead.") from error
        audit.note("ticket.deleted", "ticket", ticket_id, before=audit.fields_of(ticket, RECORD))
        return ticket.number


def _require_no_word(ticket: ServiceTicket) -> None:
    """Refuse to delete a ticket whose history says what the customer agreed to or declined, or to make it another customer's.

    :raises TicketInUse: it does.
    """
    said = select(StatusChange.id).where(
        StatusChange.workshop_id == ticket.workshop_id,
        StatusChange.service_ticket_id == ticket.id,
        StatusChange.to_status.in_(sorted(BY_WORD)),
    )
    if db.session.scalar(said.limit(1)) is not None:
        raise TicketInUse("The customer's word is kept with it: at most it is cancelled.")


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
        notes += fitting.edit(ticket, add_item_ids, remove_item_ids, caller.account_id)
        return whole(caller, ticket_id), notes


@workshops.consulted_before("closing")
def require_none_open(workshop_id: int) -> None:
    """Refuse to close a workshop with work under way.

    :raises TicketsOpen: a ticket is neither finished nor cancelled.
    """
    statement = select(ServiceTicket.number).where(
        ServiceTicket.workshop_id == workshop_id, ServiceTicket.status.not_in(OVER)
    )
    number = db.session.scalar(statement.order_by(ServiceTicket.number).limit(1))
    if number is not None:
        raise TicketsOpen(f"Ticket {number} is neither finished nor cancelled.")


@workshops.consulted_before("changing the currency")
def require_no_amounts(workshop_id: int) -> None:
    """Refuse to call what is on tickets amounts of another currency.

    :raises CurrencyInUse: there are lines.
    """
    line = select(TicketLine.id).where(TicketLine.workshop_id == workshop_id).limit(1)
    if db.session.scalar(line) is not None:
        raise CurrencyInUse()
