"""The rules of service tickets: opening, changing, staffing, fitting parts, and the steps of their life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.customers import service as customers
from app.blueprints.inventory import service as inventory
from app.blueprints.mechanics import service as mechanics
from app.blueprints.service_tickets import reading, writing
from app.blueprints.service_tickets.errors import (
    MechanicNotAssigned,
    MechanicsAssigned,
    NotYourTicket,
    PartNotOnTicket,
    TicketClosed,
    TicketNotFound,
    TicketsOpen,
    TransitionNotAllowed,
)
from app.blueprints.service_tickets.models import ServiceTicket, TicketMechanic, TicketPart
from app.blueprints.service_tickets.status import FINISHED, allowed_transitions
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.vin import normalised, warnings
from app.blueprints.workshops import service as workshops
from app.core import audit, clock
from app.core.db import atomic, locked, touch
from app.core.identity import Principal
from app.core.preconditions import Expected, require_version
from app.extensions import db

Ticket = dict[str, Any]
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
    _require_own(caller, customer_id)
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
    return _completed(caller, ticket)


def _whole(caller: Principal, ticket_id: int) -> Ticket:
    """Return a ticket as `caller` is shown it: with what they may do next, and what to look at twice."""
    return _completed(caller, reading.get(ticket_id))


def _completed(caller: Principal, ticket: Ticket) -> Ticket:
    ticket["allowed_transitions"] = allowed_transitions(ticket["status"], caller.role)
    ticket["warnings"] = warnings(ticket["VIN"])
    return ticket


def _require_own(caller: Principal, customer_id: int, scope: str = "tickets:write") -> None:
    if not caller.may(scope) and caller.customer_id != customer_id:
        raise NotYourTicket()


def show(caller: Principal, ticket_id: int) -> Ticket:
    """Return a ticket: any to staff, their own to a customer.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    ticket = _whole(caller, ticket_id)
    _require_own(caller, ticket["customer_id"], "tickets:read")
    return ticket


def _locked(caller: Principal, ticket_id: int, expected: Expected) -> ServiceTicket:
    """Return a ticket, locked until the transaction ends: whoever changes what hangs on it waits here."""
    ticket = db.session.scalar(
        locked(ServiceTicket).where(
            ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
        )
    )
    if ticket is None:
        raise TicketNotFound()
    _require_own(caller, ticket.customer_id)
    require_version(ticket, expected)
    return ticket


def _require_open(ticket: ServiceTicket) -> None:
    if ticket.status in FINISHED or ticket.status == "cancelled":
        raise TicketClosed(f"The ticket is {ticket.status}.")


def update(caller: Principal, ticket_id: int, changes: dict[str, Any], expected: Expected = None) -> Ticket:
    """Change what a ticket says; a customer only their own, while it is booked.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's, or given to another.
    :raises TicketClosed: finished, cancelled, or for a customer already received.
    :raises Stale: not the `expected` version. :raises CustomerNotFound: the new customer is unknown here.
    """
    vin = normalised(changes.pop("VIN")) if "VIN" in changes else None
    with atomic() as session:
        ticket = _locked(caller, ticket_id, expected)
        _require_open(ticket)
        if not caller.may("tickets:write") and ticket.status != "booked":
            raise TicketClosed("The workshop has received the car: ask there.")
        if "customer_id" in changes:
            _require_own(caller, changes["customer_id"])
            if changes["customer_id"] != ticket.customer_id:
                customers.require(changes["customer_id"])
        before = audit.fields_of(ticket, RECORD)
        for field, value in changes.items():
            setattr(ticket, field, value)
        if vin is not None:
            ticket.vehicle_id = vehicles.find_or_make(ticket.customer_id, vin)
        session.flush()
        audit.note_change("ticket.updated", "ticket", ticket_id, before, audit.fields_of(ticket, RECORD))
        return _whole(caller, ticket_id)


