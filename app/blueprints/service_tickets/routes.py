"""Service tickets: staff keep them; a customer opens, reads, changes and cancels their own."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.service_tickets import board, fitting, moving, reading, service, staffing
from app.blueprints.service_tickets.board_schemas import BoardOut
from app.blueprints.service_tickets.reading import READS
from app.blueprints.service_tickets.schemas import (
    EditIn,
    EditOut,
    MyTicketsQuery,
    NewServiceTicketIn,
    ServiceTicketIn,
    ServiceTicketOut,
    ServiceTicketPatch,
    ServiceTicketQuery,
    ServiceTicketWholeOut,
    StatusIn,
    TicketItemsIn,
)
from app.core import paging
from app.core.contract import cached, limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "service_tickets",
    __name__,
    description="One visit of a car each: what is to be done, by whom, with what.",
)

Ticket = dict[str, Any]


@bp.post("/service_tickets/")
@limited("write")
@needs("tickets:write", "own:write")
@bp.arguments(NewServiceTicketIn)
@bp.response(201, ServiceTicketWholeOut, ready=True)
def create_service_ticket(ticket: Ticket) -> tuple[Ticket, dict[str, str]]:
    """Open a ticket: staff for any customer, a customer for themselves."""
    made = service.open_ticket(principal(), **ticket)
    return made, {"Location": url_for("service_tickets.get_service_ticket", ticket_id=made["id"])}


@bp.get("/service_tickets/")
@limited("service_tickets_list")
@needs("tickets:read")
@cached("service_tickets", reads=READS)
@bp.arguments(ServiceTicketQuery, location="query")
@bp.response(200, ServiceTicketOut(many=True), ready=True)
def list_service_tickets(query: dict[str, Any]) -> Any:
    """List the tickets, each with mechanics, items and customer."""
    return paging.answer(reading.find(paging.walk_of(query), **query))


@bp.get("/service_tickets/board")
@limited("service_tickets_list")
@needs("tickets:read")
@bp.response(200, BoardOut, ready=True)
def show_board() -> dict[str, Any]:
    """Show all open tickets by status, each with what somebody has to do about it."""
    return board.board(principal().workshop_id)


@bp.get("/service_tickets/my-tickets")
@limited("read")
@needs("own:read")
@cached("service_tickets", reads=READS)
@bp.arguments(MyTicketsQuery, location="query")
@bp.response(200, ServiceTicketOut(many=True), ready=True)
def list_my_service_tickets(query: dict[str, Any]) -> Any:
    """List one's own tickets."""
    return _own(query)


@bp.get("/customers/my-tickets", tags=["customers"])
@limited("read")
@needs("own:read")
@cached("service_tickets", reads=READS)
@bp.arguments(MyTicketsQuery, location="query")
@bp.response(200, ServiceTicketOut(many=True), ready=True)
def list_my_tickets(query: dict[str, Any]) -> Any:
    """List one's own tickets."""
    return _own(query)


def _own(query: dict[str, Any]) -> Any:
    caller = principal()
    walk = paging.walk_of(query)
    return paging.answer(reading.find(walk, customer_id=caller.customer_id, **query))


@bp.get("/service_tickets/<int:ticket_id>")
@limited("read")
@needs("tickets:read", "own:read")
@bp.response(200, ServiceTicketWholeOut, ready=True)
def get_service_ticket(ticket_id: int) -> Ticket:
    """Show a ticket: any to staff, their own to a customer."""
    return service.show(principal(), ticket_id)


@bp.put("/service_tickets/<int:ticket_id>")
@limited("write")
@needs("tickets:write", "own:write")
@bp.arguments(ServiceTicketIn)
@bp.response(200, ServiceTicketWholeOut, ready=True)
def replace_service_ticket(changes: Ticket, ticket_id: int) -> Ticket:
    """Replace what a ticket says; a customer their own, while it is booked."""
    return service.update(principal(), ticket_id, changes, expected_versions())


@bp.patch("/service_tickets/<int:ticket_id>")
@limited("write")
@needs("tickets:write", "own:write")
@bp.arguments(ServiceTicketPatch)
@bp.response(200, ServiceTicketWholeOut, ready=True)
def patch_service_ticket(changes: Ticket, ticket_id: int) -> Ticket:
    """Change what a ticket says; a customer their own, while it is booked."""
    return service.update(principal(), ticket_id, changes, expected_versions())


