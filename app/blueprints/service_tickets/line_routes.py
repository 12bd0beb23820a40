"""The lines of a ticket: what is done and charged, and the parts as they are set aside, fitted and returned."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import url_for

from app.blueprints.service_tickets import fitting, work
from app.blueprints.service_tickets import waiting as waiting  # for what it tells the inventory
from app.blueprints.service_tickets.line_schemas import SomeIn, TicketLinePatch, TicketLinesIn
from app.blueprints.service_tickets.schemas import ServiceTicketWholeOut
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint(
    "ticket_lines",
    __name__,
    url_prefix="/service_tickets/<int:ticket_id>/lines",
    description="Labour, parts, fees and discounts of a ticket.",
)

Ticket = dict[str, Any]


@bp.post("/", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(TicketLinesIn)
@bp.response(201, ServiceTicketWholeOut, ready=True)
def add_ticket_lines(asked: dict[str, Any], ticket_id: int) -> tuple[Ticket, dict[str, str]]:
    """Put lines on a ticket, all or none; parts are set aside as far as there are any.

    What is missing of a part is told in `to_order`, and a ticket that is being worked on then waits for parts.
    """
    ticket = work.add_lines(principal(), ticket_id, asked["lines"], expected_versions())
    return ticket, {"Location": url_for("service_tickets.get_service_ticket", ticket_id=ticket_id)}


@bp.patch("/<int:line_id>", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(TicketLinePatch)
@bp.response(200, ServiceTicketWholeOut, ready=True)
def patch_ticket_line(changes: dict[str, Any], ticket_id: int, line_id: int) -> Ticket:
    """Change a line; If-Match names the ticket's version."""
    return work.change_line(principal(), ticket_id, line_id, changes, expected_versions())


@bp.delete("/<int:line_id>", tags=["service_tickets"])
@limited("delete")
@needs("tickets:write")
@bp.response(200, ServiceTicketWholeOut, ready=True)
def remove_ticket_line(ticket_id: int, line_id: int) -> Ticket:
    """Take a line off a ticket: what is set aside is let go, what is fitted comes back into stock."""
    return work.remove_line(principal(), ticket_id, line_id, expected_versions())


@bp.post("/<int:line_id>/reserve", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.response(200, ServiceTicketWholeOut, ready=True)
def reserve_ticket_line(ticket_id: int, line_id: int) -> Ticket:
    """Set aside what a line lacks, as much as there is by now."""
    return fitting.reserve_line(principal(), ticket_id, line_id, expected_versions())


@bp.post("/<int:line_id>/fit", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(SomeIn)
@bp.response(200, ServiceTicketWholeOut, ready=True)
def fit_ticket_line(asked: dict[str, Decimal | None], ticket_id: int, line_id: int) -> Ticket:
    """Fit a line's parts, so many or all that are left: they leave the stock."""
    return fitting.fit_line(principal(), ticket_id, line_id, asked["quantity"], expected_versions())


@bp.post("/<int:line_id>/return", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(SomeIn)
@bp.response(200, ServiceTicketWholeOut, ready=True)
def return_ticket_line(asked: dict[str, Decimal | None], ticket_id: int, line_id: int) -> Ticket:
    """Put fitted parts of a line back into stock, so many or all; the line wants so many fewer."""
    return fitting.return_line(principal(), ticket_id, line_id, asked["quantity"], expected_versions())
