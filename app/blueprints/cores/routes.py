"""Old parts: staff say what becomes of them, send them back to suppliers, and enter what these give for them."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.cores import reading, returning, service
from app.blueprints.cores.reading import Told
from app.blueprints.cores.schemas import (
    CoreCreditIn,
    CoreOut,
    CoreQuery,
    CoreRejectionIn,
    CoreReturnIn,
    CoreSettlementIn,
)
from app.blueprints.service_tickets.schemas import ServiceTicketWholeOut
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint("cores", __name__, description="The old parts that suppliers take back.")

OF_A_LINE = "/service_tickets/<int:ticket_id>/lines/<int:line_id>/cores"


@bp.post(OF_A_LINE, tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(CoreSettlementIn)
@bp.response(201, ServiceTicketWholeOut, ready=True)
def settle_cores(said: dict[str, Any], ticket_id: int, line_id: int) -> tuple[Told, dict[str, str]]:
    """Say what becomes of the old parts of a line; If-Match names the ticket's version.

    Where the customer keeps them, a fee of the core charge is put on the ticket. Of a finished job it can still be said that
    they are held or scrapped.
    """
    ticket = service.settle(principal(), ticket_id, line_id, **said, expected=expected_versions())
    return ticket, {"Location": url_for("service_tickets.get_service_ticket", ticket_id=ticket_id)}


@bp.delete(f"{OF_A_LINE}/<int:core_id>", tags=["service_tickets"])
@limited("delete")
@needs("tickets:write")
@bp.response(200, ServiceTicketWholeOut, ready=True)
def take_cores_back(ticket_id: int, line_id: int, core_id: int) -> Told:
    """Take back what was said of old parts, as long as none went to a supplier; If-Match names the ticket's version."""
    return service.take_back(principal(), ticket_id, line_id, core_id, expected_versions())


@bp.get("/inventory/cores/", tags=["inventory"])
@limited("inventory_list")
@needs("inventory:read")
@bp.arguments(CoreQuery, location="query")
@bp.response(200, CoreOut(many=True))
def list_cores(query: dict[str, Any]) -> Any:
    """List the old parts and what became of them, the latest first."""
    return paging.answer(reading.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/inventory/cores/<int:core_id>", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@bp.response(200, CoreOut)
def get_core(core_id: int) -> Told:
    """Show what became of some old parts."""
    return reading.get(principal().workshop_id, core_id)


@bp.post("/inventory/cores/<int:core_id>/return", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(CoreReturnIn)
@bp.response(200, CoreOut)
def return_core(sent: dict[str, Any], core_id: int) -> Told:
    """Send old parts that are held to a supplier, all or so many of them."""
    return returning.send_back(principal().workshop_id, core_id, **sent, expected=expected_versions())


@bp.post("/inventory/cores/<int:core_id>/credit", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(CoreCreditIn)
@bp.response(200, CoreOut)
def credit_core(given: dict[str, Any], core_id: int) -> Told:
    """Enter what a supplier gave for old parts that were sent, all or so many of them."""
    return returning.credit(principal().workshop_id, core_id, **given, expected=expected_versions())


@bp.post("/inventory/cores/<int:core_id>/reject", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(CoreRejectionIn)
@bp.response(200, CoreOut)
def reject_core(said: dict[str, Any], core_id: int) -> Told:
    """Say that nobody gives anything for old parts: the supplier to whom they were sent, or none who was asked."""
    return returning.reject(principal().workshop_id, core_id, **said, expected=expected_versions())