@bp.delete("/service_tickets/<int:ticket_id>")
@limited("delete")
@needs("tickets:write")
@bp.response(200, Message)
def delete_service_ticket(ticket_id: int) -> dict[str, str]:
    """Delete a ticket that is not finished and on which nobody works; its items go back into stock.

    One to which the customer said yes or no, or was asked to, is kept, and at most cancelled.
    """
    number = service.remove(principal(), ticket_id, expected_versions())
    return {"message": f"Service ticket {ticket_id} (number {number}) deleted."}


@bp.put("/service_tickets/<int:ticket_id>/assign-mechanic/<int:mechanic_id>")
@limited("write")
@needs("tickets:write")
@bp.response(200, ServiceTicketWholeOut, ready=True)
def assign_mechanic(ticket_id: int, mechanic_id: int) -> Ticket:
    """Put a mechanic on a ticket; one who is on it already stays."""
    return staffing.assign_mechanic(principal(), ticket_id, mechanic_id, expected_versions())


@bp.put("/service_tickets/<int:ticket_id>/remove-mechanic/<int:mechanic_id>")
@limited("service_tickets_remove_mechanic")
@needs("tickets:write")
@bp.response(200, ServiceTicketWholeOut, ready=True)
def remove_mechanic(ticket_id: int, mechanic_id: int) -> Ticket:
    """Take a mechanic off a ticket."""
    return staffing.unassign_mechanic(principal(), ticket_id, mechanic_id, expected_versions())


@bp.put("/service_tickets/<int:ticket_id>/edit", endpoint="edit_service_ticket")
@bp.put("/service_tickets/<int:ticket_id>/update-mechanics", endpoint="update_service_ticket_mechanics")
@limited("write")
@needs("tickets:write")
@bp.arguments(EditIn)
@bp.response(200, EditOut, ready=True)
def edit_service_ticket(changes: dict[str, Any], ticket_id: int) -> dict[str, Any]:
    """Change mechanics and items of a ticket in one go.

    What is unknown or already so is told in `notes` and changes nothing; a lack of stock refuses the whole edit.
    """
    ticket, notes = service.edit(principal(), ticket_id, **changes, expected=expected_versions())
    return {
        "message": f"Service ticket {ticket_id} updated.",
        "service_ticket": ticket,
        "notes": notes,
        "version": ticket.pop("version"),
    }


@bp.post("/service_tickets/<int:ticket_id>/inventory")
@limited("write")
@needs("tickets:write")
@bp.arguments(TicketItemsIn)
@bp.response(201, ServiceTicketWholeOut, ready=True)
def add_ticket_items(items: dict[str, Any], ticket_id: int) -> tuple[Ticket, dict[str, str]]:
    """Put items on a ticket at their present price, out of stock where it is counted; all or none."""
    ticket = fitting.add_parts(principal(), ticket_id, items["lines"], expected_versions())
    return ticket, {"Location": url_for("service_tickets.get_service_ticket", ticket_id=ticket_id)}


@bp.delete("/service_tickets/<int:ticket_id>/inventory/<int:item_id>")
@limited("delete")
@needs("tickets:write")
@bp.response(200, ServiceTicketWholeOut, ready=True)
def remove_ticket_item(ticket_id: int, item_id: int) -> Ticket:
    """Take an item off a ticket, wholly, and back into stock."""
    return fitting.remove_part(principal(), ticket_id, item_id, expected_versions())


@bp.post("/service_tickets/<int:ticket_id>/status")
@limited("write")
@needs("tickets:write", "own:write")
@bp.arguments(StatusIn)
@bp.response(200, ServiceTicketWholeOut, ready=True)
def change_service_ticket_status(step: dict[str, Any], ticket_id: int) -> Ticket:
    """Take a ticket one step on, as `allowed_transitions` lists it.

    Cancelling puts its items back into stock; completing fits those that are left. `approved` and `declined` by hand are for a
    word by phone or in person, and need the `reason`, which says how: what is on the ticket then counts as approved, or not.
    Work that begins (`in_progress`) while parts are missing waits for them at once: the answer is `waiting_parts`, and
    `status_history` has both steps. Sent once more, `in_progress` goes on with what needs none of them.
    """
    return moving.change_status(principal(), ticket_id, **step, expected=expected_versions())