def remove(caller: Principal, ticket_id: int, expected: Expected = None) -> int:
    """Delete a ticket on which nobody works any more, and return its number; its parts go back into stock.

    :raises TicketNotFound: unknown here. :raises MechanicsAssigned: somebody still works on it.
    :raises TicketClosed: it is finished. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        ticket = _locked(caller, ticket_id, expected)
        if ticket.status in FINISHED:
            raise TicketClosed(f"The ticket is {ticket.status}: it is kept.")
        if assigned := _assigned(ticket):
            raise MechanicsAssigned(f"Still assigned: {', '.join(map(str, sorted(assigned)))}.")
        if ticket.status != "cancelled":
            _release_parts(ticket)
        session.delete(ticket)
        audit.note("ticket.deleted", "ticket", ticket_id, before=audit.fields_of(ticket, RECORD))
        return ticket.number


def _assigned(ticket: ServiceTicket) -> set[int]:
    statement = select(TicketMechanic.mechanic_id).where(
        TicketMechanic.workshop_id == ticket.workshop_id, TicketMechanic.service_ticket_id == ticket.id
    )
    return set(db.session.scalars(statement))


def _quantities(ticket: ServiceTicket, part_ids: Iterable[int] | None = None) -> dict[int, int]:
    """Return how many of each part are on a ticket."""
    statement = select(TicketPart.part_id, TicketPart.quantity).where(
        TicketPart.workshop_id == ticket.workshop_id, TicketPart.service_ticket_id == ticket.id
    )
    if part_ids is not None:
        statement = statement.where(TicketPart.part_id.in_(part_ids))
    totals: Counter[int] = Counter()
    for part_id, quantity in db.session.execute(statement):
        totals[part_id] += quantity
    return dict(totals)


def _release_parts(ticket: ServiceTicket) -> None:
    inventory.give_back(ticket.workshop_id, _quantities(ticket))


def assign_mechanic(caller: Principal, ticket_id: int, mechanic_id: int, expected: Expected = None) -> Ticket:
    """Put a mechanic on a ticket; one who is on it already stays.

    :raises TicketNotFound: unknown here. :raises MechanicNotFound: unknown here, or gone.
    :raises TicketClosed: finished or cancelled.
    """
    with atomic():
        ticket = _locked(caller, ticket_id, expected)
        _require_open(ticket)
        mechanics.get(caller.workshop_id, mechanic_id)
        _assign(ticket, [mechanic_id])
        return _whole(caller, ticket_id)


def _assign(ticket: ServiceTicket, mechanic_ids: list[int]) -> None:
    new = [mechanic_id for mechanic_id in mechanic_ids if mechanic_id not in _assigned(ticket)]
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
        ticket = _locked(caller, ticket_id, expected)
        if ticket.status in FINISHED:
            raise TicketClosed(f"The ticket is {ticket.status}.")
        if mechanic_id not in _assigned(ticket):
            raise MechanicNotAssigned()
        _unassign(ticket, [mechanic_id])
        return _whole(caller, ticket_id)


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
        ticket = _locked(caller, ticket_id, expected)
        _require_open(ticket)
        notes += _edit_mechanics(ticket, add_mechanic_ids, remove_mechanic_ids)
        notes += _edit_parts(ticket, add_item_ids, remove_item_ids)
        return _whole(caller, ticket_id), notes


def _edit_mechanics(ticket: ServiceTicket, adding: list[int], removing: list[int]) -> list[str]:
    assigned = _assigned(ticket)
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


def _edit_parts(ticket: ServiceTicket, adding: list[int], removing: list[int]) -> list[str]:
    present = _quantities(ticket, removing) if removing else {}
    known = inventory.present_among(ticket.workshop_id, adding) if adding else set()
    notes = [f"Item {i} is unknown." for i in dict.fromkeys(adding) if i not in known]
    notes += [f"Item {i} was not on the ticket." for i in dict.fromkeys(removing) if i not in present]
    if present and known:
        inventory.hold(ticket.workshop_id, known.union(present))
    if present:
        _take_off(ticket, present)
    _put_on(ticket, dict(Counter(i for i in adding if i in known)))
    return notes


def add_parts(
    caller: Principal, ticket_id: int, lines: list[dict[str, int]], expected: Expected = None
) -> Ticket:
    """Put parts on a ticket at their present price, out of stock where it is counted; all or none.

    :raises TicketNotFound: unknown here. :raises PartNotFound: one is. :raises NotEnoughOnHand: fewer are on hand.
    :raises TicketClosed: finished or cancelled.
    """
    wanted: Counter[int] = Counter()
    for line in lines:
        wanted[line["item_id"]] += line["quantity"]
    with atomic():
        ticket = _locked(caller, ticket_id, expected)
        _require_open(ticket)
        _put_on(ticket, dict(wanted))
        return _whole(caller, ticket_id)


def _put_on(ticket: ServiceTicket, quantities: dict[int, int]) -> None:
    if not quantities:
        return
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(TicketPart).values(
        [
            {
                "workshop_id": ticket.workshop_id,
                "service_ticket_id": ticket.id,
                "part_id": taken.id,
                "unit_price": taken.price,
                "quantity": quantities[taken.id],
            }
            for taken in inventory.take(ticket.workshop_id, quantities)
        ]
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["workshop_id", "service_ticket_id", "part_id", "unit_price"],
            set_={"quantity": TicketPart.quantity + statement.excluded.quantity},
        )
    )
    touch(ticket)
    db.session.flush()
    audit.note("ticket.parts_changed", "ticket", ticket.id, after={"parts": _listed(quantities)})


def _listed(quantities: dict[int, int]) -> list[dict[str, int]]:
    """Return quantities as the audit log lists them: before, what went off a ticket; after, what went on."""
    return [{"part_id": part_id, "quantity": quantities[part_id]} for part_id in sorted(quantities)]


def remove_part(caller: Principal, ticket_id: int, part_id: int, expected: Expected = None) -> Ticket:
    """Take a part off a ticket, wholly, and back into stock.

    :raises TicketNotFound: unknown here. :raises PartNotOnTicket: not on it. :raises TicketClosed: finished or cancelled.
    """
    with atomic():
        ticket = _locked(caller, ticket_id, expected)
        _require_open(ticket)
        present = _quantities(ticket, [part_id])
        if not present:
            raise PartNotOnTicket()
        _take_off(ticket, present)
        return _whole(caller, ticket_id)


def _take_off(ticket: ServiceTicket, quantities: dict[int, int]) -> None:
    db.session.execute(
        delete(TicketPart)
        .where(
            TicketPart.workshop_id == ticket.workshop_id,
            TicketPart.service_ticket_id == ticket.id,
            TicketPart.part_id.in_(quantities),
        )
        .execution_options(synchronize_session=False)
    )
    inventory.give_back(ticket.workshop_id, quantities)
    touch(ticket)
    db.session.flush()
    audit.note("ticket.parts_changed", "ticket", ticket.id, before={"parts": _listed(quantities)})


def change_status(
    caller: Principal, ticket_id: int, status: str, reason: str | None = None, expected: Expected = None
) -> Ticket:
    """Take a ticket one step on; cancelling puts its parts back into stock.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises TransitionNotAllowed: that step is not open to this caller now.
    """
    with atomic() as session:
        ticket = _locked(caller, ticket_id, expected)
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
            _release_parts(ticket)
        session.flush()
        return _whole(caller, ticket_id)


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
